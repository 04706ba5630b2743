//! Locking ranges of a mapping in memory.
//!
//! The system locks pages and does not count locks: unlocking a page once removes all its locks.
//! This module records locked bytes. A page stays locked as long as one byte of it is locked, so
//! that unlocking a range does not unlock a page that another locked range needs.
//!
//! A range is locked in two steps. First its pages are locked on their first access, which is fast
//! and fails if a limit is exceeded. Then they are loaded, which may wait for a disk and can be
//! cancelled. The system's `mlock` does both in one call, but it stores into private pages, so that
//! each page of a mapping for reading would become a copy.

use crate::core::cancel::CancelToken;
use crate::core::error::{Error, Result};
use crate::core::limits;
use crate::core::mapping::mapping::Mapping;
use crate::core::mapping::region::Region;
use crate::core::residency::populate::{in_steps, load};
use crate::core::sys;

/// Locks the pages that a range touches in memory: all of them now, or with `on_fault` each page on
/// its first access. A call that fails or is cancelled locks nothing.
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
            "This system can lock pages in memory only by loading them: leave out 'onFault'",
        ));
    }
    let locks = &mapping.locked_ranges;
    let number = locks.begin(&region, offset, length)?;
    let result = if on_fault {
        Ok(())
    } else {
        in_steps(mapping, offset, length, token, |offset, step| {
            load_locked(mapping, &region, offset, step)
        })
    };
    if result.is_ok() {
        locks.complete(number, !on_fault);
    } else if let Ok(Some(region)) = mapping.region() {
        // The mapping may have another region by now. In a closed mapping nothing is locked.
        locks.undo(number, &region);
    }
    result
}

/// Unlocks a range, so that the system may evict its pages from memory. Pages that contain other
/// locked bytes stay locked.
pub fn unlock(mapping: &Mapping, offset: u64, length: u64) -> Result<()> {
    mapping.check_range(offset, length)?;
    let Some(region) = mapping.region()?.filter(|_| length > 0) else {
        return Ok(());
    };
    mapping.locked_ranges.unlock(&region, offset, length)
}

/// Loads pages that are locked on their first access. Locks them here if the system cannot lock
/// pages on their first access.
fn load_locked(mapping: &Mapping, region: &Region, offset: u64, length: u64) -> Result<()> {
    if sys::can_lock_on_fault() {
        return load(mapping, offset, length);
    }
    let _held = region.hold()?;
    let (start, span) = region.pages_of(offset as usize, length as usize);
    // SAFETY: the pages belong to the region, which is held.
    unsafe { sys::lock_pages(start, span) }
        .map_err(|error| limits::explain_lock(error.into(), length))
}
