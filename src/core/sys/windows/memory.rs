//! Pages: how they are replaced, protected, advised and brought in.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use windows_sys::Win32::System::Diagnostics::Debug::ReadProcessMemory;
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, MEM_COMMIT, MEM_MAPPED, MEMORY_BASIC_INFORMATION, PAGE_READONLY,
    PAGE_READWRITE, PAGE_WRITECOPY, VirtualProtect, VirtualQuery,
};
use windows_sys::Win32::System::SystemInformation::{GetSystemInfo, SYSTEM_INFO};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

use super::errno::EINVAL;
use super::handle::{RawHandle, own, pointer};
use super::home::home_of;
use super::splice::{Fill, splice};
use crate::core::error::{Error, Result};
use crate::core::sys::{ExtraAdvice, PageAccess, Replacement};

/// The size of a page in bytes.
pub fn page_size() -> usize {
    static SIZE: AtomicUsize = AtomicUsize::new(0);
    known(&SIZE, |info| info.dwPageSize as usize)
}

/// The unit of file offsets for the system's own call: 64 KiB on all machines so far.
#[must_use]
pub fn allocation_granularity() -> usize {
    static SIZE: AtomicUsize = AtomicUsize::new(0);
    known(&SIZE, |info| info.dwAllocationGranularity as usize)
}

fn known(size: &AtomicUsize, look: impl FnOnce(&SYSTEM_INFO) -> usize) -> usize {
    let known = size.load(Ordering::Relaxed);
    if known != 0 {
        return known;
    }
    // SAFETY: all-zero is valid, and the call fills it.
    let mut info: SYSTEM_INFO = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is valid for the call.
    unsafe { GetSystemInfo(&raw mut info) };
    let found = look(&info);
    size.store(found, Ordering::Relaxed);
    found
}

/// What the system says of the run of pages that begins at `address`, all alike.
pub(super) fn query(address: usize) -> Option<MEMORY_BASIC_INFORMATION> {
    // SAFETY: all-zero is valid, and the call fills it.
    let mut info: MEMORY_BASIC_INFORMATION = unsafe { std::mem::zeroed() };
    let size = size_of::<MEMORY_BASIC_INFORMATION>();
    // SAFETY: the pointer is valid for the call; the address is only looked at.
    let done = unsafe { VirtualQuery(address as *const _, &raw mut info, size) };
    (done != 0).then_some(info)
}

/// The runs of alike pages in a range.
pub(super) fn runs_of(
    address: usize,
    length: usize,
) -> impl Iterator<Item = (Range<usize>, MEMORY_BASIC_INFORMATION)> {
    let end = address + length;
    let mut at = address;
    std::iter::from_fn(move || {
        if at >= end {
            return None;
        }
        let info = query(at)?;
        let next = (info.BaseAddress as usize + info.RegionSize).min(end);
        let run = at..next;
        at = next;
        (!run.is_empty()).then_some((run, info))
    })
}

/// The parts of a range that are views of a file, each within one view.
pub(super) fn parts_of(address: usize, length: usize) -> Vec<Range<usize>> {
    let mut parts: Vec<(usize, Range<usize>)> = Vec::new();
    for (run, info) in runs_of(address, length) {
        let base = info.AllocationBase as usize;
        match parts.last_mut() {
            _ if info.State != MEM_COMMIT || info.Type != MEM_MAPPED => {}
            Some((before, part)) if *before == base && part.end == run.start => part.end = run.end,
            _ => parts.push((base, run)),
        }
    }
    parts.into_iter().map(|(_, part)| part).collect()
}

