//! The fault guard's table of all mapped regions.
//!
//! A signal handler looks up in it whether an address belongs to a region, while any thread may
//! change the table. The table therefore consists of atomics in memory that is never freed. Blocks
//! of slots are allocated when first needed, and kept.

use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use crate::core::error::{Error, Result};
use crate::core::fault::slot::{Busy, Claim, Slot};
use crate::core::poison::IgnorePoison;
use crate::core::sys;

const SLOTS_PER_BLOCK: usize = 1024;
/// Enough blocks for 1,048,576 regions, sixteen times the number that Linux allows a process by
/// default.
const BLOCKS: usize = 1024;

/// The first slot of each block.
static TABLE: [AtomicPtr<Slot>; BLOCKS] = [const { AtomicPtr::new(ptr::null_mut()) }; BLOCKS];
/// One more than the highest index of a slot that was ever used.
static HIGH_WATER: AtomicUsize = AtomicUsize::new(0);
static FREE_SLOTS: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// A claimed slot, which is released on drop. No access to the region may happen after that.
#[derive(Debug)]
pub struct SlotHandle {
    index: usize,
    slot: &'static Slot,
}

impl SlotHandle {
    /// Enters a region into the table. Fails with `ERR_MEMMAP_MAP_COUNT` if the table is full.
    pub fn claim(claim: &Claim<'_>) -> Result<Self> {
        let (index, slot) = free_slot()?;
        slot.activate(claim);
        Ok(Self { index, slot })
    }

    /// Returns the slot.
    #[must_use]
    pub fn get(&self) -> &'static Slot {
        self.slot
    }
}

impl Drop for SlotHandle {
    fn drop(&mut self) {
        self.slot.release();
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
            format!("{index} mappings are open, the most that this library can guard: close some"),
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
    // SAFETY: `free_slot` publishes a block of SLOTS_PER_BLOCK slots, which is never freed.
    (!block.is_null()).then(|| unsafe { &*block.add(index % SLOTS_PER_BLOCK) })
}

/// Returns the slot of the region that contains `address`. Safe to call in a signal handler.
#[must_use]
pub fn find(address: usize) -> Option<Busy> {
    (0..HIGH_WATER.load(Ordering::Acquire)).find_map(|index| {
        let slot = at(index)?;
        if !slot.contains(address) {
            return None;
        }
        let busy = slot.hold();
        // The slot may have been released before it was marked as busy.
        busy.contains(address).then_some(busy)
    })
}

/// Returns the numbers of the mappings that have had faults since the last call.
#[must_use]
pub fn take_faulted() -> Vec<u64> {
    (0..HIGH_WATER.load(Ordering::Acquire))
        .filter_map(at)
        .filter_map(Slot::take_faulted)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::fault::record::{Fault, Reason};
    use crate::core::fault::slot::{PageKind, RECORDS};

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
    fn an_address_is_found_only_in_its_region() {
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
    fn all_faults_are_counted_and_the_first_are_recorded() {
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
    fn thousands_of_regions_fit_and_released_slots_are_reused() {
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
