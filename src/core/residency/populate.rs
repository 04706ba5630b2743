//! Loading pages into memory before their first access. No function here causes a fault: a page
//! that the system cannot deliver is an error, and the mapping stays unchanged.

use crate::core::cancel::CancelToken;
use crate::core::error::{Error, Result};
use crate::core::fault::record::Reason;
use crate::core::fault::slot::PageKind;
use crate::core::mapping::mapping::Mapping;
use crate::core::mapping::populate_pages::populate_pages;
use crate::core::mapping::region::Region;
use crate::core::sys::file_kind::Kind;
use crate::core::sys::{self, Populate};

/// The length of a step through a long range, in bytes: long enough for a disk to read efficiently,
/// short enough to notice a cancellation soon.
pub const STEP: u64 = 8 << 20;

/// Loads a range into memory. Waits for the disk.
pub fn prefetch(mapping: &Mapping, offset: u64, length: u64, token: &CancelToken) -> Result<()> {
    in_steps(mapping, offset, length, token, |offset, step| {
        populate(mapping, offset, step, Populate::ForReading)
    })
}

/// Loads a whole mapping into memory. Allocates anonymous memory. Waits for the disk.
pub fn populate_all(mapping: &Mapping) -> Result<()> {
    let token = CancelToken::default();
    in_steps(mapping, 0, mapping.length(), &token, |offset, step| {
        load(mapping, offset, step)
    })
}

/// Loads the pages of a range as far as that needs no store into a file or a private copy.
/// Allocates anonymous memory.
pub fn load(mapping: &Mapping, offset: u64, length: u64) -> Result<()> {
    let has_file = mapping.region()?.is_some_and(|r| r.file().is_some());
    let what_for = if has_file {
        Populate::ForReading
    } else {
        Populate::ForWriting
    };
    populate(mapping, offset, length, what_for)
}

/// Verifies that every byte of a range can be loaded. With `for_writing` also verifies that every
/// byte can be stored into, by allocating disk blocks for holes. No page becomes dirty.
pub fn verify(
    mapping: &Mapping,
    offset: u64,
    length: u64,
    for_writing: bool,
    token: &CancelToken,
) -> Result<()> {
    if for_writing {
        mapping.check_writable(offset, length)?;
        if !mapping.mode().writes_file() || mapping.region()?.is_some_and(|r| r.file().is_none()) {
            return Err(Error::rule(
                "ERR_MEMMAP_UNSUPPORTED",
                "Only a mapping of a file with mode 'r+', 'w+' or 'wx+' can be verified for \
                 writing: stores into this mapping go to memory only, and the system does not report \
                 whether it will have memory for them",
            ));
        }
    }
    in_steps(mapping, offset, length, token, |offset, step| {
        if for_writing {
            allocate(mapping, offset, step)?;
        }
        populate(mapping, offset, step, Populate::ForReading)
    })?;
    check_end(mapping, offset, length)
}

/// Checks that the file reaches to the end of a range. The rest of its last page reads as zeros
/// without a fault. Unlike [`Mapping::check_file_covers`], this function records no fault.
fn check_end(mapping: &Mapping, offset: u64, length: u64) -> Result<()> {
    let file = mapping.region()?.and_then(|region| region.file());
    let Some(file) = file.filter(|_| length > 0) else {
        return Ok(());
    };
    let status = sys::fstat(file.fd())?;
    if status.kind != Kind::Regular || status.size >= mapping.offset() + offset + length {
        return Ok(());
    }
    let missing = status.size.saturating_sub(mapping.offset()).max(offset);
    let text =
        format!("The file became shorter: the mapping reads as zeros from its offset {missing} on");
    Err(fault(mapping, missing, Reason::Truncated, text))
}

/// Calls `work` with the offset and length of each step through a range, until the token is
/// cancelled. A step ends at the end of a page, or of the range.
pub fn in_steps(
    mapping: &Mapping,
    offset: u64,
    length: u64,
    token: &CancelToken,
    mut work: impl FnMut(u64, u64) -> Result<()>,
) -> Result<()> {
    mapping.check_range(offset, length)?;
    let page_size = mapping.region()?.map_or(1, |region| region.page_size());
    let unit = STEP.max(page_size as u64);
    let end = offset + length;
    let mut start = offset;
    while start < end {
        token.check()?;
        let step = (unit - (mapping.offset() + start) % unit).min(end - start);
        work(start, step)?;
        token.add(step);
        start += step;
    }
    Ok(())
}

