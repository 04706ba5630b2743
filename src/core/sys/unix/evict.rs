//! Removing pages from memory.

use crate::core::sys::error::{Result, SysError};

/// Removes clean pages from this process's page table, and from the page cache if no other process
/// maps them. Private changes are lost.
///
/// # Safety
///
/// `address..address + length` must be whole pages that the caller owns, without private changes
/// that anybody wants to see again.
pub unsafe fn release_pages(address: usize, length: usize, fd: i32, offset: u64) -> Result<()> {
    // SAFETY: the caller owns the pages and does without their private contents.
    if unsafe { libc::madvise(address as *mut _, length, libc::MADV_DONTNEED) } != 0 {
        return Err(SysError::last("madvise"));
    }
    drop_cache(fd, offset, length as u64)
}

/// Removes the clean, unmapped pages of a range of a file from the page cache.
/// `posix_fadvise(2)`: <https://man7.org/linux/man-pages/man2/posix_fadvise.2.html>
pub fn drop_cache(fd: i32, offset: u64, length: u64) -> Result<()> {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: advice on a descriptor; it answers with an error number.
        let errno = unsafe {
            libc::posix_fadvise(
                fd,
                offset as libc::off_t,
                length as libc::off_t,
                libc::POSIX_FADV_DONTNEED,
            )
        };
        if errno != 0 {
            return Err(SysError::new(errno, "posix_fadvise"));
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (fd, offset, length);
    Ok(())
}

/// Takes pages out of memory and loses nothing: what is private goes to the swap space, if there is
/// any, or stays; clean pages of a file that no other process maps go out of the page cache as
/// well. Fails with `ENOSYS` where the system does not support this, and for pages that cannot be
/// evicted. `madvise(2)`, `MADV_PAGEOUT`: <https://man7.org/linux/man-pages/man2/madvise.2.html>
///
/// # Safety
///
/// `address..address + length` must be whole pages that the caller owns.
pub unsafe fn page_out(address: usize, length: usize) -> Result<()> {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: the caller owns the pages; they come back with the same bytes.
        if unsafe { libc::madvise(address as *mut _, length, libc::MADV_PAGEOUT) } == 0 {
            return Ok(());
        }
        let error = SysError::last("madvise");
        // Linux before 5.4 lacks the advice, and hugetlb pages cannot be evicted.
        if error.errno() == Some(libc::EINVAL) {
            return Err(SysError::new(libc::ENOSYS, "madvise"));
        }
        Err(error)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (address, length);
        Err(SysError::new(libc::ENOSYS, "madvise"))
    }
}

/// Takes pages of a file that is mapped shared out of memory. They must have been written back
/// before. What is written to meanwhile stays.
///
/// # Safety
///
/// `address..address + length` must be whole pages of a shared mapping that the caller owns.
pub unsafe fn evict_shared(address: usize, length: usize, fd: i32, offset: u64) -> Result<()> {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: a shared mapping has no contents of its own to lose.
        match unsafe { release_pages(address, length, fd, offset) } {
            // Locked by other code (mlockall), or huge pages of an old kernel.
            Err(error) if error.errno() == Some(libc::EINVAL) => Ok(()),
            result => result,
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (fd, offset);
        // SAFETY: the pages are clean (this function's contract) and come back from the file.
        if unsafe {
            libc::msync(
                address as *mut _,
                length,
                libc::MS_SYNC | libc::MS_INVALIDATE,
            )
        } == 0
        {
            return Ok(());
        }
        Err(SysError::last("msync"))
    }
}

/// Writes the dirty pages of a part of a file to its disk and waits for that, with no promise that
/// they survive a loss of power: enough to let go of them. `sync_file_range(2)`:
/// <https://man7.org/linux/man-pages/man2/sync_file_range.2.html>
pub fn write_back(fd: i32, offset: u64, length: u64) -> Result<()> {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: it takes numbers only, and answers bad ones with an error.
        let result = unsafe {
            libc::sync_file_range(
                fd,
                offset as libc::off64_t,
                length as libc::off64_t,
                libc::SYNC_FILE_RANGE_WAIT_BEFORE
                    | libc::SYNC_FILE_RANGE_WRITE
                    | libc::SYNC_FILE_RANGE_WAIT_AFTER,
            )
        };
        if result == 0 {
            return Ok(());
        }
        let error = SysError::last("sync_file_range");
        // What has no disk has nothing to write.
        if matches!(error.errno(), Some(libc::ESPIPE | libc::EINVAL)) {
            return Ok(());
        }
        Err(error)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (offset, length);
        // SAFETY: fsync answers a bad descriptor with an error.
        if unsafe { libc::fsync(fd) } == 0 {
            return Ok(());
        }
        Err(SysError::last("fsync"))
    }
}

/// Reports whether pages can be removed from memory without losing private changes.
#[must_use]
pub fn can_page_out() -> bool {
    // SAFETY: an empty range: the kernel only looks at the number.
    unsafe { page_out(0, 0) }.is_ok()
}
