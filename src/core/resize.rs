//! Growing and shrinking: a file and its mapping together, or a mapping after its file.
//!
//! Growing never moves what somebody looks at. A mapping has room behind its end if that was
//! asked for: its region then reaches beyond the end of the file, and the pages there are the
//! file's as soon as it has them. Without room it gets another region; the one before shows the
//! same file at its old addresses for as long as views are on it.

use std::sync::Arc;

use super::error::{Error, Result};
use super::file::allocate;
use super::file::shared_file::SharedFile;
use super::mapping::advice;
use super::mapping::mapping::Mapping;
use super::mapping::mode::Mode;
use super::mapping::region::Region;
use super::open::{Backing, FileBacking, RegionRequest};
use super::residency::advise;
use super::sys::file_kind::Kind;
use super::sys::{self, PageAccess};

/// Makes the file `size` bytes long, and lets the mapping reach to its end; the new length of the
/// mapping. New bytes are zeros with blocks under them. On failure all is as it was.
pub fn resize(mapping: &Mapping, size: u64) -> Result<u64> {
    resize_to(mapping, size).map_err(|error| error.at(mapping.name()))
}

fn resize_to(mapping: &Mapping, size: u64) -> Result<u64> {
    let _one_at_a_time = mapping.begin_resizing();
    let file = mapping.file()?;
    let Some(length) = size.checked_sub(mapping.offset()) else {
        let message = format!(
            "The mapping begins at byte {} of its file, which can't be made {size} bytes long",
            mapping.offset()
        );
        return Err(Error::rule("ERR_OUT_OF_RANGE", message));
    };
    if !mapping.mode().writes_file() {
        return Err(mapping.read_only("The size of its file can't be changed"));
    }
    match file {
        None => resize_anonymous(mapping, length)?,
        Some(file) => resize_file(mapping, &file, size, length)?,
    }
    mapping.want_whole_file();
    Ok(length)
}

fn resize_file(mapping: &Mapping, file: &SharedFile, size: u64, length: u64) -> Result<()> {
    let status = sys::fstat(file.fd())?;
    if status.kind != Kind::Regular {
        let name = status.kind.name();
        return Err(Error::not_mappable(
            name,
            format!("A {name} has the size that it has: it can't be resized"),
        ));
    }
    if size >= status.size {
        allocate::extend(file, status.size, size)?;
        return reach(mapping, length).inspect_err(|_| {
            // As it was. Giving back what was just added can't fail for want of space.
            let _ = sys::truncate(file.fd(), status.size);
        });
    }
    // Before the bytes go nobody may begin to use them any more.
    let before = mapping.length();
    if length < before {
        mapping.set_length(length);
    }
    cut(mapping, file, size).inspect_err(|_| mapping.set_length(before))?;
    reach(mapping, length)
}

/// Makes the file shorter, with none of its pages mapped where the system wants that.
fn cut(mapping: &Mapping, file: &SharedFile, size: u64) -> Result<()> {
    let regions = mapping.regions();
    let holds = regions
        .iter()
        .map(|region| region.hold())
        .collect::<Result<Vec<_>>>()?;
    let released = regions
        .iter()
        .map(|region| region.raw().release_views())
        .collect::<std::result::Result<Vec<_>, sys::SysError>>()?;
    sys::truncate(file.fd(), size)?;
    let kept = size.saturating_sub(mapping.offset()) as usize;
    for (region, released) in regions.iter().zip(released) {
        let length = if kept == 0 {
            0
        } else {
            region.offset_in_page() + kept
        };
        released.remap(length)?;
    }
    drop(holds);
    Ok(())
}

fn resize_anonymous(mapping: &Mapping, length: u64) -> Result<()> {
    let before = mapping.length();
    reach(mapping, length)?;
    // Bytes that come back later are to be zeros.
    if let Some(region) = mapping.region()?.filter(|_| length < before) {
        let (start, span) = region.all_pages();
        let _held = region.hold()?;
        let end = start + region.offset_in_page() + length as usize;
        let first = end.next_multiple_of(region.page_size());
        // SAFETY: the bytes behind the end are the region's, and nobody's contents any more; the
        // facade has made sure that no view reaches there.
        unsafe {
            let rest = (first - end).min(start + span - end);
            if rest > 0 {
                // protect() may have made them read-only.
                sys::protect_pages(first - region.page_size(), region.page_size(), true)?;
                std::ptr::write_bytes(end as *mut u8, 0, rest);
            }
            if first < start + span {
                sys::free_pages(first, start + span - first)?;
            }
        }
        mapping.reapply_protection(&region)?;
    }
    Ok(())
}

