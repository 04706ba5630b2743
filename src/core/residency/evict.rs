//! Evicting pages from memory without losing data.

use std::sync::Arc;

use crate::core::cancel::CancelToken;
use crate::core::durability::flush;
use crate::core::error::{Error, Result};
use crate::core::fault::slot::PageKind;
use crate::core::file::flush_level::Level;
use crate::core::file::shared_file::SharedFile;
use crate::core::mapping::mapping::Mapping;
use crate::core::mapping::mode::Mode;
use crate::core::mapping::region::Region;
use crate::core::residency::populate::in_steps;
use crate::core::residency::residency::resident_bytes;
use crate::core::sys;

/// The result of an eviction, in bytes of whole pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evicted {
    /// The bytes that were evicted; none if the system does not report residency.
    pub evicted: Option<u64>,
    /// The bytes that are still in memory; none if the system does not report residency.
    pub resident: Option<u64>,
}

/// Evicts the pages that a range touches from memory, as far as no data is lost. Dirty pages are
/// written to their file first. Private pages stay, or move to the swap space. Locked pages stay.
pub fn evict(mapping: &Mapping, offset: u64, length: u64, token: &CancelToken) -> Result<Evicted> {
    let mut result = Evicted {
        evicted: Some(0),
        resident: Some(0),
    };
    in_steps(mapping, offset, length, token, |offset, step| {
        let before = resident_bytes(mapping, offset, step)?;
        evict_step(mapping, offset, step)?;
        let after = resident_bytes(mapping, offset, step)?;
        let evicted = before
            .zip(after)
            .map(|(before, after)| before.saturating_sub(after));
        result.evicted = result.evicted.zip(evicted).map(|(sum, bytes)| sum + bytes);
        result.resident = result.resident.zip(after).map(|(sum, bytes)| sum + bytes);
        Ok(())
    })
    .map_err(|error| error.at(mapping.name()))?;
    Ok(result)
}

fn evict_step(mapping: &Mapping, offset: u64, length: u64) -> Result<()> {
    let Some(region) = mapping.region()? else {
        return Ok(());
    };
    let disk = region.file().filter(|file| !file.is_volatile());
    // Pages whose contents could not be written must not be evicted. This fails for such pages.
    flush::flush(mapping, Level::Data, offset, length)?;
    if let Some(file) = disk.as_ref().filter(|_| !mapping.mode().writes_file()) {
        // Other mappings or processes may have written to the file.
        let _exclusive = file.flushes().begin();
        sys::write_back(file.fd(), mapping.offset() + offset, length)
            .map_err(Error::from)
            .inspect_err(|error| flush::note_damage(file, error))?;
    }
    let _held = region.hold()?;
    for (start, span) in mapping.locked_ranges.unlocked(&region, offset, length) {
        evict_pages(&region, disk.as_ref(), start, span)?;
    }
    Ok(())
}

/// Evicts pages of a region that the caller holds. None of the pages is locked, and pages of a file
/// on a disk are clean.
fn evict_pages(
    region: &Region,
    disk: Option<&Arc<SharedFile>>,
    start: usize,
    span: usize,
) -> Result<()> {
    let slot = region.slot();
    let position = slot.file_offset(start);
    if let (Some(file), PageKind::SharedFile) = (disk, slot.kind()) {
        // SAFETY: the pages belong to the region, which the caller holds. They are shared and
        // clean.
        return Ok(unsafe { sys::evict_shared(start, span, file.fd(), position) }?);
    }
    // SAFETY: the pages belong to the region, which the caller holds.
    match unsafe { sys::page_out(start, span) } {
        // The system cannot evict them. The result reports how many stayed.
        Err(error) if error.errno() == Some(sys::ENOSYS) => {}
        result => result?,
    }
    disk.map_or(Ok(()), |file| {
        Ok(sys::drop_cache(file.fd(), position, span as u64)?)
    })
}

/// Releases the whole pages inside a range that was read and will not be needed soon. Has no effect
/// on memory without a file, and in mode `c`, where pages hold private stores.
pub fn release(mapping: &Mapping, offset: u64, length: u64) -> Result<()> {
    mapping.check_range(offset, length)?;
    let Some(region) = mapping.region()? else {
        return Ok(());
    };
    let _held = region.hold()?;
    let Some(file) = region
        .file()
        .filter(|_| mapping.mode() != Mode::CopyOnWrite)
    else {
        return Ok(());
    };
    let page = region.page_size();
    let address = region.address() + offset as usize;
    let start = address.next_multiple_of(page);
    let end = (address + length as usize) / page * page;
    if start >= end {
        return Ok(());
    }
    let (offset, length) = ((start - region.address()) as u64, (end - start) as u64);
    for (start, span) in mapping.locked_ranges.unlocked(&region, offset, length) {
        let position = region.slot().file_offset(start);
        // SAFETY: the pages lie wholly in the range, and the region is held. Private contents exist
        // only in a mapping for reading that was stored into by mistake; shared pages have none.
        unsafe { sys::release_pages(start, span, file.fd(), position) }?;
    }
    Ok(())
}
