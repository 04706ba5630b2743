//! Pages: how they are replaced, protected, advised and brought in.

use windows_sys::Win32::System::Memory::{CreateFileMappingW, PAGE_READONLY};

use super::errno::EINVAL;
use super::file::fstat;
use super::handle::{as_pointer, own_handle};
use super::replace_range::{Fill, replace_range};
use super::reservation::reservation_at;
use crate::core::sys::error::{Result, SysError};
use crate::core::sys::{ExtraAdvice, PageAccess, RawHandle, Replacement};

/// Puts `with` in the place of the pages at `address`. Who comes to them meanwhile waits until
/// that is done; only the system itself may find nothing there and answer a call with an error.
///
/// Safe to call in an exception handler. On failure the old pages may be gone, and nothing there.
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
        // What a private mapping has is a private view already.
        Replacement::PrivateFile { .. } if !is_private => Fill::Copy,
        Replacement::PrivateFile { .. } | Replacement::SharedFile { .. } => Fill::File,
    };
    replace_range(&reservation, &(address..address + length), fill)
}

/// Whether the file can be mapped at all. An empty file can't, and is nothing to complain about.
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

/// Advice for a range that the system has a call for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownAdvice {
    /// Nothing special, which is how it always is here.
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
    /// No number: there is none of it here.
    #[must_use]
    pub fn number(self) -> Option<i32> {
        None
    }
}

/// None of this advice exists here.
///
/// # Safety
///
/// None needed.
pub unsafe fn advise_pages(_: usize, _: usize, _: i32) -> Result<()> {
    Err(SysError::new(EINVAL, "madvise"))
}

/// Frees the memory behind pages that nobody will look at again until they are asked for anew.
///
/// # Safety
///
/// `address..address + length` must be whole pages that nobody else knows of.
pub unsafe fn free_pages(address: usize, length: usize) -> Result<()> {
    let reservation = reservation_at(address).ok_or_else(|| SysError::new(EINVAL, "madvise"))?;
    reservation.decommit(address, length)
}
