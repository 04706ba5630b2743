//! Pages: replacement and advice.

use windows_sys::Win32::System::Memory::{CreateFileMappingW, PAGE_READONLY};

use super::errno::EINVAL;
use super::file::fstat;
use super::handle::{as_pointer, own_handle};
use super::replace_range::{Fill, replace_range};
use super::reservation::reservation_at;
use crate::core::sys::error::{Result, SysError};
use crate::core::sys::{ExtraAdvice, PageAccess, RawHandle, Replacement};

/// Replaces the pages at `address` with `with`. A thread that accesses them meanwhile waits. Only a
/// system call may find no pages and fail.
///
/// Safe to call in an exception handler. On failure the range may be left without pages.
///
/// # Safety
///
/// `address..address + length` must be whole pages of address space that the caller owns.
pub unsafe fn replace_pages(address: usize, length: usize, with: Replacement) -> Result<()> {
    let reservation = reservation_at(address).ok_or_else(|| SysError::new(EINVAL, "mmap"))?;
    let is_private = reservation.access() != Some(PageAccess::Shared);
    let fill = match with {
        Replacement::Nothing => return reservation.revoke(),
        Replacement::Zeros => Fill::Zeros,
        // The view of a private mapping is private already.
        Replacement::PrivateFile { .. } if !is_private => Fill::Copy,
        Replacement::PrivateFile { .. } | Replacement::SharedFile { .. } => Fill::File,
    };
    replace_range(&reservation, &(address..address + length), fill)
}

/// Checks whether the file can be mapped. Accepts an empty file, which Windows cannot map.
pub fn probe_mappable(handle: RawHandle) -> Result<()> {
    if fstat(handle)?.size == 0 {
        return Ok(());
    }
    // SAFETY: a new section without a view disturbs nothing.
    let section = unsafe {
        CreateFileMappingW(
            as_pointer(handle),
            std::ptr::null(),
            PAGE_READONLY,
            0,
            0,
            std::ptr::null(),
        )
    };
    own_handle(section, "mmap").map(drop)
}

/// Advice that the system has a call for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownAdvice {
    /// No special treatment, which is the only behaviour here.
    Normal,
    /// Needed soon.
    WillNeed,
}

/// Advice that destroys contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UncheckedAdvice {
    /// Memory without a file is zeros at the next touch; of a shared file nothing is lost.
    DontNeed,
    /// The system may take the memory if it needs it; memory without a file only.
    Free,
}

impl ExtraAdvice {
    /// Returns nothing: Windows has none of this advice.
    #[must_use]
    pub fn number(self) -> Option<i32> {
        None
    }
}

/// Fails with `EINVAL`: Windows has none of this advice.
///
/// # Safety
///
/// None needed.
pub unsafe fn advise_pages(_: usize, _: usize, _: i32) -> Result<()> {
    Err(SysError::new(EINVAL, "madvise"))
}

/// Frees the memory of pages, which must be committed again before use.
///
/// # Safety
///
/// `address..address + length` must be whole pages that no other code uses.
pub unsafe fn free_pages(address: usize, length: usize) -> Result<()> {
    let reservation = reservation_at(address).ok_or_else(|| SysError::new(EINVAL, "madvise"))?;
    reservation.decommit(address, length)
}
