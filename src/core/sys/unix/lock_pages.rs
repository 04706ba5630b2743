//! Locking pages in memory.

#[cfg(target_os = "linux")]
use super::capability::has_capability;
use crate::core::sys::error::{Result, SysError};

/// Reports whether this process can lock memory without a limit (`CAP_IPC_LOCK`).
#[must_use]
pub fn has_unlimited_memory_locks() -> bool {
    #[cfg(target_os = "linux")]
    {
        const CAP_IPC_LOCK: u32 = 14;
        has_capability(CAP_IPC_LOCK)
    }
    #[cfg(not(target_os = "linux"))]
    false
}

/// Keeps resident pages in memory, and others once they are loaded. Brings no page in. Fails with
/// `ENOSYS` where the system does not support this.
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

/// Allows the system to remove pages from memory again.
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

/// Reports whether pages can be locked without bringing them in.
#[must_use]
pub fn can_lock_on_fault() -> bool {
    // SAFETY: an empty range: nothing is locked. Without the right to lock anything the kernel
    // says so before it looks further, and it has the call.
    match unsafe { lock_pages_on_fault(0, 0) } {
        Ok(()) => true,
        Err(error) => error.errno() == Some(libc::EPERM),
    }
}
