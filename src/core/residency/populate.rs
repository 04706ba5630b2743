//! Bringing pages into memory before they are touched. Nothing here can fault: a page that the
//! system can't deliver is an error, and the mapping stays as it was.

use crate::core::cancel::CancelToken;
use crate::core::error::{Error, Result};
use crate::core::fault::record::Reason;
use crate::core::fault::slot::PageKind;
use crate::core::mapping::mapping::Mapping;
use crate::core::mapping::populate_pages::populate_pages;
use crate::core::mapping::region::Region;
use crate::core::sys::file_kind::Kind;
use crate::core::sys::{self, Populate};

/// A step of a long walk: long enough for the disk, short enough to hear of a cancellation.
pub const STEP: u64 = 8 << 20;

/// Brings a range into memory. Waits for the disk.
pub fn prefetch(mapping: &Mapping, offset: u64, length: u64, token: &CancelToken) -> Result<()> {
    in_steps(mapping, offset, length, token, |at, step| {
        populate(mapping, at, step, Populate::ForReading)
    })
}

/// Brings all of a mapping into memory, as when it is opened so: memory without a file is
/// allocated. Waits for the disk.
pub fn populate_all(mapping: &Mapping) -> Result<()> {
    let token = CancelToken::default();
    in_steps(mapping, 0, mapping.length(), &token, |at, step| {
        bring_in(mapping, at, step)
    })
}

/// Brings the pages of a range in as far as they can be without a store: memory without a file is
/// allocated, of a file only its own pages come.
pub fn bring_in(mapping: &Mapping, offset: u64, length: u64) -> Result<()> {
    let has_file = mapping.region()?.is_some_and(|r| r.file().is_some());
    let what_for = if has_file {
        Populate::ForReading
    } else {
        Populate::ForWriting
    };
    populate(mapping, offset, length, what_for)
}

/// Proves that every byte of a range can be loaded, and with `for_writing` that it can be stored
/// into as well: blocks of the disk are found for holes. Nothing becomes dirty.
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
                "What is stored here goes to memory and to no file, and whether there will be \
                 memory for it the system does not say: only a mapping of a file with mode 'r+', \
                 'w+' or 'wx+' can be verified for writing",
            ));
        }
    }
    in_steps(mapping, offset, length, token, |at, step| {
        if for_writing {
            allocate(mapping, at, step)?;
        }
        populate(mapping, at, step, Populate::ForReading)
    })?;
    check_end(mapping, offset, length)
}

/// Checks that the file reaches to the end of a range: in its last page there are zeros behind its
/// end, without a fault. Unlike [`Mapping::check_file_covers`] this only asks.
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
    let text = format!(
        "The file became shorter: from offset {missing} of the mapping on there are only zeros"
    );
    Err(fault(mapping, missing, Reason::Truncated, text))
}

/// Walks through a range in steps, until the token isn't wanted any more. A step ends where a page
/// does.
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
    let mut at = offset;
    while at < end {
        token.check()?;
        let step = (unit - (mapping.offset() + at) % unit).min(end - at);
        work(at, step)?;
        token.add(step);
        at += step;
    }
    Ok(())
}

/// Brings the pages of a range in. May wait for a disk.
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

/// The first page that can't be had: everything before it can.
fn first_bad_page(region: &Region, start: usize, span: usize, what_for: Populate) -> usize {
    let page_size = region.page_size();
    // Page `bad` is the last of a run that can't be had, all before `good` can.
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

/// The error for the first page that can't be had, of pages of a held region that could not be
/// populated.
pub fn bad_page(
    mapping: &Mapping,
    region: &Region,
    start: usize,
    span: usize,
    what_for: Populate,
) -> Error {
    let page = first_bad_page(region, start, span, what_for);
    let offset = page.saturating_sub(region.address()) as u64;
    let reason = why(region, page);
    let text = match reason {
        Reason::Truncated => "the file became shorter; close the mapping and open it again",
        Reason::NoSpace => "neither memory nor disk has room for it",
        _ => "the disk could not deliver it",
    };
    fault(
        mapping,
        offset,
        reason,
        format!("Offset {offset} of the mapping can't be read: {text}"),
    )
}

fn why(region: &Region, page: usize) -> Reason {
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

/// Finds blocks for the holes in the pages of a range of the file.
fn allocate(mapping: &Mapping, offset: u64, length: u64) -> Result<()> {
    // Behind the end of the file there is nothing to find blocks for.
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
                "The disk has no room for what could be stored into the {length} bytes at offset \
                 {offset} of the mapping: there is a hole in the file"
            ),
        ),
        Some(sys::EOPNOTSUPP) => Error::rule(
            "ERR_MEMMAP_UNSUPPORTED",
            "The file system can't find blocks ahead (fallocate), so nothing is known of stores",
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
