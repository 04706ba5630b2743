//! Advice for ranges of a mapping, and discarding the contents of pages.

use crate::core::error::{Error, Result};
use crate::core::mapping::advice::{self, Advice, Discard};
use crate::core::mapping::mapping::Mapping;
use crate::core::mapping::region::Region;
use crate::core::residency::populate;
use crate::core::sys;

/// Advises the system how a range will be used. The advice applies to all pages that the range
/// touches, and to no page outside the mapping.
pub fn advise(mapping: &Mapping, advice: Advice, offset: u64, length: u64) -> Result<()> {
    mapping.check_range(offset, length)?;
    let Some(region) = mapping.region()? else {
        return Ok(());
    };
    if length == 0 {
        return Ok(());
    }
    let _held = region.hold()?;
    if advice.is_remembered() {
        region.split()?;
    }
    advise_in(&region, advice, offset as usize, length as usize).map_err(|error| {
        match (error.errno(), advice.populates()) {
            (Some(sys::EFAULT | sys::EHWPOISON), Some(what_for)) => {
                let (start, span) = region.pages_of(offset as usize, length as usize);
                populate::bad_page(mapping, &region, start, span, what_for)
            }
            (Some(sys::EINVAL), _) => advice::not_known(advice)
                .unwrap_or_else(|| explain_refusal(mapping, error, &region, offset, length)),
            _ => error,
        }
    })
}

/// Explains why the kernel refused advice that it supports.
fn explain_refusal(
    mapping: &Mapping,
    error: Error,
    region: &Region,
    offset: u64,
    length: u64,
) -> Error {
    let is_locked = error.errno() == Some(sys::EINVAL)
        && mapping.locked_ranges.pages(region, offset, length) > 0;
    if is_locked {
        return error.because("a part of the range is locked in memory: call unlockMemory() first");
    }
    error
}

/// Advises the system how a whole region will be used. Advice that the system stores also applies
/// to the capacity of the region.
pub(in crate::core) fn advise_all(
    mapping: &Mapping,
    region: &Region,
    advice: Advice,
) -> Result<()> {
    let length = if advice.is_remembered() {
        region.raw().len() - region.offset_in_page()
    } else {
        region.length()
    };
    if length == 0 {
        return Ok(());
    }
    advise_in(region, advice, 0, length).map_err(|error| error.at(mapping.name()))
}

/// Discards the contents of the whole pages inside a range.
pub fn discard(mapping: &Mapping, how: Discard, offset: u64, length: u64) -> Result<()> {
    mapping.check_range(offset, length)?;
    if how == Discard::Remove {
        mapping.check_writable(offset, length)?;
        if !mapping.mode().writes_file() {
            return Err(mapping.read_only("Discarding with 'remove' changes the file"));
        }
    }
    let Some(region) = mapping.region()? else {
        return Ok(());
    };
    let _held = region.hold()?;
    let page = region.page_size();
    let address = region.address() + offset as usize;
    let start = address.next_multiple_of(page);
    let end = (address + length as usize) / page * page;
    if start >= end {
        return Ok(());
    }
    // The kernel also refuses locked pages, but only after it has discarded the pages before them.
    let inner = ((start - region.address()) as u64, (end - start) as u64);
    if mapping.locked_ranges.pages(&region, inner.0, inner.1) > 0 {
        let error = Error::system(sys::EINVAL, "madvise");
        return Err(explain_refusal(mapping, error, &region, inner.0, inner.1));
    }
    // SAFETY: no Rust reference to these bytes exists, and only pages that lie wholly in the range
    // that the caller passed lose their contents.
    let discarded = unsafe {
        region.raw().discard(
            how.unchecked(),
            start + region.offset_in_page() - region.address(),
            end - start,
        )
    };
    Ok(discarded?)
}

fn advise_in(region: &Region, advice: Advice, offset: usize, length: usize) -> Result<()> {
    let result = match advice {
        Advice::Known(advice) => {
            region
                .raw()
                .advise(advice, region.offset_in_page() + offset, length)
        }
        Advice::Extra(extra) => {
            let number = extra.number().unwrap_or(-1);
            let (start, span) = region.pages_of(offset, length);
            // SAFETY: `pages_of` rounds a range of the region outwards to whole pages, which the region
            // owns.
            unsafe { sys::advise_pages(start, span, number) }
        }
    };
    result.map_err(|error| match error.errno() {
        Some(sys::EINVAL) => {
            Error::from(error).because("the kernel does not accept this advice for this memory")
        }
        _ => error.into(),
    })
}
