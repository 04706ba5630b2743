//! Replaces a range of pages in the middle of a view, in place.
//!
//! A view can only be unmapped as a whole, which leaves a placeholder that keeps the addresses.
//! Then the parts around the range are mapped again, and their private pages are copied back.
//! Threads that access the pages meanwhile wait in the exception handler.

use std::ops::Range;
use std::ptr;

use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEM_MAPPED, MEM_PRESERVE_PLACEHOLDER, MEM_RELEASE, MEM_REPLACE_PLACEHOLDER,
    MEM_RESERVE, PAGE_READONLY, PAGE_READWRITE, PAGE_WRITECOPY, VirtualAlloc, VirtualFree,
};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

use super::errno::{EFAULT, ENOSYS};
use super::reservation::{Reservation, Segment, SegmentKind, State};
use super::view::unmap_view;
use super::virtual_memory::{is_readable, page_size, protect_pages, runs_of};
use crate::core::sys::error::{Result, SysError};

/// The new contents of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fill {
    /// Zeros in private memory.
    Zeros,
    /// The current contents, copied to private memory.
    Copy,
    /// The file's pages, as they were first mapped.
    File,
}

/// Pages of a view that must keep their state when the view is mapped again.
enum SavedPages {
    /// Private pages, with these bytes.
    Private(usize, Vec<u8>),
    /// Read-only pages, with these bytes: those of the file, or bytes stored before.
    ReadOnlyCopy(Range<usize>, Vec<u8>),
    /// Read-only pages.
    ReadOnly(Range<usize>),
}

/// Replaces `cut`, whole pages of a reservation.
pub(super) fn replace_range(
    reservation: &Reservation,
    cut: &Range<usize>,
    fill: Fill,
) -> Result<()> {
    let change = reservation.change();
    let state = &*change.state;
    for segment in reservation.segments() {
        let part = segment.start.max(cut.start)..segment.end.min(cut.end);
        if part.start < part.end {
            replace_in_segment(reservation, state, segment, &part, fill)?;
        }
    }
    Ok(())
}

fn replace_in_segment(
    reservation: &Reservation,
    state: &State,
    segment: Segment,
    part: &Range<usize>,
    fill: Fill,
) -> Result<()> {
    let is_memory = segment.kind == SegmentKind::Memory;
    let Some(calls) = state.calls else {
        // Memory without a file, or a closed mapping: a plain reservation without placeholders.
        return match (segment.kind, fill) {
            (SegmentKind::View, _) | (_, Fill::File) => Err(SysError::new(ENOSYS, "mmap")),
            _ => commit(part),
        };
    };
    if state.file.is_none() {
        return commit(part);
    }
    let bytes = match (segment.kind, fill) {
        // The memory is private already.
        (SegmentKind::Memory, Fill::Zeros | Fill::Copy) => return commit(part),
        (SegmentKind::View, Fill::Copy) => Some(copy_bytes(part)?),
        _ => None,
    };
    if segment.kind == SegmentKind::View {
        let saved = save_pages(segment.start..part.start)
            .into_iter()
            .chain(save_pages(part.end..segment.end))
            .collect::<Vec<_>>();
        unmap_view(segment.start, calls)?;
        reservation.split(part.start, part.end)?;
        for rest in [segment.start..part.start, part.end..segment.end] {
            if rest.start < rest.end {
                reservation.map(
                    state,
                    rest.start - reservation.base,
                    rest.end - reservation.base,
                )?;
            }
        }
        restore_pages(saved)?;
    } else if is_memory {
        // SAFETY: memory of ours that took the place of a placeholder, and becomes one again.
        let freed = unsafe {
            VirtualFree(
                part.start as *mut _,
                part.len(),
                MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER,
            )
        };
        if freed == 0 {
            return Err(SysError::last("mmap"));
        }
    } else {
        reservation.split(part.start, part.end)?;
    }
    if fill == Fill::File {
        // The file has no pages after the mapped part.
        let end = part.end.min(reservation.base + state.mapped);
        if part.start >= end {
            return Ok(());
        }
        reservation.split(part.start, end)?;
        return reservation.map(state, part.start - reservation.base, end - reservation.base);
    }
    // SAFETY: the placeholder is ours, and just as large.
    let memory = unsafe {
        (calls.alloc)(
            GetCurrentProcess(),
            part.start as *const _,
            part.len(),
            MEM_RESERVE | MEM_COMMIT | MEM_REPLACE_PLACEHOLDER,
            PAGE_READWRITE,
            ptr::null_mut(),
            0,
        )
    };
    if memory.is_null() {
        return Err(SysError::last("mmap"));
    }
    if let Some(bytes) = bytes {
        // SAFETY: the memory is new, ours, and as large as the copy.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), memory.cast(), bytes.len()) };
    }
    Ok(())
}

