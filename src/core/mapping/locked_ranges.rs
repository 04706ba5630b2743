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

/// What of a mapping is locked in memory. Who takes this lock holds the region already, if at all:
/// the other way round two threads could wait for each other.
#[derive(Debug, Default)]
pub struct LockedRanges(Mutex<State>);

/// Sets of bytes, counted from the start of the first page.
#[derive(Debug, Default)]
struct State {
    locked: RangeSet,
    /// What of it was brought in, and is to be there.
    present: RangeSet,
    /// What is on the way, each with a number of its own.
    pending: Vec<(u64, RangeSet)>,
    next: u64,
}

impl LockedRanges {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().ignore_poison()
    }

    /// Tells the pages of a range to stay once they come.
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
                // Of several pieces with different treatment some may have been locked.
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

    /// Counts the bytes of [`LockedRanges::begin`] as locked, and as brought in where they were.
    pub fn complete(&self, number: u64, is_present: bool) {
        let mut state = self.state();
        for range in state.take(number).iter() {
            state.locked.insert(range.clone());
            if is_present {
                state.present.insert(range.clone());
            }
        }
    }

    /// Unlocks the bytes of [`LockedRanges::begin`] again.
    pub fn undo(&self, number: u64, region: &Region) {
        // Closed: then nothing is locked any more.
        let Ok(_held) = region.hold() else { return };
        let mut state = self.state();
        for range in state.take(number).iter() {
            // It was locked a moment ago; the first error is the one to report.
            let _ = state.unlock_pages(region, range);
        }
    }

    /// Unlocks a range: the system may take its pages out of memory again, but for those that
    /// other locked bytes lie in.
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

    /// Forgets what lies behind the end of a mapping that became shorter.
    pub fn cut(&self, region: &Region, length: u64) {
        let Ok(_held) = region.hold() else { return };
        let mut state = self.state();
        let behind = region.offset_in_page() as u64 + length..region.all_pages().1 as u64;
        if state.pages_locked(region, &behind).length() == 0 {
            return;
        }
        state.forget(&behind);
        // They have been locked, so they can be unlocked; and nobody uses them any more.
        let _ = state.unlock_pages(region, &behind);
    }

    /// Locks in a region what is locked of the mapping: its pages were mapped anew, or it takes the
    /// place of `former`, which is unlocked.
    pub fn renew(&self, region: &Region, former: Option<&Region>) -> Result<()> {
        let present = {
            let _held = region.hold()?;
            let state = self.state();
            if let Some(former) = former {
                state.each_locked(former, |start, span| {
                    // SAFETY: the pages belong to a region that its mapping still has.
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
                    // As it was; it fitted then.
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
            // A page that can't be had is told to who touches it.
            let _ = populate_pages(
                region,
                start,
                (pages.end - pages.start) as usize,
                Populate::ForReading,
            );
        }
        Ok(())
    }

    /// The pages that a range touches of which no byte is locked, as runs: address and bytes.
    pub fn unlocked(&self, region: &Region, offset: u64, length: u64) -> Vec<(usize, usize)> {
        self.state()
            .pages_free(region, &bytes_of(region, offset, length))
    }

    /// How many of the pages that a range touches are locked.
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

    /// Does something with each run of pages that are locked: address and bytes.
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

    /// The pages of a range with a byte that is locked, or about to be.
    fn pages_locked(&self, region: &Region, range: &Range<u64>) -> RangeSet {
        let pages = pages_around(region, range);
        let mut locked = RangeSet::new();
        let sets = self.pending.iter().map(|(_, set)| set);
        for set in sets.chain([&self.locked]) {
            for part in set.parts(&pages) {
                locked.insert(pages_around(region, &part));
            }
        }
        locked
    }

    /// The other pages of a range, as runs: address and bytes.
    fn pages_free(&self, region: &Region, range: &Range<u64>) -> Vec<(usize, usize)> {
        let base = region.address() - region.offset_in_page();
        self.pages_locked(region, range)
            .gaps(&pages_around(region, range))
            .into_iter()
            .map(|gap| (base + gap.start as usize, (gap.end - gap.start) as usize))
            .collect()
    }

    /// Unlocks the pages of a range in which no byte is locked any more.
    fn unlock_pages(&self, region: &Region, range: &Range<u64>) -> Result<()> {
        for (start, span) in self.pages_free(region, range) {
            // SAFETY: the pages belong to the region, which the caller holds.
            unsafe { sys::unlock_pages(start, span) }?;
        }
        Ok(())
    }
}

/// A range of the mapping, counted from the start of its first page.
fn bytes_of(region: &Region, offset: u64, length: u64) -> Range<u64> {
    let start = region.offset_in_page() as u64 + offset;
    start..start + length
}

fn pages_around(region: &Region, range: &Range<u64>) -> Range<u64> {
    let page_size = region.page_size() as u64;
    range.start / page_size * page_size..range.end.next_multiple_of(page_size)
}

/// Whether a range has all pages of the region: then none has another treatment than its
/// neighbour.
fn is_whole(region: &Region, range: &Range<u64>) -> bool {
    let all = bytes_of(region, 0, region.length() as u64);
    pages_around(region, range) == pages_around(region, &all)
}
