//! Reservations of address space: their contents, and the thread that changes them.
//!
//! A reservation begins as a placeholder, and views of the file are mapped into it. So it can be
//! larger than the file, views can be unmapped and mapped again in place, and no other thread can
//! get the addresses meanwhile. Without placeholders there is one view, as large as the request.

use std::collections::BTreeMap;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock, TryLockError};

use windows_sys::Win32::System::Memory::{
    MEM_DECOMMIT, MEM_FREE, MEM_MAPPED, MEM_PRESERVE_PLACEHOLDER, MEM_RELEASE,
    MEM_REPLACE_PLACEHOLDER, MEM_RESERVE, MEMORY_MAPPED_VIEW_ADDRESS, PAGE_NOACCESS,
    UnmapViewOfFile, VirtualAlloc, VirtualFree,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, GetCurrentThreadId};

use super::call::Placeholders;
use super::errno::EINVAL;
use super::file::fstat;
use super::handle::{as_pointer, raw};
use super::view::{MappedFile, reserve_placeholder, section, unmap_view, view_protection};
use super::virtual_memory::{page_size, protect_pages, query, runs_of};
use crate::core::poison::IgnorePoison;
use crate::core::sys::PageAccess;
use crate::core::sys::error::{Result, SysError};

/// The reservations of this library, by their first address.
static RESERVATIONS: RwLock<BTreeMap<usize, Arc<Reservation>>> = RwLock::new(BTreeMap::new());

/// A reserved range of addresses.
#[derive(Debug)]
pub(super) struct Reservation {
    pub base: usize,
    pub span: usize,
    /// The thread that is changing the contents; 0 for none.
    changing_thread: AtomicU32,
    state: Mutex<State>,
    /// Whether other code has got the addresses, which can happen without placeholders.
    is_lost: AtomicBool,
}

/// The contents of a reservation.
#[derive(Debug)]
pub(super) struct State {
    /// The file; none for memory without one.
    pub file: Option<MappedFile>,
    /// The mapped or committed bytes from the start; whole pages.
    pub mapped: usize,
    /// The calls for placeholders, if placeholders surround the views.
    pub calls: Option<Placeholders>,
    pub is_revoked: bool,
}

/// Returns the reservation that contains an address.
pub(super) fn reservation_at(address: usize) -> Option<Arc<Reservation>> {
    let reservations = RESERVATIONS.read().ignore_poison();
    let (_, reservation) = reservations.range(..=address).next_back()?;
    (address < reservation.base + reservation.span).then(|| Arc::clone(reservation))
}

/// Waits while another thread changes the contents at `address`. Reports whether it waited.
pub(super) fn wait_for_change(address: usize) -> bool {
    let Some(reservation) = reservation_at(address) else {
        return false;
    };
    // SAFETY: no preconditions.
    if reservation.changing_thread.load(Ordering::Acquire) == unsafe { GetCurrentThreadId() } {
        return false;
    }
    match reservation.state.try_lock() {
        Ok(_) | Err(TryLockError::Poisoned(_)) => false,
        Err(TryLockError::WouldBlock) => {
            drop(reservation.state.lock());
            true
        }
    }
}

/// The exclusive right to change the contents.
pub(super) struct Change<'a> {
    reservation: &'a Reservation,
    pub state: MutexGuard<'a, State>,
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        self.reservation.changing_thread.store(0, Ordering::Release);
    }
}

impl Reservation {
    /// Registers a range that the system has reserved.
    pub fn register(base: usize, span: usize, state: State) -> Arc<Self> {
        let reservation = Arc::new(Self {
            base,
            span,
            changing_thread: AtomicU32::new(0),
            state: Mutex::new(state),
            is_lost: AtomicBool::new(false),
        });
        RESERVATIONS
            .write()
            .ignore_poison()
            .insert(base, Arc::clone(&reservation));
        reservation
    }

    /// Removes the reservation from the registry. Faults no longer find it.
    pub fn unregister(&self) {
        RESERVATIONS.write().ignore_poison().remove(&self.base);
    }

