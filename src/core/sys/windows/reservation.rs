//! Runs of addresses: what is there, and who changes it.
//!
//! A run is taken first, as a placeholder, and views of the file are put into it. So it can hold
//! more than the file has, views can be taken out and put back in place, and no other thread can
//! get the addresses meanwhile. Where the system has no placeholders there is one view, as large as
//! what was asked for.

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

/// The runs of addresses that are ours, by their beginning.
static RESERVATIONS: RwLock<BTreeMap<usize, Arc<Reservation>>> = RwLock::new(BTreeMap::new());

/// A run of addresses.
#[derive(Debug)]
pub(super) struct Reservation {
    pub base: usize,
    pub span: usize,
    /// The thread that is changing what is there; 0 for none.
    changing_thread: AtomicU32,
    state: Mutex<State>,
    /// The addresses were lost to somebody else, which without placeholders can happen.
    is_lost: AtomicBool,
}

/// What is at the addresses.
#[derive(Debug)]
pub(super) struct State {
    /// The file; none for memory without one.
    pub file: Option<MappedFile>,
    /// How much from the beginning on is mapped, or committed; whole pages.
    pub mapped: usize,
    /// With placeholders around the views.
    pub calls: Option<Placeholders>,
    pub is_revoked: bool,
}

/// The run that an address belongs to.
pub(super) fn reservation_at(address: usize) -> Option<Arc<Reservation>> {
    let reservations = RESERVATIONS.read().ignore_poison();
    let (_, reservation) = reservations.range(..=address).next_back()?;
    (address < reservation.base + reservation.span).then(|| Arc::clone(reservation))
}

/// Waits if another thread is changing what is at `address`; true if it did.
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

/// The right to change what is there.
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
    /// Makes a run that was taken from the system known.
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

    /// The end of it: no fault is looked up there any more.
    pub fn unregister(&self) {
        RESERVATIONS.write().ignore_poison().remove(&self.base);
    }

    /// Keeps others from changing anything, and from looking while it is changed.
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

    /// How its pages may be used; none for memory without a file.
    pub fn access(&self) -> Option<PageAccess> {
        self.change().state.file.map(|file| file.access)
    }

    /// Maps the file's pages at `from..to`, bytes from the beginning, into a placeholder that is
    /// as large.
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
            // Wine wants no more than the file has, and fills the last page by itself.
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

    /// Makes two placeholders of the one that holds `at`, if it doesn't begin or end there.
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

    /// Takes everything away for good; the addresses stay ours, and nothing is there.
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
            // SAFETY: memory of ours whose contents nobody shall see again.
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
                // SAFETY: addresses of nobody; another thread may have got them meanwhile.
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

    /// Gives memory without a file back, from `address` on; it has to be covered anew.
    pub fn decommit(&self, address: usize, length: usize) -> Result<()> {
        let mut change = self.change();
        if change.state.file.is_some() {
            return Err(SysError::new(EINVAL, "madvise"));
        }
        // SAFETY: the memory is ours, and nobody misses the contents.
        if unsafe { VirtualFree(address as *mut _, length, MEM_DECOMMIT) } == 0 {
            return Err(SysError::last("madvise"));
        }
        change.state.mapped = change.state.mapped.min(address - self.base);
        Ok(())
    }

    /// What was taken from the system in one go: views, memory, placeholders.
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

/// A part of a reservation that the system knows as one.
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
    /// Addresses with nothing behind them.
    Reserved,
}
