//! Which pages are in memory: finding out, bringing them in, keeping them there, letting them go.

use super::page_size;
use crate::core::sys::error::{Result, SysError};
use crate::core::sys::{CacheCounts, Populate};

/// Brings pages into memory and into the page table, without a signal where one of them can't
/// be delivered. Answers `ENOSYS` where the system can't.
/// `madvise(2)`: <https://man7.org/linux/man-pages/man2/madvise.2.html>
///
/// # Safety
///
/// `address..address + length` must be whole pages that the caller owns.
pub unsafe fn populate_pages(address: usize, length: usize, what_for: Populate) -> Result<()> {
    #[cfg(target_os = "linux")]
    {
        let advice = match what_for {
            Populate::ForReading => libc::MADV_POPULATE_READ,
            Populate::ForWriting => libc::MADV_POPULATE_WRITE,
        };
        // SAFETY: the caller owns the pages; populating changes no byte.
        if unsafe { libc::madvise(address as *mut _, length, advice) } == 0 {
            return Ok(());
        }
        let error = SysError::last("madvise");
        // Linux before 5.14 doesn't know the advice.
        if error.errno() == Some(libc::EINVAL) {
            return Err(SysError::new(libc::ENOSYS, "madvise"));
        }
        Err(error)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (address, length, what_for);
        Err(SysError::new(libc::ENOSYS, "madvise"))
    }
}

/// Whether a page can be loaded from, found out without a trap where there is no better call. `file`
/// is the one under it, if there is one, and `offset` where the page lies in that.
#[must_use]
pub fn can_load(page: usize, file: Option<i32>, offset: u64) -> bool {
    if cfg!(target_os = "linux") {
        return super::is_readable(page);
    }
    // What can be read from the file can be loaded: both come from one cache.
    file.is_none_or(|fd| super::has_byte(fd, offset).unwrap_or(false))
}

/// Which pages are in memory, one flag a page (1 or 0), in `flags`, which has room for all of
/// them. What the system does not tell this user it says is there: see [`tells_residency`].
/// `mincore(2)`: <https://man7.org/linux/man-pages/man2/mincore.2.html>
///
/// # Safety
///
/// The `flags.len()` pages from `address` on must be pages that the caller owns.
pub unsafe fn resident_pages(address: usize, flags: &mut [u8]) -> Result<()> {
    let length = flags.len() * page_size();
    // SAFETY: there is room for a byte for each page; the caller owns the pages.
    if unsafe { libc::mincore(address as *mut _, length, flags.as_mut_ptr().cast()) } != 0 {
        return Err(SysError::last("mincore"));
    }
    for flag in flags {
        *flag &= 1;
    }
    Ok(())
}

/// Whether the system tells this user which pages of a file are in memory. Linux has told it since
/// 5.2 only to who owns the file or may write to it, since others could learn from it what the
/// owner does.
#[must_use]
pub fn tells_residency(fd: i32) -> bool {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: all-zero is a valid stat, and the call fills it; a bad descriptor is an error.
        let mut stat: libc::stat = unsafe { std::mem::zeroed() };
        // SAFETY: the pointer is valid for the call.
        if unsafe { libc::fstat(fd, &raw mut stat) } != 0 {
            return false;
        }
        // SAFETY: no preconditions.
        if stat.st_uid == unsafe { libc::geteuid() } || acts_for_owners() {
            return true;
        }
        let Ok(path) = std::ffi::CString::new(format!("/proc/self/fd/{fd}")) else {
            return false;
        };
        // SAFETY: the path ends in NUL.
        let result =
            unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), libc::W_OK, libc::AT_EACCESS) };
        result == 0
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = fd;
        true
    }
}

/// Whether the process has `CAP_FOWNER`.
#[cfg(target_os = "linux")]
fn acts_for_owners() -> bool {
    const CAP_FOWNER: u32 = 3;
    effective_capabilities() >> CAP_FOWNER & 1 == 1
}

/// Whether locks in memory are not counted for this process: `CAP_IPC_LOCK`.
#[must_use]
pub fn locks_without_limit() -> bool {
    #[cfg(target_os = "linux")]
    {
        const CAP_IPC_LOCK: u32 = 14;
        effective_capabilities() >> CAP_IPC_LOCK & 1 == 1
    }
    #[cfg(not(target_os = "linux"))]
    false
}

#[cfg(target_os = "linux")]
fn effective_capabilities() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| u64::from_str_radix(line.strip_prefix("CapEff:")?.trim(), 16).ok())
        .unwrap_or(0)
}

/// Which pages are in this process's page table, one flag a page (1 or 0). They are in memory,
/// whoever may know; of the others this says nothing. Answers `ENOSYS` where the system can't.
/// <https://docs.kernel.org/admin-guide/mm/pagemap.html>
pub fn present_pages(address: usize, flags: &mut [u8]) -> Result<()> {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::FileExt;
        const ENTRY: usize = 8;
        const PRESENT: u32 = 63;
        let file = std::fs::File::open("/proc/self/pagemap")
            .map_err(|error| SysError::from_io(&error, "open"))?;
        let mut entries = vec![0_u8; flags.len() * ENTRY];
        file.read_exact_at(&mut entries, (address / page_size() * ENTRY) as u64)
            .map_err(|error| SysError::from_io(&error, "pread"))?;
        for (flag, entry) in flags.iter_mut().zip(entries.chunks_exact(ENTRY)) {
            let entry = u64::from_ne_bytes(entry.try_into().unwrap_or_default());
            *flag = (entry >> PRESENT & 1) as u8;
        }
        Ok(())
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (address, flags);
        Err(SysError::new(libc::ENOSYS, "pagemap"))
    }
}

