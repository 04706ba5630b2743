//! Pages in memory: which are resident, and how others are brought in.

#[cfg(target_os = "linux")]
use super::capability::has_capability;
use super::file_io::has_byte;
use super::memory::{is_readable, page_size};
use crate::core::sys::error::{Result, SysError};
use crate::core::sys::{CacheCounts, Populate};

/// Brings pages into memory and into the page table, without a signal for a page that cannot
/// be delivered. Fails with `ENOSYS` where the system does not support this.
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
        // Linux before 5.14 lacks the advice.
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

/// Whether a page can be loaded from, found out without a trap where there is no better call.
/// `file` is the one under it, if there is one, and `offset` where the page lies in that.
#[must_use]
pub fn can_load(page: usize, file: Option<i32>, offset: u64) -> bool {
    if cfg!(target_os = "linux") {
        return is_readable(page);
    }
    // What can be read from the file can be loaded: both come from one cache.
    file.is_none_or(|fd| has_byte(fd, offset).unwrap_or(false))
}

/// Which pages are in memory, one flag a page (1 or 0), in `flags`, which has room for all of
/// them. What the system does not tell this user it says is there: see [`reports_residency`].
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
pub fn reports_residency(fd: i32) -> bool {
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

/// Reports whether the process has `CAP_FOWNER`.
#[cfg(target_os = "linux")]
fn acts_for_owners() -> bool {
    const CAP_FOWNER: u32 = 3;
    has_capability(CAP_FOWNER)
}

/// Which pages are in this process's page table, one flag a page (1 or 0). They are in memory,
/// also where [`reports_residency`] is false; other pages may be in memory too. Fails with `ENOSYS`
/// where the system does not support this.
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

/// Counts the pages of a part of a file. Fails with `ENOSYS` where the system does not support this: before Linux
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

/// Reports whether [`cache_counts`] is supported.
#[must_use]
pub fn can_count_cache() -> bool {
    // A kernel that has the call reports the invalid descriptor.
    cache_counts(-1, 0, 0).is_err_and(|error| error.errno() == Some(libc::EBADF))
}
