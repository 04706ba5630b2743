//! Locking ranges in memory.
//!
//! The system locks pages, and does not count how often: a page that was locked twice is free after
//! it was unlocked once. Here bytes are locked: a page stays in memory as long as one byte of it is
//! locked, so that unlocking a range never frees a page that its neighbour needs.
//!
//! A range is locked in two steps: its pages are told to stay once they come, which is quick and
//! meets every limit, and then brought in, which may wait for a disk and be cancelled. The system's
//! plain `mlock` does both at once, but stores into private pages on the way: each page of a mapping
//! for reading would become a copy.

use crate::core::cancel::CancelToken;
use crate::core::error::{Error, Result};
use crate::core::limits;
use crate::core::mapping::mapping::Mapping;
use crate::core::mapping::region::Region;
use crate::core::residency::populate::{bring_in, in_steps};
use crate::core::sys;

/// Keeps the pages that a range touches in memory: all of them from now on, or with `on_fault` each
/// from the time on at which it comes there. What fails or is cancelled locks nothing.
pub fn lock(
    mapping: &Mapping,
    offset: u64,
    length: u64,
    on_fault: bool,
    token: &CancelToken,
) -> Result<()> {
    mapping.check_range(offset, length)?;
    let Some(region) = mapping.region()?.filter(|_| length > 0) else {
        return Ok(());
    };
    if on_fault && !sys::can_lock_on_fault() {
        return Err(Error::rule(
            "ERR_MEMMAP_UNSUPPORTED",
            "This system locks pages in memory only by bringing them in: leave 'onFault' out",
        ));
    }
    let locks = &mapping.locked_ranges;
    let number = locks.begin(&region, offset, length)?;
    let result = if on_fault {
        Ok(())
    } else {
        in_steps(mapping, offset, length, token, |at, step| {
            bring_in_locked(mapping, &region, at, step)
        })
    };
    if result.is_ok() {
        locks.complete(number, !on_fault);
    } else if let Ok(Some(region)) = mapping.region() {
        // It may be another region by now. Of a mapping that was closed nothing is locked any more.
        locks.undo(number, &region);
    }
    result
}

/// Lets the system take the pages of a range out of memory again, but for those that other locked
/// bytes lie in.
pub fn unlock(mapping: &Mapping, offset: u64, length: u64) -> Result<()> {
    mapping.check_range(offset, length)?;
    let Some(region) = mapping.region()?.filter(|_| length > 0) else {
        return Ok(());
    };
    mapping.locked_ranges.unlock(&region, offset, length)
}

/// Brings in pages that stay once they come. Where the system can't tell pages to stay it locks
/// them here.
fn bring_in_locked(mapping: &Mapping, region: &Region, offset: u64, length: u64) -> Result<()> {
    if sys::can_lock_on_fault() {
        return bring_in(mapping, offset, length);
    }
    let _held = region.hold()?;
    let (start, span) = region.pages_of(offset as usize, length as usize);
    // SAFETY: the pages belong to the region, which is held.
    unsafe { sys::lock_pages(start, span) }
        .map_err(|error| limits::explain_lock(error.into(), length))
}
