//! The ranges of a mapping that are locked in memory.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard};

use crate::core::error::Result;
use crate::core::limits;
use crate::core::mapping::populate_pages::populate_pages;
use crate::core::mapping::region::Region;
use crate::core::poison::IgnorePoison;
use crate::core::range_set::RangeSet;
use crate::core::sys::{self, Populate};

/// The ranges of a mapping that are locked in memory. A thread that needs both takes the hold on
/// the region before this mutex. In the opposite order two threads could wait for each other.
#[derive(Debug, Default)]
pub struct LockedRanges(Mutex<State>);

/// Sets of bytes, as offsets from the start of the first page.
#[derive(Debug, Default)]
struct State {
    locked: RangeSet,
    /// The locked bytes whose pages were loaded, and must be loaded again when pages are mapped
    /// anew.
    present: RangeSet,
    /// Ranges whose lock is not complete yet, by number.
    pending: Vec<(u64, RangeSet)>,
    next: u64,
}

impl LockedRanges {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().ignore_poison()
    }

    /// Locks the pages of a range on their first access, and returns a number for the pending lock.
    pub fn begin(&self, region: &Region, offset: u64, length: u64) -> Result<u64> {
        let _held = region.hold()?;
        let mut state = self.state();
        let range = bytes_of(region, offset, length);
        if !is_whole(region, &range) {
            region.split()?;
        }
        let (start, span) = region.pages_of(offset as usize, length as usize);
        // SAFETY: the pages belong to the region, which is held.
        match unsafe { sys::lock_pages_on_fault(start, span) } {
            Err(error) if error.errno() == Some(sys::ENOSYS) => {}
            Err(error) => {
                // If the range consists of several areas of memory, some may have been locked.
                let _ = state.unlock_pages(region, &range);
                return Err(limits::explain_lock(error.into(), span as u64));
            }
            Ok(()) => {}
        }
        let number = state.next;
        state.next += 1;
        let mut bytes = RangeSet::new();
        bytes.insert(range);
        state.pending.push((number, bytes));
        Ok(number)
    }

    /// Records the bytes of a pending lock as locked. `is_present` says that their pages were
    /// loaded.
    pub fn complete(&self, number: u64, is_present: bool) {
        let mut state = self.state();
        for range in state.take(number).iter() {
            state.locked.insert(range.clone());
            if is_present {
                state.present.insert(range.clone());
            }
        }
    }

    /// Cancels a pending lock and unlocks its bytes.
    pub fn undo(&self, number: u64, region: &Region) {
        // Nothing of a closed region is locked.
        let Ok(_held) = region.hold() else { return };
        let mut state = self.state();
        for range in state.take(number).iter() {
            // The pages can be unlocked, because `begin` locked them. The caller reports an earlier
            // error.
            let _ = state.unlock_pages(region, range);
        }
    }

    /// Unlocks a range, so that the system may evict its pages from memory. Pages that contain
    /// other locked bytes stay locked.
    pub fn unlock(&self, region: &Region, offset: u64, length: u64) -> Result<()> {
        let _held = region.hold()?;
        let range = bytes_of(region, offset, length);
        let mut state = self.state();
        if state.pages_locked(region, &range).length() == 0 {
            return Ok(());
        }
        if !is_whole(region, &range) {
            region.split()?;
        }
        state.forget(&range);
        state.unlock_pages(region, &range)
    }

    /// Unlocks everything after the end of a mapping that became shorter.
    pub fn cut(&self, region: &Region, length: u64) {
        let Ok(_held) = region.hold() else { return };
        let mut state = self.state();
        let after = region.offset_in_page() as u64 + length..region.all_pages().1 as u64;
        if state.pages_locked(region, &after).length() == 0 {
            return;
        }
        state.forget(&after);
        // The pages can be unlocked, because they were locked. An error would have no effect: the
        // mapping does not use them any more.
        let _ = state.unlock_pages(region, &after);
    }

    /// Locks the locked ranges of the mapping in a region whose pages were mapped anew, or that
    /// replaces the region `former`, which is unlocked.
    pub fn renew(&self, region: &Region, former: Option<&Region>) -> Result<()> {
        let present = {
            let _held = region.hold()?;
            let state = self.state();
            if let Some(former) = former {
                state.each_locked(former, |start, span| {
                    // SAFETY: the pages belong to a region that the caller keeps alive.
                    Ok(unsafe { sys::unlock_pages(start, span) }?)
                })?;
            }
            let locked = state.each_locked(region, |start, span| {
                region.split()?;
                // SAFETY: the pages belong to the region, which is held.
                unsafe { sys::lock_pages_on_fault(start, span) }
                    .map_err(|error| limits::explain_lock(error.into(), span as u64))
            });
            if let Err(error) = locked {
                if let Some(former) = former {
                    // This restores the previous state, which was within all limits.
                    let _ = state.each_locked(former, |start, span| {
                        // SAFETY: as above.
                        Ok(unsafe { sys::lock_pages_on_fault(start, span) }?)
                    });
                }
                return Err(error);
            }
            state.present.clone()
        };
        let _held = region.hold()?;
        for range in present.iter() {
            let pages = pages_around(region, range);
            let start = region.address() - region.offset_in_page() + pages.start as usize;
            // If a page cannot be loaded, the next access to it reports that.
            let _ = populate_pages(
                region,
                start,
                (pages.end - pages.start) as usize,
                Populate::ForReading,
            );
        }
        Ok(())
    }

    /// Returns the pages that a range touches and of which no byte is locked, as runs of address
    /// and length in bytes.
    pub fn unlocked(&self, region: &Region, offset: u64, length: u64) -> Vec<(usize, usize)> {
        self.state()
            .pages_free(region, &bytes_of(region, offset, length))
    }

    /// Returns how many of the pages that a range touches are locked.
    pub fn pages(&self, region: &Region, offset: u64, length: u64) -> u64 {
        let range = bytes_of(region, offset, length);
        self.state().pages_locked(region, &range).length() / region.page_size() as u64
    }
}

