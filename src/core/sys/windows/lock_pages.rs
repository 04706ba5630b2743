//! Locking pages in memory.

use windows_sys::Win32::Foundation::{ERROR_NOT_LOCKED, GetLastError};
use windows_sys::Win32::System::Memory::{
    GetProcessWorkingSetSizeEx, MEM_COMMIT, SetProcessWorkingSetSizeEx, VirtualLock, VirtualUnlock,
};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

use super::errno::{ENOMEM, ENOSYS};
use super::virtual_memory::runs_of;
use crate::core::sys::error::{Result, SysError};

/// Reports whether this process can lock memory without a limit: never on Windows.
#[must_use]
pub fn has_unlimited_memory_locks() -> bool {
    false
}

/// Fails with `ENOSYS`: the system locks only pages that are in memory.
///
/// # Safety
///
/// None needed.
pub unsafe fn lock_pages_on_fault(_: usize, _: usize) -> Result<()> {
    Err(SysError::new(ENOSYS, "VirtualLock"))
}

/// Brings pages into memory and keeps them there. A process may lock a little less than its minimum
/// working set, which this function increases if it is too small.
/// <https://learn.microsoft.com/en-us/windows/win32/api/memoryapi/nf-memoryapi-virtuallock>
///
/// # Safety
///
/// `address..address + length` must be whole pages that the caller owns.
pub unsafe fn lock_pages(address: usize, length: usize) -> Result<()> {
    for (run, info) in runs_of(address, length) {
        if info.State != MEM_COMMIT {
            continue;
        }
        let lock = || {
            // SAFETY: the caller owns the pages, and locking changes no byte.
            if unsafe { VirtualLock(run.start as *const _, run.len()) } == 0 {
                Err(SysError::last("VirtualLock"))
            } else {
                Ok(())
            }
        };
        match lock() {
            Err(error) if error.errno() == Some(ENOMEM) => {
                widen_working_set(run.len())?;
                lock()?;
            }
            result => result?,
        }
    }
    Ok(())
}

fn widen_working_set(bytes: usize) -> Result<()> {
    /// For other pages of the process: `SetProcessWorkingSetSize` needs spare pages.
    const SPARE: usize = 1 << 20;
    let (mut minimum, mut maximum, mut flags) = (0, 0, 0);
    // SAFETY: the pointers are valid for the call.
    let done = unsafe {
        GetProcessWorkingSetSizeEx(
            GetCurrentProcess(),
            &raw mut minimum,
            &raw mut maximum,
            &raw mut flags,
        )
    };
    if done == 0 {
        return Err(SysError::last("VirtualLock"));
    }
    let wanted = minimum.saturating_add(bytes).saturating_add(SPARE);
    // SAFETY: the call returns an error for impossible sizes.
    let done = unsafe {
        SetProcessWorkingSetSizeEx(
            GetCurrentProcess(),
            wanted,
            maximum.max(wanted.saturating_add(SPARE)),
            flags,
        )
    };
    if done == 0 {
        return Err(SysError::new(ENOMEM, "VirtualLock"));
    }
    Ok(())
}

/// Allows the system to remove pages from memory again.
///
/// # Safety
///
/// `address..address + length` must be whole pages that the caller owns.
pub unsafe fn unlock_pages(address: usize, length: usize) -> Result<()> {
    for (run, info) in runs_of(address, length) {
        if info.State != MEM_COMMIT {
            continue;
        }
        // SAFETY: the caller owns the pages, and unlocking changes no byte.
        let done = unsafe { VirtualUnlock(run.start as *const _, run.len()) };
        // SAFETY: no preconditions.
        if done == 0 && unsafe { GetLastError() } != ERROR_NOT_LOCKED {
            return Err(SysError::last("VirtualUnlock"));
        }
    }
    Ok(())
}

/// Reports whether pages can be locked without bringing them in.
#[must_use]
pub fn can_lock_on_fault() -> bool {
    false
}
