//! The fault guard's table: which addresses are ours, and what to do when one of them faults.
//!
//! A signal handler reads it while any thread may be changing it, so it is made of atomics in
//! memory that is never freed. Blocks of slots are allocated when first needed and kept.
//!
//! A slot lives like this:
//!
//! ```text
//!  free ──claim──▶ active ──revoke──▶ revoked ──release──▶ free
//!                    └────────────────release───────────────┘
//! ```
//!
//! A handler raises `busy` before it trusts a slot and lowers it when done; whoever changes the
//! state waits for `busy` to fall afterwards, so no handler ever works on an older state than
//! the one that its slot shows.

use std::ffi::{CStr, CString, c_char};
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{
    AtomicBool, AtomicIsize, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering,
};

use crate::core::error::{Error, Result};
use crate::core::poison::IgnorePoison;
use crate::core::sys;

/// How many faults of one mapping are remembered in detail; all are counted.
pub const RECORDS: usize = 16;
const SLOTS_PER_BLOCK: usize = 1024;
/// Room for a million mappings, sixteen times what Linux allows a process by default.
const BLOCKS: usize = 1024;

/// Why a page could not be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// The file ends before the page.
    Truncated = 1,
    /// No block is free for the page.
    NoSpace = 2,
    /// The system failed to read it, or the memory is broken.
    Io = 3,
    /// A store into a page that is read-only.
    ReadOnly = 4,
    /// An access after close.
    Closed = 5,
}

impl Reason {
    /// The name that JavaScript sees.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::NoSpace => "nospace",
            Self::Io => "io",
            Self::ReadOnly => "readonly",
            Self::Closed => "closed",
        }
    }

    fn from_number(number: u64) -> Self {
        match number {
            1 => Self::Truncated,
            2 => Self::NoSpace,
            4 => Self::ReadOnly,
            5 => Self::Closed,
            _ => Self::Io,
        }
    }
}

/// A fault that was survived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Where in the mapping, in bytes; the start of the page, but never before the mapping.
    pub offset: u64,
    /// Why.
    pub reason: Reason,
}

impl Fault {
    /// Both in one number, as a slot keeps it.
    fn packed(&self) -> u64 {
        self.offset << 8 | self.reason as u64
    }
}

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

/// The first slot of each block.
static TABLE: [AtomicPtr<Slot>; BLOCKS] = [const { AtomicPtr::new(ptr::null_mut()) }; BLOCKS];
/// No slot at or above this index was ever used.
static HIGH_WATER: AtomicUsize = AtomicUsize::new(0);
/// Faults of all regions there ever were.
static TOTAL: AtomicU64 = AtomicU64::new(0);
static FREE_SLOTS: Mutex<Vec<usize>> = Mutex::new(Vec::new());

impl Slot {
    const fn empty() -> Self {
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
        TOTAL.fetch_add(1, Ordering::AcqRel);
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

/// A claimed slot, released on drop. The region must be out of reach by then.
#[derive(Debug)]
pub struct SlotHandle {
    index: usize,
    slot: &'static Slot,
}

impl SlotHandle {
    /// Enters a region into the table.
    pub fn claim(claim: &Claim<'_>) -> Result<Self> {
        let (index, slot) = free_slot()?;
        let name = claim.name.and_then(|name| CString::new(name).ok());
        slot.base.store(claim.base, Ordering::Relaxed);
        slot.length.store(claim.length, Ordering::Relaxed);
        slot.offset_in_page
            .store(claim.offset_in_page, Ordering::Relaxed);
        slot.page_size.store(claim.page_size, Ordering::Relaxed);
        slot.id.store(claim.id, Ordering::Relaxed);
        slot.kind.store(claim.kind as u32, Ordering::Relaxed);
        slot.fd.store(claim.fd as isize, Ordering::Relaxed);
        slot.copies_lazily
            .store(claim.copies_lazily, Ordering::Relaxed);
        slot.file_offset.store(claim.file_offset, Ordering::Relaxed);
        slot.abort.store(claim.abort, Ordering::Relaxed);
        slot.name.store(
            name.map_or(ptr::null_mut(), CString::into_raw),
            Ordering::Release,
        );
        slot.replacing.store(0, Ordering::Relaxed);
        slot.dead_from.store(usize::MAX, Ordering::Relaxed);
        slot.unexplained_traps.store(0, Ordering::Relaxed);
        slot.unexplained_page.store(0, Ordering::Relaxed);
        slot.count.store(0, Ordering::Relaxed);
        slot.reported.store(0, Ordering::Relaxed);
        for record in &slot.records {
            record.store(0, Ordering::Relaxed);
        }
        slot.state.store(ACTIVE, Ordering::SeqCst);
        Ok(Self { index, slot })
    }

    /// The slot itself.
    #[must_use]
    pub fn get(&self) -> &'static Slot {
        self.slot
    }
}

impl Drop for SlotHandle {
    fn drop(&mut self) {
        let slot = self.slot;
        slot.state.store(FREE, Ordering::SeqCst);
        slot.wait_for_handlers();
        let name = slot.name.swap(ptr::null_mut(), Ordering::AcqRel);
        if !name.is_null() {
            // SAFETY: the pointer came from CString::into_raw in `claim`, and no handler that
            // could be reading it is left.
            drop(unsafe { CString::from_raw(name) });
        }
        lock_free().push(self.index);
    }
}

fn lock_free() -> std::sync::MutexGuard<'static, Vec<usize>> {
    FREE_SLOTS.lock().ignore_poison()
}

