//! Removing pages from memory.

use super::lock_pages::unlock_pages;
use crate::core::sys::RawHandle;
use crate::core::sys::error::Result;

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
