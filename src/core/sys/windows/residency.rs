//! Which pages are in memory: finding out, bringing them in, keeping them there, letting them go.

use windows_sys::Win32::Foundation::ERROR_NOT_LOCKED;
use windows_sys::Win32::Foundation::GetLastError;
use windows_sys::Win32::System::Memory::{
    GetProcessWorkingSetSizeEx, MEM_COMMIT, PrefetchVirtualMemory, SetProcessWorkingSetSizeEx,
    VirtualLock, VirtualUnlock, WIN32_MEMORY_RANGE_ENTRY,
};
use windows_sys::Win32::System::ProcessStatus::{
    K32QueryWorkingSetEx, PSAPI_WORKING_SET_EX_INFORMATION,
};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

use super::errno::{EINVAL, ENOMEM, ENOSYS};
use super::virtual_memory::{is_readable, page_size, parts_of, runs_of};
use crate::core::sys::error::{Result, SysError};
use crate::core::sys::{CacheCounts, Populate, RawHandle};

/// Asks for pages to be read ahead, many at a time.
/// <https://learn.microsoft.com/en-us/windows/win32/api/memoryapi/nf-memoryapi-prefetchvirtualmemory>
pub(super) fn prefetch(address: usize, length: usize) -> Result<()> {
    for part in parts_of(address, length) {
        let entry = WIN32_MEMORY_RANGE_ENTRY {
            VirtualAddress: part.start as *mut _,
            NumberOfBytes: part.len(),
        };
        // SAFETY: the entry is valid for the call; no byte changes.
        if unsafe { PrefetchVirtualMemory(GetCurrentProcess(), 1, &raw const entry, 0) } == 0 {
            return Err(SysError::last("PrefetchVirtualMemory"));
        }
    }
    Ok(())
}

/// Asks for the pages of a range, all at once, and answers `ENOSYS`: each has to be touched to be
/// in the page table, and to be found out that it can't be had.
///
/// # Safety
///
/// `address..address + length` must be whole pages that the caller owns.
pub unsafe fn populate_pages(address: usize, length: usize, _: Populate) -> Result<()> {
    // What it could not bring is found out by touching.
    let _ = prefetch(address, length);
    Err(SysError::new(ENOSYS, "PrefetchVirtualMemory"))
}

/// Whether a page can be loaded from, found out without a trap.
#[must_use]
pub fn can_load(page: usize, _: Option<RawHandle>, _: u64) -> bool {
    is_readable(page)
}

/// Which pages are in this process's working set, one flag a page (1 or 0), in `flags`, which has
/// room for all of them. Of those that are in the system's cache alone nothing is known.
/// <https://learn.microsoft.com/en-us/windows/win32/api/psapi/nf-psapi-queryworkingsetex>
///
/// # Safety
///
/// The `flags.len()` pages from `address` on must be pages that the caller owns.
pub unsafe fn resident_pages(address: usize, flags: &mut [u8]) -> Result<()> {
    const IS_VALID: usize = 1;
    // SAFETY: all-zero is valid.
    let zero: PSAPI_WORKING_SET_EX_INFORMATION = unsafe { std::mem::zeroed() };
    let mut pages = vec![zero; flags.len()];
    for (index, page) in pages.iter_mut().enumerate() {
        page.VirtualAddress = (address + index * page_size()) as *mut _;
    }
    let size = size_of_val(pages.as_slice());
    // SAFETY: the pointer and size are those of the vector.
    let done = unsafe {
        K32QueryWorkingSetEx(
            GetCurrentProcess(),
            pages.as_mut_ptr().cast(),
            u32::try_from(size).map_err(|_| SysError::new(EINVAL, "QueryWorkingSetEx"))?,
        )
    };
    if done == 0 {
        return Err(SysError::last("QueryWorkingSetEx"));
    }
    for (flag, page) in flags.iter_mut().zip(&pages) {
        // SAFETY: the call has filled the flags of all of them.
        *flag = (unsafe { page.VirtualAttributes.Flags } & IS_VALID) as u8;
    }
    Ok(())
}

/// Whether the system tells which pages of a file are in memory: only those that this process
/// has, so that of the others nothing is known.
#[must_use]
pub fn tells_residency(_: RawHandle) -> bool {
    false
}

