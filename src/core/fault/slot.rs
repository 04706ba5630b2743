//! A slot of the fault guard's table: the data about one region that a signal handler reads.
//!
//! A slot goes through these states:
//!
//! ```text
//!  free ──activate──▶ active ──revoke──▶ revoked ──release──▶ free
//!                        └───────────────release───────────────┘
//! ```
//!
//! A handler raises `busy` before it relies on a slot, and lowers it when it is done. A thread that
//! changes the state then waits until `busy` is 0. Therefore no handler works on an older state
//! than the one that its slot shows.

use std::ffi::{CStr, CString, c_char};
use std::ptr;
use std::sync::atomic::{
    AtomicBool, AtomicIsize, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering,
};

use crate::core::error::Result;
use crate::core::fault::record::{self, Fault, Reason};
use crate::core::sys;

/// The number of faults of one region that are recorded in detail. All faults are counted.
pub const RECORDS: usize = 16;

/// The kind of memory that the pages of a region map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum PageKind {
    /// A file, mapped shared: stores reach the file.
    SharedFile = 1,
    /// A file, mapped private: stores stay in this process.
    PrivateFile = 2,
    /// Anonymous memory, without a file.
    Anonymous = 3,
}

/// The description of a region that is entered into the table.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The number of the mapping.
    pub id: u64,
    /// The address of the first page.
    pub base: usize,
    /// The length of the address space in bytes, in whole pages.
    pub length: usize,
    /// Bytes between `base` and the first byte of the mapping.
    pub offset_in_page: usize,
    /// The size of its pages in bytes.
    pub page_size: usize,
    /// The kind of memory.
    pub kind: PageKind,
    /// The handle of the file, or `NO_HANDLE`. The file must stay open until the region is revoked
    /// or the slot is released.
    pub fd: sys::RawHandle,
    /// The offset in the file that `base` maps, in bytes.
    pub file_offset: u64,
    /// Whether the first store into a private page traps and thereby gives the page its own memory.
    pub copies_lazily: bool,
    /// Whether a fault ends the process.
    pub abort: bool,
    /// The name of the file, for error messages.
    pub name: Option<&'a str>,
}

impl Default for Claim<'_> {
    /// Returns the description of anonymous memory of length 0 at address 0.
    fn default() -> Self {
        Self {
            id: 0,
            base: 0,
            length: 0,
            offset_in_page: 0,
            page_size: sys::page_size(),
            kind: PageKind::Anonymous,
            fd: sys::NO_HANDLE,
            file_offset: 0,
            copies_lazily: false,
            abort: false,
            name: None,
        }
    }
}

const FREE: u32 = 0;
const ACTIVE: u32 = 1;
const REVOKED: u32 = 2;

/// A slot, which describes one region. The thread that claims the slot writes the fields that
/// describe the region before it sets `state` to active.
#[derive(Debug)]
#[repr(align(64))]
pub struct Slot {
    state: AtomicU32,
    /// The number of handlers that work on this slot.
    busy: AtomicU32,
    base: AtomicUsize,
    length: AtomicUsize,
    offset_in_page: AtomicUsize,
    page_size: AtomicUsize,
    id: AtomicU64,
    kind: AtomicU32,
    fd: AtomicIsize,
    copies_lazily: AtomicBool,
    file_offset: AtomicU64,
    abort: AtomicBool,
    name: AtomicPtr<c_char>,
    /// The address of the page or tail that a handler is replacing, or 0. A handler never waits for
    /// another one: it lets the instruction fault again.
    pub(in crate::core) replacing: AtomicUsize,
    /// The start address of the tail that was replaced, or `usize::MAX`.
    pub(in crate::core) dead_from: AtomicUsize,
    /// The number of consecutive traps of the same page for which no reason was found.
    pub(in crate::core) unexplained_traps: AtomicU32,
    /// The address of the page that these traps are about.
    pub(in crate::core) unexplained_page: AtomicUsize,
    count: AtomicU64,
    /// The value of `count` when listeners were last notified.
    reported: AtomicU64,
    /// The first faults as `offset << 8 | reason`; 0 marks an unused record.
    records: [AtomicU64; RECORDS],
}