/// Loads the pages of a range for an access. May wait for a disk.
pub fn populate(mapping: &Mapping, offset: u64, length: u64, what_for: Populate) -> Result<()> {
    mapping.check_range(offset, length)?;
    let Some(region) = mapping.region()? else {
        return Ok(());
    };
    if length == 0 {
        return Ok(());
    }
    let _held = region.hold()?;
    let (start, span) = region.pages_of(offset as usize, length as usize);
    match populate_pages(&region, start, span, what_for) {
        Err(error) if matches!(error.errno(), Some(sys::EFAULT | sys::EHWPOISON)) => {
            Err(bad_page(mapping, &region, start, span, what_for))
        }
        result => result,
    }
}

/// Returns the address of the first page that cannot be loaded.
fn first_bad_page(region: &Region, start: usize, span: usize, what_for: Populate) -> usize {
    let page_size = region.page_size();
    // All pages before `good` can be loaded. At least one page of `good..=bad` cannot.
    let (mut good, mut bad) = (0, span / page_size - 1);
    while good < bad {
        let middle = usize::midpoint(good, bad);
        let (from, pages) = (start + good * page_size, middle + 1 - good);
        if populate_pages(region, from, pages * page_size, what_for).is_ok() {
            good = middle + 1;
        } else {
            bad = middle;
        }
    }
    start + good * page_size
}

/// Returns the error for the first page that cannot be loaded, of pages that could not be loaded
/// together. The caller holds the region.
pub fn bad_page(
    mapping: &Mapping,
    region: &Region,
    start: usize,
    span: usize,
    what_for: Populate,
) -> Error {
    let page = first_bad_page(region, start, span, what_for);
    let offset = page.saturating_sub(region.address()) as u64;
    let reason = reason_of(region, page);
    let text = match reason {
        Reason::Truncated => "the file became shorter; close the mapping and open it again",
        Reason::NoSpace => "memory or disk has no space for it",
        _ => "the disk could not deliver it",
    };
    fault(
        mapping,
        offset,
        reason,
        format!("Offset {offset} of the mapping cannot be read: {text}"),
    )
}

fn reason_of(region: &Region, page: usize) -> Reason {
    let slot = region.slot();
    if slot.kind() == PageKind::Anonymous {
        let is_huge = region.page_size() > sys::page_size();
        return if is_huge { Reason::NoSpace } else { Reason::Io };
    }
    match sys::has_byte(slot.fd(), slot.file_offset(page)) {
        Ok(false) => Reason::Truncated,
        Ok(true) if sys::file_system(slot.fd()).is_ok_and(|fs| fs.is_full) => Reason::NoSpace,
        _ => Reason::Io,
    }
}

/// Allocates disk blocks for holes of the file in the pages of a range.
fn allocate(mapping: &Mapping, offset: u64, length: u64) -> Result<()> {
    // No blocks can be allocated after the end of the file.
    check_end(mapping, offset, length)?;
    let Some(file) = mapping.region()?.and_then(|region| region.file()) else {
        return Ok(());
    };
    let status = sys::fstat(file.fd())?;
    if status.kind != Kind::Regular {
        return Ok(());
    }
    let page = file.page_size() as u64;
    let start = mapping.offset() + offset;
    let end = (start + length).next_multiple_of(page).min(status.size);
    let start = start / page * page;
    let length = end.saturating_sub(start);
    sys::allocate_page(file.fd(), start, length as usize).map_err(|error| match error.errno() {
        Some(sys::ENOSPC | sys::EDQUOT) => fault(
            mapping,
            offset,
            Reason::NoSpace,
            format!(
                "The disk has no space for stores into the {length} bytes at offset {offset} of \
                 the mapping, where the file has a hole"
            ),
        ),
        Some(sys::EOPNOTSUPP) => Error::rule(
            "ERR_MEMMAP_UNSUPPORTED",
            "The file system cannot allocate blocks in advance (fallocate), so a range cannot be \
             verified for writing",
        ),
        _ => error.into(),
    })
}

fn fault(mapping: &Mapping, offset: u64, reason: Reason, message: String) -> Error {
    Error::Rule {
        code: "ERR_MEMMAP_FAULT",
        message,
        path: mapping.name().map(str::to_owned),
        kind: None,
        offset: Some(offset),
        reason: Some(reason.name()),
    }
}