/// Commits memory at reserved addresses. Committed memory keeps its contents.
fn commit(part: &Range<usize>) -> Result<()> {
    // SAFETY: the addresses are ours.
    let memory = unsafe {
        VirtualAlloc(
            part.start as *const _,
            part.len(),
            MEM_COMMIT,
            PAGE_READWRITE,
        )
    };
    if memory.is_null() {
        return Err(SysError::last("mmap"));
    }
    Ok(())
}

fn copy_bytes(part: &Range<usize>) -> Result<Vec<u8>> {
    for page in part.clone().step_by(page_size()) {
        if !is_readable(page) {
            return Err(SysError::new(EFAULT, "mmap"));
        }
    }
    // SAFETY: all pages were readable just now, and the caller holds the lock on changes of the
    // mapping.
    Ok(unsafe { std::slice::from_raw_parts(part.start as *const u8, part.len()) }.to_vec())
}

/// Saves the state of pages that mapping a part of a view again would lose.
fn save_pages(part: Range<usize>) -> Vec<SavedPages> {
    let mut saved = Vec::new();
    for (run, info) in runs_of(part.start, part.len()) {
        if info.State != MEM_COMMIT || info.Type != MEM_MAPPED {
            continue;
        }
        let is_private_view = info.AllocationProtect != PAGE_READWRITE;
        match info.Protect {
            // After a store the system reports a page as private and writable.
            PAGE_READWRITE if is_private_view => {
                if let Ok(bytes) = copy_bytes(&run) {
                    saved.push(SavedPages::Private(run.start, bytes));
                }
            }
            // The system does not report whether these pages were stored into.
            PAGE_READONLY if info.AllocationProtect == PAGE_WRITECOPY => {
                if let Ok(bytes) = copy_bytes(&run) {
                    saved.push(SavedPages::ReadOnlyCopy(run, bytes));
                }
            }
            PAGE_READONLY if info.AllocationProtect != PAGE_READONLY => {
                saved.push(SavedPages::ReadOnly(run));
            }
            _ => {}
        }
    }
    saved
}

fn restore_pages(saved: Vec<SavedPages>) -> Result<()> {
    for part in saved {
        match part {
            // SAFETY: the pages are mapped again, as they were first, and private.
            SavedPages::Private(start, bytes) => unsafe {
                protect_pages(start, bytes.len(), true)?;
                ptr::copy_nonoverlapping(bytes.as_ptr(), start as *mut u8, bytes.len());
            },
            // SAFETY: as above; what is compared was copied from just as many pages.
            SavedPages::ReadOnlyCopy(run, bytes) => unsafe {
                protect_pages(run.start, run.len(), true)?;
                for (page, bytes) in run
                    .clone()
                    .step_by(page_size())
                    .zip(bytes.chunks(page_size()))
                {
                    if std::slice::from_raw_parts(page as *const u8, bytes.len()) != bytes {
                        ptr::copy_nonoverlapping(bytes.as_ptr(), page as *mut u8, bytes.len());
                    }
                }
                protect_pages(run.start, run.len(), false)?;
            },
            // SAFETY: as above.
            SavedPages::ReadOnly(run) => unsafe { protect_pages(run.start, run.len(), false) }?,
        }
    }
    Ok(())
}