/// Puts `with` in the place of the pages at `address`. Who comes to them meanwhile waits until
/// that is done; only the system itself may find nothing there and answer a call with an error.
///
/// Safe to call in an exception handler. On failure the old pages may be gone, and nothing there.
///
/// # Safety
///
/// `address..address + length` must be whole pages of address space that the caller owns.
pub unsafe fn replace_pages(address: usize, length: usize, with: Replacement) -> Result<()> {
    let home = home_of(address).ok_or_else(|| Error::system(EINVAL, "mmap"))?;
    let is_private = home.access() != Some(PageAccess::Shared);
    let fill = match with {
        Replacement::Nothing => return home.revoke(),
        Replacement::Zeros => Fill::Zeros,
        // What a private mapping has is a private view already.
        Replacement::PrivateFile { .. } if !is_private => Fill::Copy,
        Replacement::PrivateFile { .. } | Replacement::SharedFile { .. } => Fill::File,
    };
    splice(&home, &(address..address + length), fill)
}

/// Whether the file can be mapped at all. An empty file can't, and is nothing to complain about.
pub fn probe_mappable(handle: RawHandle) -> Result<()> {
    if super::fstat(handle)?.size == 0 {
        return Ok(());
    }
    // SAFETY: a new section without a view disturbs nothing.
    let section = unsafe {
        CreateFileMappingW(
            pointer(handle),
            std::ptr::null(),
            PAGE_READONLY,
            0,
            0,
            std::ptr::null(),
        )
    };
    own(section, "mmap").map(drop)
}

/// Makes pages readable, and writable or not.
///
/// Safe to call in an exception handler.
///
/// # Safety
///
/// `address..address + length` must be whole pages that the caller owns.
pub unsafe fn protect_pages(address: usize, length: usize, writable: bool) -> Result<()> {
    for (run, info) in runs_of(address, length) {
        if info.State != MEM_COMMIT {
            continue;
        }
        let wanted = match (writable, info.Type, info.AllocationProtect) {
            (false, ..) => PAGE_READONLY,
            (true, MEM_MAPPED, PAGE_WRITECOPY | PAGE_READONLY) => PAGE_WRITECOPY,
            (true, ..) => PAGE_READWRITE,
        };
        // A private page that was stored into is PAGE_READWRITE already.
        if info.Protect == wanted || (writable && info.Protect == PAGE_READWRITE) {
            continue;
        }
        set_protection(&run, wanted)?;
    }
    Ok(())
}

pub(super) fn set_protection(run: &Range<usize>, protection: u32) -> Result<()> {
    let mut before = 0;
    // SAFETY: the pages are the caller's caller's; taking a right away can at worst make a store
    // trap, which the fault guard answers.
    let done = unsafe {
        VirtualProtect(
            run.start as *const _,
            run.len(),
            protection,
            &raw mut before,
        )
    };
    if done == 0 {
        Err(Error::last("mprotect"))
    } else {
        Ok(())
    }
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
    Err(Error::system(EINVAL, "madvise"))
}

/// Whether the byte at `address` can be read, found out without a trap.
#[must_use]
pub fn is_readable(address: usize) -> bool {
    let mut byte = 0_u8;
    let mut count = 0;
    // SAFETY: the system copies one byte into the local one, or answers with an error.
    let done = unsafe {
        ReadProcessMemory(
            GetCurrentProcess(),
            address as *const _,
            (&raw mut byte).cast(),
            1,
            &raw mut count,
        )
    };
    done != 0 && count == 1
}

/// Whether the byte at `address` can be stored into, found out without a trap.
#[must_use]
pub fn is_writable(address: usize) -> bool {
    query(address).is_some_and(|info| {
        info.State == MEM_COMMIT && matches!(info.Protect, PAGE_READWRITE | PAGE_WRITECOPY)
    }) && is_readable(address)
}

/// Frees the memory behind pages that nobody will look at again until they are asked for anew.
///
/// # Safety
///
/// `address..address + length` must be whole pages that nobody else knows of.
pub unsafe fn empty_pages(address: usize, length: usize) -> Result<()> {
    let home = home_of(address).ok_or_else(|| Error::system(EINVAL, "madvise"))?;
    home.decommit(address, length)
}