fn free_slot() -> Result<(usize, &'static Slot)> {
    let mut free = lock_free();
    if let Some(slot) = free.last().and_then(|&index| Some((index, at(index)?))) {
        free.pop();
        return Ok(slot);
    }
    let index = HIGH_WATER.load(Ordering::Acquire);
    let block = index / SLOTS_PER_BLOCK;
    let Some(first) = TABLE.get(block) else {
        return Err(Error::rule(
            "ERR_MEMMAP_MAP_COUNT",
            format!("{index} mappings are open, more than this library can guard; close some"),
        ));
    };
    if first.load(Ordering::Acquire).is_null() {
        let slots: Box<[Slot]> = (0..SLOTS_PER_BLOCK).map(|_| Slot::empty()).collect();
        first.store(Box::leak(slots).as_mut_ptr(), Ordering::Release);
    }
    HIGH_WATER.store(index + 1, Ordering::Release);
    at(index)
        .map(|slot| (index, slot))
        .ok_or_else(|| Error::system(sys::ENOMEM, "mmap"))
}

fn at(index: usize) -> Option<&'static Slot> {
    let block = TABLE.get(index / SLOTS_PER_BLOCK)?.load(Ordering::Acquire);
    // SAFETY: a block that was published has this many slots and is never freed.
    (!block.is_null()).then(|| unsafe { &*block.add(index % SLOTS_PER_BLOCK) })
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

/// The region that `address` belongs to. Safe to call in a signal handler.
#[must_use]
pub fn find(address: usize) -> Option<Busy> {
    (0..HIGH_WATER.load(Ordering::Acquire)).find_map(|index| {
        let slot = at(index)?;
        if !contains(slot, address) {
            return None;
        }
        slot.busy.fetch_add(1, Ordering::SeqCst);
        let busy = Busy(slot);
        // The slot may have changed hands before we raised the flag.
        contains(&busy, address).then_some(busy)
    })
}

fn contains(slot: &Slot, address: usize) -> bool {
    slot.state.load(Ordering::SeqCst) != FREE
        && address.wrapping_sub(slot.base()) < slot.length.load(Ordering::Relaxed)
}

/// How many faults there were in the whole process. While it stays the same, no mapping needs
/// to be asked.
#[must_use]
pub fn fault_total() -> u64 {
    TOTAL.load(Ordering::Acquire)
}

/// Where that number is counted.
#[must_use]
pub fn fault_counter() -> &'static AtomicU64 {
    &TOTAL
}

/// The mappings that had faults since they were last asked for.
#[must_use]
pub fn take_faulted() -> Vec<u64> {
    (0..HIGH_WATER.load(Ordering::Acquire))
        .filter_map(at)
        .filter(|slot| {
            let count = slot.fault_count();
            slot.state.load(Ordering::SeqCst) != FREE
                && slot.reported.swap(count, Ordering::AcqRel) != count
        })
        .map(|slot| slot.id.load(Ordering::Relaxed))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(base: usize) -> SlotHandle {
        SlotHandle::claim(&Claim {
            id: base as u64,
            base,
            length: 0x4000,
            offset_in_page: 100,
            kind: PageKind::SharedFile,
            file_offset: 0x1_0000,
            name: Some("a file"),
            ..Claim::default()
        })
        .unwrap()
    }

    #[test]
    fn an_address_is_found_in_its_region_only() {
        let base = 0x10_0000_0000;
        let handle = claim(base);
        assert!(find(base - 1).is_none());
        assert!(find(base + 0x4000).is_none());
        let slot = find(base + 0x3fff).unwrap();
        assert_eq!(slot.file_offset(base + 0x1000), 0x1_1000);
        assert_eq!(slot.name().unwrap().to_str(), Ok("a file"));
        drop(slot);
        drop(handle);
        assert!(find(base).is_none());
    }

    #[test]
    fn faults_are_counted_and_the_first_remembered() {
        let base = 0x20_0000_0000;
        let handle = claim(base);
        let slot = handle.get();
        slot.record(base, Reason::Truncated);
        slot.record(base + 0x1000, Reason::ReadOnly);
        for _ in 0..100 {
            slot.record(base + 0x2000, Reason::Io);
        }
        assert_eq!(slot.fault_count(), 102);
        let faults = slot.faults();
        assert_eq!(faults.len(), RECORDS);
        assert_eq!(
            faults[0],
            Fault {
                offset: 0,
                reason: Reason::Truncated
            }
        );
        assert_eq!(
            faults[1],
            Fault {
                offset: 0x1000 - 100,
                reason: Reason::ReadOnly
            }
        );
        assert!(take_faulted().contains(&(base as u64)));
        assert!(!take_faulted().contains(&(base as u64)));
    }

    #[test]
    fn thousands_of_regions_fit_and_slots_are_used_again() {
        let handles: Vec<_> = (0..3000)
            .map(|i| claim(0x30_0000_0000 + i * 0x1_0000))
            .collect();
        for i in 0..3000 {
            assert!(find(0x30_0000_0000 + i * 0x1_0000).is_some());
        }
        drop(handles);
        let before = HIGH_WATER.load(Ordering::SeqCst);
        let again = claim(0x30_0000_0000);
        assert_eq!(HIGH_WATER.load(Ordering::SeqCst), before);
        drop(again);
    }
}
