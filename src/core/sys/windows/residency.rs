//! Which pages are in memory: finding out, bringing them in, keeping them there, letting them go.

use windows_sys::Win32::System::Memory::{PrefetchVirtualMemory, WIN32_MEMORY_RANGE_ENTRY};
use windows_sys::Win32::System::ProcessStatus::{
    K32QueryWorkingSetEx, PSAPI_WORKING_SET_EX_INFORMATION,
};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

use super::errno::{EINVAL, ENOSYS};
use super::virtual_memory::{is_readable, page_size, views_in};
use crate::core::sys::error::{Result, SysError};
use crate::core::sys::{CacheCounts, Populate, RawHandle};

/// Asks for pages to be read ahead, many at a time.
/// <https://learn.microsoft.com/en-us/windows/win32/api/memoryapi/nf-memoryapi-prefetchvirtualmemory>
pub(super) fn prefetch(address: usize, length: usize) -> Result<()> {
    for part in views_in(address, length) {
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
pub fn reports_residency(_: RawHandle) -> bool {
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
