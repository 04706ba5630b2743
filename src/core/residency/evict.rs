//! Letting pages go: out of memory, with nothing lost.

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

/// What came of it, in bytes of whole pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evicted {
    /// That went; none if the system does not tell.
    pub evicted: Option<u64>,
    /// That are still there; none if the system does not tell.
    pub resident: Option<u64>,
}

/// Takes the pages that a range touches out of memory, as far as that can be without losing
/// anything: what is dirty is written to its file first, what is private stays or goes to the
/// swap space, what is locked stays.
pub fn evict(mapping: &Mapping, offset: u64, length: u64, token: &CancelToken) -> Result<Evicted> {
    let mut result = Evicted {
        evicted: Some(0),
        resident: Some(0),
    };
    in_steps(mapping, offset, length, token, |at, step| {
        let before = resident_bytes(mapping, at, step)?;
        evict_step(mapping, at, step)?;
        let after = resident_bytes(mapping, at, step)?;
        let went = before
            .zip(after)
            .map(|(before, after)| before.saturating_sub(after));
        result.evicted = result.evicted.zip(went).map(|(sum, bytes)| sum + bytes);
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
    // What can't be written, now or earlier, must not be let go of.
    flush::flush(mapping, Level::Data, offset, length)?;
    if let Some(file) = disk.as_ref().filter(|_| !mapping.mode().writes_file()) {
        // Others may have written to it.
        let _turn = file.flushes().begin();
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

/// Lets go of pages of a region that is held: none of them is locked, those of a file on a disk are
/// clean.
fn evict_pages(
    region: &Region,
    disk: Option<&Arc<SharedFile>>,
    start: usize,
    span: usize,
) -> Result<()> {
    let slot = region.slot();
    let position = slot.file_offset(start);
    if let (Some(file), PageKind::SharedFile) = (disk, slot.kind()) {
        // SAFETY: the pages belong to the region, are shared and clean.
        return Ok(unsafe { sys::evict_shared(start, span, file.fd(), position) }?);
    }
    // SAFETY: the pages belong to the region.
    match unsafe { sys::page_out(start, span) } {
        // They can't go; how many stayed is in the result.
        Err(error) if error.errno() == Some(sys::ENOSYS) => {}
        result => result?,
    }
    disk.map_or(Ok(()), |file| {
        Ok(sys::drop_cache(file.fd(), position, span as u64)?)
    })
}

/// Lets go of a range that was read and won't be needed soon. Only whole pages inside it go, and
/// nothing where stores are private and meant to last.
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
        // SAFETY: the pages lie wholly in the range; a mapping for reading has no private
        // contents but stores by mistake, and a shared one has none.
        unsafe { sys::release_pages(start, span, file.fd(), position) }?;
    }
    Ok(())
}
