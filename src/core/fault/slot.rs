//! A slot of the fault guard's table: what a signal handler knows about one region.

use std::ffi::{CStr, CString, c_char};
use std::ptr;
use std::sync::atomic::{
    AtomicBool, AtomicIsize, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering,
};

use crate::core::error::Result;
use crate::core::fault::record::{self, Fault, Reason};
use crate::core::sys;

/// How many faults of one mapping are remembered in detail; all are counted.
pub const RECORDS: usize = 16;

/// What lies under the pages of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum PageKind {
    /// A file, shared: stores reach it.
    SharedFile = 1,
    /// A file, private: stores stay in this process.
    PrivateFile = 2,
    /// No file.
    Anonymous = 3,
}

/// What a slot says of its region.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The number of the mapping.
    pub id: u64,
    /// The first page.
    pub base: usize,
    /// Bytes of address space, whole pages.
    pub length: usize,
    /// Bytes between `base` and the first byte of the mapping.
    pub offset_in_page: usize,
    /// The size of its pages in bytes.
    pub page_size: usize,
    /// What is under it.
    pub kind: PageKind,
    /// The file, if there is one; it must stay open until the slot is released.
    pub fd: sys::RawHandle,
    /// Where in the file `base` lies.
    pub file_offset: u64,
    /// Whether private pages get memory of their own by traps.
    pub copies_lazily: bool,
    /// Whether a fault shall end the process.
    pub abort: bool,
    /// The name of the file, for the message of an abort.
    pub name: Option<&'a str>,
}

impl Default for Claim<'_> {
    /// Anonymous memory, nowhere yet.
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

/// One region in the table. All fields but the counters are written by the thread that claims
/// the slot, before `state` says that they are there.
#[derive(Debug)]
#[repr(align(64))]
pub struct Slot {
    state: AtomicU32,
    /// Handlers that are at work on this slot.
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
    /// The page or tail that a handler is replacing; 0 when none is. Never waited for: whoever
    /// finds it taken lets the instruction fault again.
    pub(in crate::core) replacing: AtomicUsize,
    /// From this address on the tail was replaced; `usize::MAX` when none was.
    pub(in crate::core) dead_from: AtomicUsize,
    /// How often in a row nothing was found wrong with a page that trapped.
    pub(in crate::core) unexplained_traps: AtomicU32,
    /// The page of which that was so.
    pub(in crate::core) unexplained_page: AtomicUsize,
    count: AtomicU64,
    /// Faults that listeners were reported of.
    reported: AtomicU64,
    /// `offset << 8 | reason`.
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

    /// Takes over a region. The caller owns the slot: no other thread changes it.
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
            // could be reading it is left.
            drop(unsafe { CString::from_raw(name) });
        }
    }

    /// Whether the slot has a region that `address` lies in.
    pub(super) fn contains(&self, address: usize) -> bool {
        self.state.load(Ordering::SeqCst) != FREE
            && address.wrapping_sub(self.base()) < self.length.load(Ordering::Relaxed)
    }

    /// Keeps the slot as it is while the result lives.
    pub(super) fn hold(&'static self) -> Busy {
        self.busy.fetch_add(1, Ordering::SeqCst);
        Busy(self)
    }

    /// The number of the mapping, if it had faults since the last call.
    pub(super) fn take_faulted(&self) -> Option<u64> {
        let count = self.fault_count();
        let is_new = self.state.load(Ordering::SeqCst) != FREE
            && self.reported.swap(count, Ordering::AcqRel) != count;
        is_new.then(|| self.id.load(Ordering::Relaxed))
    }

    /// Whether the region was revoked: its file is let go, its addresses are still reserved.
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        self.state.load(Ordering::SeqCst) == REVOKED
    }

    /// The first page.
    #[must_use]
    pub fn base(&self) -> usize {
        self.base.load(Ordering::Relaxed)
    }

    /// The end of the address space, exclusive.
    #[must_use]
    pub fn end(&self) -> usize {
        self.base() + self.length.load(Ordering::Relaxed)
    }

    /// The size of its pages in bytes.
    #[must_use]
    pub fn page_size(&self) -> usize {
        self.page_size.load(Ordering::Relaxed)
    }

    /// What is under the pages.
    #[must_use]
    pub fn kind(&self) -> PageKind {
        match self.kind.load(Ordering::Relaxed) {
            1 => PageKind::SharedFile,
            2 => PageKind::PrivateFile,
            _ => PageKind::Anonymous,
        }
    }

    /// The file, if there is one.
    #[must_use]
    #[allow(
        clippy::unnecessary_cast,
        reason = "the types differ between platforms"
    )]
    pub fn fd(&self) -> sys::RawHandle {
        self.fd.load(Ordering::Relaxed) as sys::RawHandle
    }

    /// Whether a private page gets memory of its own when it is first stored into, by a trap.
    #[must_use]
    pub fn copies_lazily(&self) -> bool {
        self.copies_lazily.load(Ordering::Relaxed)
    }

    /// Where in the file the page at `address` lies.
    #[must_use]
    pub fn file_offset(&self, address: usize) -> u64 {
        self.file_offset.load(Ordering::Relaxed) + (address - self.base()) as u64
    }

    /// Whether a fault shall end the process.
    #[must_use]
    pub fn aborts(&self) -> bool {
        self.abort.load(Ordering::Relaxed)
    }

    /// The name of the file.
    #[must_use]
    pub fn name(&self) -> Option<&CStr> {
        let name = self.name.load(Ordering::Acquire);
        // SAFETY: a name is a CString that lives until the slot is released, and a slot is
        // released only when no handler is busy on it.
        (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) })
    }

    /// Counts a fault and remembers it if there is room.
    pub fn record(&self, address: usize, reason: Reason) {
        let start = self.base() + self.offset_in_page.load(Ordering::Relaxed);
        let offset = address.saturating_sub(start) as u64;
        let index = self.count.fetch_add(1, Ordering::AcqRel) as usize;
        if let Some(record) = self.records.get(index) {
            record.store(Fault { offset, reason }.packed(), Ordering::Release);
        }
        record::count_fault();
    }

    /// How many faults there were.
    #[must_use]
    pub fn fault_count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// The first faults, oldest first.
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

    /// Lets `restore` put the pages back that handlers replaced (address and bytes), and forgets
    /// the faults: all of them, or only what the file's end explains and the tail that was lost
    /// with it. No handler replaces anything meanwhile.
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

    fn forget(&self, is_over: impl Fn(&Fault) -> bool) {
        let faults = self.faults();
        let unknown = self.fault_count() - faults.len() as u64;
        let kept: Vec<Fault> = faults.into_iter().filter(|f| !is_over(f)).collect();
        // What was only counted is taken for more of the same.
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

    /// Says that no handler may treat the region as mapped any more, and waits for those that
    /// still do.
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

/// A slot that a handler works on; while it lives the slot stays what it is.
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