impl Slot {
    pub(super) const fn empty() -> Self {
        Self {
            state: AtomicU32::new(FREE),
            busy: AtomicU32::new(0),
            base: AtomicUsize::new(0),
            length: AtomicUsize::new(0),
            offset_in_page: AtomicUsize::new(0),
            page_size: AtomicUsize::new(0),
            id: AtomicU64::new(0),
            kind: AtomicU32::new(0),
            fd: AtomicIsize::new(sys::NO_HANDLE as isize),
            copies_lazily: AtomicBool::new(false),
            file_offset: AtomicU64::new(0),
            abort: AtomicBool::new(false),
            name: AtomicPtr::new(ptr::null_mut()),
            replacing: AtomicUsize::new(0),
            dead_from: AtomicUsize::new(usize::MAX),
            unexplained_traps: AtomicU32::new(0),
            unexplained_page: AtomicUsize::new(0),
            count: AtomicU64::new(0),
            reported: AtomicU64::new(0),
            records: [const { AtomicU64::new(0) }; RECORDS],
        }
    }

    /// Fills a free slot with the description of a region and makes it active. The caller has taken
    /// the slot from the free ones, so no other thread changes it.
    pub(super) fn activate(&self, claim: &Claim<'_>) {
        let name = claim.name.and_then(|name| CString::new(name).ok());
        self.base.store(claim.base, Ordering::Relaxed);
        self.length.store(claim.length, Ordering::Relaxed);
        self.offset_in_page
            .store(claim.offset_in_page, Ordering::Relaxed);
        self.page_size.store(claim.page_size, Ordering::Relaxed);
        self.id.store(claim.id, Ordering::Relaxed);
        self.kind.store(claim.kind as u32, Ordering::Relaxed);
        self.fd.store(claim.fd as isize, Ordering::Relaxed);
        self.copies_lazily
            .store(claim.copies_lazily, Ordering::Relaxed);
        self.file_offset.store(claim.file_offset, Ordering::Relaxed);
        self.abort.store(claim.abort, Ordering::Relaxed);
        self.name.store(
            name.map_or(ptr::null_mut(), CString::into_raw),
            Ordering::Release,
        );
        self.replacing.store(0, Ordering::Relaxed);
        self.dead_from.store(usize::MAX, Ordering::Relaxed);
        self.unexplained_traps.store(0, Ordering::Relaxed);
        self.unexplained_page.store(0, Ordering::Relaxed);
        self.count.store(0, Ordering::Relaxed);
        self.reported.store(0, Ordering::Relaxed);
        for record in &self.records {
            record.store(0, Ordering::Relaxed);
        }
        self.state.store(ACTIVE, Ordering::SeqCst);
    }

    /// Marks the slot free and waits for the handlers that still work on it.
    pub(super) fn release(&self) {
        self.state.store(FREE, Ordering::SeqCst);
        self.wait_for_handlers();
        let name = self.name.swap(ptr::null_mut(), Ordering::AcqRel);
        if !name.is_null() {
            // SAFETY: the pointer came from CString::into_raw in `activate`, and no handler that
            // could read it is left: `busy` was 0 after the slot was free.
            drop(unsafe { CString::from_raw(name) });
        }
    }

    /// Reports whether the slot describes a region that contains `address`.
    pub(super) fn contains(&self, address: usize) -> bool {
        self.state.load(Ordering::SeqCst) != FREE
            && address.wrapping_sub(self.base()) < self.length.load(Ordering::Relaxed)
    }

    /// Marks the slot as busy until the result is dropped. Until then no change
    /// of its state completes.
    pub(super) fn hold(&'static self) -> Busy {
        self.busy.fetch_add(1, Ordering::SeqCst);
        Busy(self)
    }

    /// Returns the number of the mapping if the region has had faults since the last call.
    pub(super) fn take_faulted(&self) -> Option<u64> {
        let count = self.fault_count();
        let is_new = self.state.load(Ordering::SeqCst) != FREE
            && self.reported.swap(count, Ordering::AcqRel) != count;
        is_new.then(|| self.id.load(Ordering::Relaxed))
    }

