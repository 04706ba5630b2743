//! Pages in memory: which are resident, and how others are brought in.

use windows_sys::Win32::System::Memory::{PrefetchVirtualMemory, WIN32_MEMORY_RANGE_ENTRY};
use windows_sys::Win32::System::ProcessStatus::{
    K32QueryWorkingSetEx, PSAPI_WORKING_SET_EX_INFORMATION,
};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

use super::errno::{EINVAL, ENOSYS};
use super::virtual_memory::{is_readable, page_size, views_in};
use crate::core::sys::error::{Result, SysError};
use crate::core::sys::{CacheCounts, Populate, RawHandle};

/// Asks the system to read pages ahead, many at a time.
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

/// Asks for all pages of a range at once and fails with `ENOSYS`. Only an access to each page
/// brings it into the page table, and shows whether it can be loaded.
///
/// # Safety
///
/// `address..address + length` must be whole pages that the caller owns.
pub unsafe fn populate_pages(address: usize, length: usize, _: Populate) -> Result<()> {
    // The caller finds out by touching the pages which of them cannot be loaded.
    let _ = prefetch(address, length);
    Err(SysError::new(ENOSYS, "PrefetchVirtualMemory"))
}

/// Reports without a trap whether a page can be read.
#[must_use]
pub fn can_load(page: usize, _: Option<RawHandle>, _: u64) -> bool {
    is_readable(page)
}

/// Which pages are in this process's working set, one flag a page (1 or 0), in `flags`, which has
/// room for all of them. Pages that are only in the system's cache count as absent.
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

/// Reports whether the system tells which pages of a file are in memory. Windows tells only which
/// pages this process has, so nothing is known of the others.
#[must_use]
pub fn reports_residency(_: RawHandle) -> bool {
    false
}

/// Sets the flags of the pages in this process's page table, which are those of its working set.
pub fn present_pages(address: usize, flags: &mut [u8]) -> Result<()> {
    // SAFETY: the system reports addresses that are not mapped as absent.
    unsafe { resident_pages(address, flags) }
}

/// Fails with `ENOSYS`: the system does not count the pages of a file in its cache.
pub fn cache_counts(_: RawHandle, _: u64, _: u64) -> Result<CacheCounts> {
    Err(SysError::new(ENOSYS, "cachestat"))
}

/// Reports whether [`cache_counts`] is supported.
#[must_use]
pub fn can_count_cache() -> bool {
    false
}