/// Follows the file: as much of what was asked for when it was opened as the file has now. Puts
/// the file's pages back where faults have replaced them. The new length.
pub fn refresh(mapping: &Mapping) -> Result<u64> {
    refresh_now(mapping).map_err(|error| error.at(mapping.name()))
}

fn refresh_now(mapping: &Mapping) -> Result<u64> {
    let _one_at_a_time = mapping.begin_resizing();
    let before = mapping.length();
    let Some(file) = mapping.file()? else {
        return Ok(before);
    };
    let status = sys::fstat(file.fd())?;
    if status.kind != Kind::Regular {
        return Ok(before);
    }
    let there = status.size.saturating_sub(mapping.offset());
    let length = mapping.wanted().map_or(there, |wanted| wanted.min(there));
    if length < before {
        mapping.set_length(length);
    }
    for region in mapping.regions() {
        if region.fault_count() == 0 {
            continue;
        }
        region.repair(access(mapping), mapping.mode() == Mode::CopyOnWrite)?;
        mapping.reapply_protection(&region)?;
        if mapping
            .region()?
            .is_some_and(|now| Arc::ptr_eq(&now, &region))
        {
            mapping.locked_ranges.renew(&region, None)?;
        }
    }
    reach(mapping, length)?;
    if access(mapping) == PageAccess::CopyOnWrite && length > before {
        mapping.catch_up(before)?;
    }
    Ok(length)
}

/// Lets the mapping reach over `length` bytes of what it maps, which has them.
fn reach(mapping: &Mapping, length: u64) -> Result<()> {
    let current = mapping.region()?;
    let room = current.as_ref().map_or(0, |region| region.room() as u64);
    if length > room {
        let region = wider_region(mapping, current.as_deref(), length)?;
        mapping.replace_region(region)?;
    } else if let Some(region) = current.filter(|_| length > 0) {
        region
            .raw()
            .extend_to(region.offset_in_page() + length as usize)?;
    }
    mapping.set_length(length);
    Ok(())
}

/// Another region for a mapping that has outgrown its own.
fn wider_region(mapping: &Mapping, current: Option<&Region>, length: u64) -> Result<Region> {
    let moves_bytes = mapping.mode() == Mode::CopyOnWrite || mapping.file()?.is_none();
    if let Some(current) = current.filter(|_| moves_bytes)
        && (current.views() > 0 || mapping.mode() == Mode::CopyOnWrite)
    {
        return Err(no_room(current.room(), length));
    }
    // Who grows once grows again: each region has room for as much once more.
    let region = make_region(mapping, length, length.saturating_mul(2))
        .or_else(|_| make_region(mapping, length, length))?;
    if let Some(current) = current.filter(|_| moves_bytes) {
        let _held = current.hold()?;
        // SAFETY: both regions are mapped, the new one is longer and known to nobody else.
        unsafe {
            std::ptr::copy_nonoverlapping(
                current.address() as *const u8,
                region.address() as *mut u8,
                current.length(),
            );
        }
    }
    let options = mapping.options();
    if options.transparent_huge {
        advise::advise_all(mapping, &region, advice::advice("hugepage")?)?;
    }
    if let Some(advice) = options.advice {
        advise::advise_all(mapping, &region, advice)?;
    }
    mapping.reapply_protection(&region)?;
    mapping.locked_ranges.renew(&region, current)?;
    Ok(region)
}

fn make_region(mapping: &Mapping, length: u64, room: u64) -> Result<Region> {
    let too_long = |_| Error::system(sys::ENOMEM, "mmap");
    let request = RegionRequest {
        length: usize::try_from(length).map_err(too_long)?,
        room: usize::try_from(room).map_err(too_long)?,
        id: mapping.registration().id,
        name: mapping.name(),
    };
    let backing = match mapping.file()? {
        // `resize` and `refresh` let only regular files grow.
        Some(file) => Backing::File(FileBacking {
            file,
            kind: Kind::Regular,
            offset: mapping.offset(),
            access: access(mapping),
        }),
        None => Backing::Anonymous,
    };
    backing.map(&request, mapping.options())
}

/// How the pages of a mapping may be used.
#[must_use]
pub fn access(mapping: &Mapping) -> PageAccess {
    mapping.mode().access(mapping.is_strict())
}

fn no_room(room: usize, length: u64) -> Error {
    Error::rule(
        "ERR_MEMMAP_ADDRESS_SPACE",
        format!(
            "The mapping has room for {room} bytes where it is, and {length} are needed; its \
             contents are private, so it can't go elsewhere without its views: open it with the \
             option reserve, as large as it may ever be"
        ),
    )
}

#[cfg(test)]
mod tests;