    /// Reports whether the region was revoked, so that only its addresses are still reserved.
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        self.state.load(Ordering::SeqCst) == REVOKED
    }

    /// Returns the address of the first page.
    #[must_use]
    pub fn base(&self) -> usize {
        self.base.load(Ordering::Relaxed)
    }

    /// Returns the end address, exclusive.
    #[must_use]
    pub fn end(&self) -> usize {
        self.base() + self.length.load(Ordering::Relaxed)
    }

    /// Returns the size of its pages in bytes.
    #[must_use]
    pub fn page_size(&self) -> usize {
        self.page_size.load(Ordering::Relaxed)
    }

    /// Returns the kind of memory that the pages map.
    #[must_use]
    pub fn kind(&self) -> PageKind {
        match self.kind.load(Ordering::Relaxed) {
            1 => PageKind::SharedFile,
            2 => PageKind::PrivateFile,
            _ => PageKind::Anonymous,
        }
    }

    /// Returns the handle of the file, or `NO_HANDLE`.
    #[must_use]
    #[allow(
        clippy::unnecessary_cast,
        reason = "the types differ between platforms"
    )]
    pub fn fd(&self) -> sys::RawHandle {
        self.fd.load(Ordering::Relaxed) as sys::RawHandle
    }

    /// Reports whether the first store into a private page traps and thereby gives the page its own
    /// memory.
    #[must_use]
    pub fn copies_lazily(&self) -> bool {
        self.copies_lazily.load(Ordering::Relaxed)
    }

    /// Returns the offset in the file that `address` maps, in bytes.
    #[must_use]
    pub fn file_offset(&self, address: usize) -> u64 {
        self.file_offset.load(Ordering::Relaxed) + (address - self.base()) as u64
    }

    /// Reports whether a fault ends the process.
    #[must_use]
    pub fn aborts(&self) -> bool {
        self.abort.load(Ordering::Relaxed)
    }

    /// Returns the name of the file.
    #[must_use]
    pub fn name(&self) -> Option<&CStr> {
        let name = self.name.load(Ordering::Acquire);
        // SAFETY: the name is a CString that `activate` stored. `release` frees it only when no
        // handler is busy on the slot.
        (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) })
    }

    /// Counts a fault, and records it if it is one of the first [`RECORDS`].
    pub fn record(&self, address: usize, reason: Reason) {
        let start = self.base() + self.offset_in_page.load(Ordering::Relaxed);
        let offset = address.saturating_sub(start) as u64;
        let index = self.count.fetch_add(1, Ordering::AcqRel) as usize;
        if let Some(record) = self.records.get(index) {
            record.store(Fault { offset, reason }.packed(), Ordering::Release);
        }
        record::count_fault();
    }

    /// Returns the number of faults.
    #[must_use]
    pub fn fault_count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// Returns the recorded faults, oldest first.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        self.records
            .iter()
            .map(|record| record.load(Ordering::Acquire))
            .take_while(|&record| record != 0)
            .map(|record| Fault {
                offset: record >> 8,
                reason: Reason::from_number(record & 0xff),
            })
            .collect()
    }

    /// Calls `restore` with the address and length of the pages to map again, and removes the
    /// faults from the record. With `only_tail` it restores only the tail that was lost when the
    /// file became shorter, and removes only faults of the reason `Truncated`. No handler replaces
    /// pages at the same time.
    pub fn repair(
        &self,
        only_tail: bool,
        restore: impl FnOnce(usize, usize) -> Result<()>,
    ) -> Result<()> {
        while self
            .replacing
            .compare_exchange(0, self.base(), Ordering::SeqCst, Ordering::SeqCst)
            .is_err()
        {
            std::thread::yield_now();
        }
        let start = if only_tail {
            self.dead_from.load(Ordering::SeqCst).min(self.end())
        } else {
            self.base()
        };
        let result = if start < self.end() {
            restore(start, self.end() - start)
        } else {
            Ok(())
        };
        if result.is_ok() {
            self.dead_from.store(usize::MAX, Ordering::SeqCst);
            self.forget(|fault| !only_tail || fault.reason == Reason::Truncated);
        }
        self.replacing.store(0, Ordering::SeqCst);
        result
    }

    fn forget(&self, is_repaired: impl Fn(&Fault) -> bool) {
        let faults = self.faults();
        let unknown = self.fault_count() - faults.len() as u64;
        let kept: Vec<Fault> = faults.into_iter().filter(|f| !is_repaired(f)).collect();
        // Faults without a record have unknown reasons. They stay in the count if any recorded
        // fault is kept.
        let count = if kept.is_empty() {
            0
        } else {
            kept.len() as u64 + unknown
        };
        self.reported.store(count, Ordering::SeqCst);
        self.count.store(count, Ordering::SeqCst);
        for (index, record) in self.records.iter().enumerate() {
            let fault = kept.get(index);
            record.store(fault.map_or(0, Fault::packed), Ordering::SeqCst);
        }
    }

    /// Marks the region as revoked, and waits for the handlers that still treat it as mapped.
    pub fn revoke(&self) {
        self.state.store(REVOKED, Ordering::SeqCst);
        self.wait_for_handlers();
    }

    fn wait_for_handlers(&self) {
        while self.busy.load(Ordering::SeqCst) != 0 {
            std::thread::yield_now();
        }
    }
}

/// A slot that is marked as busy. While this guard exists, the slot is not released.
#[derive(Debug)]
pub struct Busy(&'static Slot);

impl std::ops::Deref for Busy {
    type Target = Slot;
    fn deref(&self) -> &Slot {
        self.0
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::SeqCst);
    }
}