/// Whether locks in memory are not counted for this process: they always are.
#[must_use]
pub fn locks_without_limit() -> bool {
    false
}

/// Which pages are in this process's page table: the same as its working set.
pub fn present_pages(address: usize, flags: &mut [u8]) -> Result<()> {
    // SAFETY: the system answers addresses that are not mapped with "not there".
    unsafe { resident_pages(address, flags) }
}

/// The system doesn't count what its cache has of a file.
pub fn cache_counts(_: RawHandle, _: u64, _: u64) -> Result<CacheCounts> {
    Err(SysError::new(ENOSYS, "cachestat"))
}

/// Whether [`cache_counts`] works at all.
#[must_use]
pub fn can_count_cache() -> bool {
    false
}

/// The system locks pages only when they are there.
///
/// # Safety
///
/// None needed.
pub unsafe fn lock_pages_on_fault(_: usize, _: usize) -> Result<()> {
    Err(SysError::new(ENOSYS, "VirtualLock"))
}

/// Brings pages into memory and keeps them there. A process may lock a little less than its
/// smallest working set, which is made larger for it where that is too little.
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
    /// For what the process needs besides: `SetProcessWorkingSetSize` wants pages to spare.
    const SPARE: usize = 1 << 20;
    let (mut least, mut most, mut flags) = (0, 0, 0);
    // SAFETY: the pointers are valid for the call.
    let done = unsafe {
        GetProcessWorkingSetSizeEx(
            GetCurrentProcess(),
            &raw mut least,
            &raw mut most,
            &raw mut flags,
        )
    };
    if done == 0 {
        return Err(SysError::last("VirtualLock"));
    }
    let wanted = least.saturating_add(bytes).saturating_add(SPARE);
    // SAFETY: it answers sizes that can't be with an error.
    let done = unsafe {
        SetProcessWorkingSetSizeEx(
            GetCurrentProcess(),
            wanted,
            most.max(wanted.saturating_add(SPARE)),
            flags,
        )
    };
    if done == 0 {
        return Err(SysError::new(ENOMEM, "VirtualLock"));
    }
    Ok(())
}

/// Lets the system take pages out of memory again.
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

/// Takes pages out of the working set. Private ones go to the page file, if anywhere, and come
/// back as they were. Unlocking what is not locked does that: `VirtualUnlock`, Remarks.
/// <https://learn.microsoft.com/en-us/windows/win32/api/memoryapi/nf-memoryapi-virtualunlock>
///
/// # Safety
///
/// `address..address + length` must be whole pages that the caller owns.
pub unsafe fn page_out(address: usize, length: usize) -> Result<()> {
    // SAFETY: the same contract.
    unsafe { unlock_pages(address, length) }
}

/// The same; the system's cache keeps what it likes.
///
/// # Safety
///
/// `address..address + length` must be whole pages that the caller owns.
pub unsafe fn release_pages(address: usize, length: usize, _: RawHandle, _: u64) -> Result<()> {
    // SAFETY: the same contract.
    unsafe { unlock_pages(address, length) }
}

/// The system's cache can't be told to let go of a part of a file.
#[allow(clippy::unnecessary_wraps, reason = "other systems may fail")]
pub fn drop_cache(_: RawHandle, _: u64, _: u64) -> Result<()> {
    Ok(())
}

/// Takes pages of a shared file out of the working set.
///
/// # Safety
///
/// `address..address + length` must be whole pages of a shared mapping that the caller owns.
pub unsafe fn evict_shared(address: usize, length: usize, _: RawHandle, _: u64) -> Result<()> {
    // SAFETY: the same contract.
    unsafe { unlock_pages(address, length) }
}

/// Nothing has to be written before pages leave the working set.
#[allow(clippy::unnecessary_wraps, reason = "other systems may fail")]
pub fn write_back(_: RawHandle, _: u64, _: u64) -> Result<()> {
    Ok(())
}

/// Whether pages can be taken out of memory without losing what is private to them.
#[must_use]
pub fn can_page_out() -> bool {
    true
}

/// Whether pages can be locked without bringing them in.
#[must_use]
pub fn can_lock_on_fault() -> bool {
    false
}