    /// Locks the contents against changes, and makes faults wait until they are unlocked.
    pub fn change(&self) -> Change<'_> {
        let state = self.state.lock().ignore_poison();
        // SAFETY: no preconditions.
        let me = unsafe { GetCurrentThreadId() };
        self.changing_thread.store(me, Ordering::Release);
        Change {
            reservation: self,
            state,
        }
    }

    /// Returns how the pages may be used, or nothing for memory without a file.
    pub fn access(&self) -> Option<PageAccess> {
        self.change().state.file.map(|file| file.access)
    }

    /// Maps the file's pages at `from..to`, in bytes from the start, into a placeholder of that
    /// size.
    pub fn map(&self, state: &State, from: usize, to: usize) -> Result<()> {
        let (Some(file), Some(calls)) = (state.file, state.calls) else {
            return Err(SysError::new(EINVAL, "mmap"));
        };
        let section = section(&file)?;
        let start = file.offset + from as u64;
        let map = |length: usize| {
            // SAFETY: the placeholder is ours, and as large as the view; the section is valid.
            let view = unsafe {
                (calls.map)(
                    as_pointer(raw(&section)),
                    GetCurrentProcess(),
                    (self.base + from) as *const _,
                    start,
                    length,
                    MEM_REPLACE_PLACEHOLDER,
                    view_protection(&file),
                    ptr::null_mut(),
                    0,
                )
            };
            if view.is_null() {
                Err(SysError::last("mmap"))
            } else {
                Ok(())
            }
        };
        let mut result = map(to - from);
        if result.is_err() {
            // Wine refuses a view beyond the end of the file, and fills the last page itself.
            let rest = fstat(file.handle)?.size.saturating_sub(start) as usize;
            if rest > 0 && rest < to - from && rest.next_multiple_of(page_size()) == to - from {
                result = map(rest);
            }
        }
        result?;
        if file.access == PageAccess::ReadOnly && !file.copies_lazily {
            // SAFETY: the view is ours and new.
            unsafe { protect_pages(self.base + from, to - from, false) }?;
        }
        Ok(())
    }

    /// Splits the placeholder around `start..end`, so that this range is a placeholder of its own.
    pub fn split(&self, start: usize, end: usize) -> Result<()> {
        let Some(info) = query(start) else {
            return Err(SysError::new(EINVAL, "mmap"));
        };
        let (first, last) = (
            info.AllocationBase as usize,
            info.BaseAddress as usize + info.RegionSize,
        );
        if first == start && last == end {
            return Ok(());
        }
        // SAFETY: the addresses are placeholders of ours: the call cuts a part out of them.
        let done = unsafe {
            VirtualFree(
                start as *mut _,
                end - start,
                MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER,
            )
        };
        if done == 0 {
            return Err(SysError::last("mmap"));
        }
        Ok(())
    }

    /// Unmaps everything for good. The addresses stay reserved and inaccessible.
    pub fn revoke(&self) -> Result<()> {
        let mut change = self.change();
        change.state.is_revoked = true;
        let calls = change.state.calls;
        let mut result = Ok(());
        for segment in self.segments() {
            result = result.and(self.reduce_to_reservation(&segment, calls));
        }
        change.state.mapped = 0;
        change.state.file = None;
        result
    }

    fn reduce_to_reservation(&self, segment: &Segment, calls: Option<Placeholders>) -> Result<()> {
        let (start, length) = (segment.start as *mut _, segment.end - segment.start);
        let result = match (segment.kind, calls) {
            // SAFETY: memory of this reservation whose contents are no longer needed.
            (SegmentKind::Memory, _) => unsafe { VirtualFree(start, length, MEM_DECOMMIT) != 0 },
            (SegmentKind::View, Some(calls)) => {
                unmap_view(segment.start, calls)?;
                reserve_placeholder(segment.start, length, calls)
            }
            (SegmentKind::Reserved, Some(calls)) => {
                reserve_placeholder(segment.start, length, calls)
            }
            (SegmentKind::View, None) => {
                let view = MEMORY_MAPPED_VIEW_ADDRESS { Value: start };
                // SAFETY: the view is ours, the only one of this run.
                if unsafe { UnmapViewOfFile(view) } == 0 {
                    return Err(SysError::last("munmap"));
                }
                // SAFETY: the addresses are free, unless another thread has got them meanwhile.
                let address = unsafe { VirtualAlloc(start, length, MEM_RESERVE, PAGE_NOACCESS) };
                if address.is_null() {
                    let error = SysError::last("mmap");
                    self.is_lost.store(true, Ordering::Release);
                    self.unregister();
                    return Err(error);
                }
                true
            }
            (SegmentKind::Reserved, None) => true,
        };
        if result {
            Ok(())
        } else {
            Err(SysError::last("mmap"))
        }
    }

    /// Decommits memory without a file from `address`. It must be committed again before use.
    pub fn decommit(&self, address: usize, length: usize) -> Result<()> {
        let mut change = self.change();
        if change.state.file.is_some() {
            return Err(SysError::new(EINVAL, "madvise"));
        }
        // SAFETY: the memory belongs to this reservation, and no code uses the contents.
        if unsafe { VirtualFree(address as *mut _, length, MEM_DECOMMIT) } == 0 {
            return Err(SysError::last("madvise"));
        }
        change.state.mapped = change.state.mapped.min(address - self.base);
        Ok(())
    }

    /// Returns the segments: views, memory and placeholders, each allocated by one call.
    pub fn segments(&self) -> Vec<Segment> {
        let mut segments: Vec<Segment> = Vec::new();
        if self.is_lost.load(Ordering::Acquire) {
            return segments;
        }
        for (run, info) in runs_of(self.base, self.span) {
            let base = info.AllocationBase as usize;
            let kind = match (info.State, info.Type) {
                (MEM_FREE, _) => continue,
                (_, MEM_MAPPED) => SegmentKind::View,
                (MEM_RESERVE, _) => SegmentKind::Reserved,
                _ => SegmentKind::Memory,
            };
            match segments.last_mut() {
                Some(segment) if segment.start == base => {
                    segment.end = run.end;
                    if kind == SegmentKind::Memory {
                        segment.kind = kind;
                    }
                }
                _ => segments.push(Segment {
                    start: run.start,
                    end: run.end,
                    kind,
                }),
            }
        }
        segments
    }
}

/// A part of a reservation that one call allocated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    pub start: usize,
    pub end: usize,
    pub kind: SegmentKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SegmentKind {
    /// A view of the file.
    View,
    /// Memory.
    Memory,
    /// Reserved addresses without memory.
    Reserved,
}
