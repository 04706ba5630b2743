//! Removing pages from memory.

use super::lock_pages::unlock_pages;
use crate::core::sys::RawHandle;
use crate::core::sys::error::Result;

/// Removes pages from the working set. Private pages may go to the page file and come back unchanged.
/// Unlocking pages that are not locked does that: `VirtualUnlock`, Remarks.
/// <https://learn.microsoft.com/en-us/windows/win32/api/memoryapi/nf-memoryapi-virtualunlock>
///
/// # Safety
///
/// `address..address + length` must be whole pages that the caller owns.
pub unsafe fn page_out(address: usize, length: usize) -> Result<()> {
    // SAFETY: the same contract.
    unsafe { unlock_pages(address, length) }
}

/// Removes pages from the working set. The system's cache may keep them.
///
/// # Safety
///
/// `address..address + length` must be whole pages that the caller owns.
pub unsafe fn release_pages(address: usize, length: usize, _: RawHandle, _: u64) -> Result<()> {
    // SAFETY: the same contract.
    unsafe { unlock_pages(address, length) }
}

/// Does nothing: the system's cache has no request to evict a range of a file.
#[allow(clippy::unnecessary_wraps, reason = "other systems may fail")]
pub fn drop_cache(_: RawHandle, _: u64, _: u64) -> Result<()> {
    Ok(())
}

/// Removes pages of a shared mapping from the working set.
///
/// # Safety
///
/// `address..address + length` must be whole pages of a shared mapping that the caller owns.
pub unsafe fn evict_shared(address: usize, length: usize, _: RawHandle, _: u64) -> Result<()> {
    // SAFETY: the same contract.
    unsafe { unlock_pages(address, length) }
}

/// Does nothing: pages can leave the working set before they are written.
#[allow(clippy::unnecessary_wraps, reason = "other systems may fail")]
pub fn write_back(_: RawHandle, _: u64, _: u64) -> Result<()> {
    Ok(())
}

/// Reports whether pages can be removed from memory without losing private changes.
#[must_use]
pub fn can_page_out() -> bool {
    true
}