/// Counts the pages of a part of a file. Answers `ENOSYS` where the system can't: before Linux
/// 6.5. `cachestat(2)`: <https://docs.kernel.org/admin-guide/mm/index.html>,
/// <https://man7.org/linux/man-pages/man2/cachestat.2.html>
pub fn cache_counts(fd: i32, offset: u64, length: u64) -> Result<CacheCounts> {
    #[cfg(target_os = "linux")]
    {
        /// The same on every processor that this library is built for.
        const SYS_CACHESTAT: libc::c_long = 451;
        let range = [offset, length];
        let mut counts = CacheCounts::default();
        // SAFETY: both pointers are to what the call reads and writes: two and five numbers of
        // 64 bits. A bad descriptor is an error.
        let result =
            unsafe { libc::syscall(SYS_CACHESTAT, fd, range.as_ptr(), &raw mut counts, 0_u32) };
        if result == 0 {
            Ok(counts)
        } else {
            Err(SysError::last("cachestat"))
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (fd, offset, length);
        Err(SysError::new(libc::ENOSYS, "cachestat"))
    }
}

/// Whether [`cache_counts`] works at all.
#[must_use]
pub fn can_count_cache() -> bool {
    // A descriptor that can't be is the last thing that a kernel complains of that has the call.
    cache_counts(-1, 0, 0).is_err_and(|error| error.errno() == Some(libc::EBADF))
}

/// Keeps pages in memory from the time on at which they come there; those that are there stay.
/// Brings none in. Answers `ENOSYS` where the system can't.
/// `mlock2(2)`: <https://man7.org/linux/man-pages/man2/mlock.2.html>
///
/// # Safety
///
/// `address..address + length` must be whole pages that the caller owns.
pub unsafe fn lock_pages_on_fault(address: usize, length: usize) -> Result<()> {
    #[cfg(target_os = "linux")]
    {
        const MLOCK_ONFAULT: u32 = 1;
        // By number: the oldest C libraries that this runs on have no name for it.
        // SAFETY: the caller owns the pages, and locking changes no byte.
        let result = unsafe { libc::syscall(libc::SYS_mlock2, address, length, MLOCK_ONFAULT) };
        if result == 0 {
            Ok(())
        } else {
            Err(SysError::last("mlock"))
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (address, length);
        Err(SysError::new(libc::ENOSYS, "mlock"))
    }
}

/// Brings pages into memory and keeps them there. On Linux private pages that may be written to get
/// memory of their own by this, which [`lock_pages_on_fault`] does not do.
/// `mlock(2)`: <https://man7.org/linux/man-pages/man2/mlock.2.html>
///
/// # Safety
///
/// `address..address + length` must be whole pages that the caller owns.
pub unsafe fn lock_pages(address: usize, length: usize) -> Result<()> {
    // SAFETY: the caller owns the pages, and locking changes no byte.
    if unsafe { libc::mlock(address as *const _, length) } == 0 {
        return Ok(());
    }
    Err(SysError::last("mlock"))
}

/// Lets the system take pages out of memory again.
///
/// # Safety
///
/// `address..address + length` must be whole pages that the caller owns.
pub unsafe fn unlock_pages(address: usize, length: usize) -> Result<()> {
    // SAFETY: the caller owns the pages, and unlocking changes no byte.
    if unsafe { libc::munlock(address as *const _, length) } == 0 {
        return Ok(());
    }
    Err(SysError::last("munlock"))
}

/// Lets go of clean pages: out of this process's page table, and out of the page cache if nobody
/// else maps them. Private changes are lost.
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

/// Lets go of the clean pages of a part of a file that nobody maps, out of the page cache.
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
/// well. Answers `ENOSYS` where the system can't, and for pages that can't go.
/// `madvise(2)`, `MADV_PAGEOUT`: <https://man7.org/linux/man-pages/man2/madvise.2.html>
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
        // Linux before 5.4 doesn't know the advice, and huge pages of a fixed size can't go.
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
            // Locked by somebody else (mlockall), or huge pages of an old system.
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

/// Whether pages can be taken out of memory without losing what is private to them.
#[must_use]
pub fn can_page_out() -> bool {
    // SAFETY: an empty range: the kernel only looks at the number.
    unsafe { page_out(0, 0) }.is_ok()
}

/// Whether pages can be locked without bringing them in.
#[must_use]
pub fn can_lock_on_fault() -> bool {
    // SAFETY: an empty range: nothing is locked. Without the right to lock anything the kernel
    // says so before it looks further, and it has the call.
    match unsafe { lock_pages_on_fault(0, 0) } {
        Ok(()) => true,
        Err(error) => error.errno() == Some(libc::EPERM),
    }
}