impl State {
    fn take(&mut self, number: u64) -> RangeSet {
        let index = self.pending.iter().position(|(n, _)| *n == number);
        index.map_or_else(RangeSet::new, |index| self.pending.swap_remove(index).1)
    }

    fn forget(&mut self, range: &Range<u64>) {
        self.locked.remove(range);
        self.present.remove(range);
        for (_, pending) in &mut self.pending {
            pending.remove(range);
        }
    }

    /// Calls `act` with the address and length of each run of locked pages.
    fn each_locked(
        &self,
        region: &Region,
        mut act: impl FnMut(usize, usize) -> Result<()>,
    ) -> Result<()> {
        let base = region.address() - region.offset_in_page();
        let all = 0..region.all_pages().1 as u64;
        for pages in self.pages_locked(region, &all).iter() {
            act(
                base + pages.start as usize,
                (pages.end - pages.start) as usize,
            )?;
        }
        Ok(())
    }

    /// Returns the pages that a range touches and that contain a byte that is locked or has a
    /// pending lock.
    fn pages_locked(&self, region: &Region, range: &Range<u64>) -> RangeSet {
        let pages = pages_around(region, range);
        let mut locked = RangeSet::new();
        let sets = self.pending.iter().map(|(_, set)| set);
        for set in sets.chain([&self.locked]) {
            for overlap in set.parts(&pages) {
                locked.insert(pages_around(region, &overlap));
            }
        }
        locked
    }

    /// Returns the other pages that a range touches, as runs of address and length in bytes.
    fn pages_free(&self, region: &Region, range: &Range<u64>) -> Vec<(usize, usize)> {
        let base = region.address() - region.offset_in_page();
        self.pages_locked(region, range)
            .gaps(&pages_around(region, range))
            .into_iter()
            .map(|gap| (base + gap.start as usize, (gap.end - gap.start) as usize))
            .collect()
    }

    /// Unlocks the pages that a range touches and in which no byte is locked any more.
    fn unlock_pages(&self, region: &Region, range: &Range<u64>) -> Result<()> {
        for (start, span) in self.pages_free(region, range) {
            // SAFETY: the pages belong to the region, which the caller holds.
            unsafe { sys::unlock_pages(start, span) }?;
        }
        Ok(())
    }
}

/// Converts a range of the mapping to offsets from the start of the first page.
fn bytes_of(region: &Region, offset: u64, length: u64) -> Range<u64> {
    let start = region.offset_in_page() as u64 + offset;
    start..start + length
}

fn pages_around(region: &Region, range: &Range<u64>) -> Range<u64> {
    let page_size = region.page_size() as u64;
    range.start / page_size * page_size..range.end.next_multiple_of(page_size)
}

/// Reports whether a range touches all pages of the region, so that locking it adds no area of
/// memory.
fn is_whole(region: &Region, range: &Range<u64>) -> bool {
    let all = bytes_of(region, 0, region.length() as u64);
    pages_around(region, range) == pages_around(region, &all)
}
