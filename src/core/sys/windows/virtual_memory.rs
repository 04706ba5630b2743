//! Queries and protection of pages.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use windows_sys::Win32::System::Diagnostics::Debug::ReadProcessMemory;
use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEM_MAPPED, MEMORY_BASIC_INFORMATION, PAGE_READONLY, PAGE_READWRITE,
    PAGE_WRITECOPY, VirtualProtect, VirtualQuery,
};
use windows_sys::Win32::System::SystemInformation::{GetSystemInfo, SYSTEM_INFO};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

use crate::core::sys::error::{Result, SysError};

/// Returns the size of a page in bytes.
pub fn page_size() -> usize {
    static SIZE: AtomicUsize = AtomicUsize::new(0);
    known(&SIZE, |info| info.dwPageSize as usize)
}

/// Returns the unit of file offsets that can be mapped: 64 KiB on all machines so far.
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

/// Returns the properties of the run of equal pages that begins at `address`.
pub(super) fn query(address: usize) -> Option<MEMORY_BASIC_INFORMATION> {
    // SAFETY: all-zero is valid, and the call fills it.
    let mut info: MEMORY_BASIC_INFORMATION = unsafe { std::mem::zeroed() };
    let size = size_of::<MEMORY_BASIC_INFORMATION>();
    // SAFETY: the pointer is valid for the call, which does not access the address.
    let done = unsafe { VirtualQuery(address as *const _, &raw mut info, size) };
    (done != 0).then_some(info)
}

/// Returns the runs of pages with equal properties in a range.
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

/// Returns the parts of a range that are views of a file, each within one view.
pub(super) fn views_in(address: usize, length: usize) -> Vec<Range<usize>> {
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

/// Makes pages readable, and writable if `writable` is true.
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
    // SAFETY: the pages belong to the caller. Without write access a store traps, and the fault
    // handler takes care of that.
    let done = unsafe {
        VirtualProtect(
            run.start as *const _,
            run.len(),
            protection,
            &raw mut before,
        )
    };
    if done == 0 {
        Err(SysError::last("mprotect"))
    } else {
        Ok(())
    }
}

/// Reports without a trap whether the byte at `address` can be read.
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

/// Reports without a trap whether the byte at `address` is writable.
#[must_use]
pub fn is_writable(address: usize) -> bool {
    query(address).is_some_and(|info| {
        info.State == MEM_COMMIT && matches!(info.Protect, PAGE_READWRITE | PAGE_WRITECOPY)
    }) && is_readable(address)
}
