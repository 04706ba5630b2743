//! Growing and shrinking: a file together with its mapping, or a mapping that follows its file.
//!
//! Growing never moves bytes that a view shows. With the option `reserve`, the region of a mapping
//! extends beyond the end of the file, and the pages there show the file as soon as it grows.
//! Without enough reserved address space the mapping gets another region. The old region shows the
//! same file at its old addresses as long as it has views.

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

/// Makes the file `size` bytes long, and extends or shortens the mapping to the end of the file.
/// Returns the new length of the mapping. New bytes are zeros, and disk blocks are allocated for
/// them. A failure leaves the file and the mapping unchanged.
pub fn resize(mapping: &Mapping, size: u64) -> Result<u64> {
    resize_to(mapping, size).map_err(|error| error.at(mapping.name()))
}

fn resize_to(mapping: &Mapping, size: u64) -> Result<u64> {
    let _resizing = mapping.begin_resizing();
    let file = mapping.file()?;
    let Some(length) = size.checked_sub(mapping.offset()) else {
        let message = format!(
            "The mapping begins at offset {} of its file, so the file can't be resized to {size} bytes",
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
            format!("A {name} can't be resized: its size is fixed"),
        ));
    }
    if size >= status.size {
        allocate::extend(file, status.size, size)?;
        return reach(mapping, length).inspect_err(|_| {
            // Restores the old size. Removing the added bytes needs no disk space.
            let _ = sys::truncate(file.fd(), status.size);
        });
    }
    // The mapping is shortened first, so that no operation begins to use the bytes to be removed.
    let before = mapping.length();
    if length < before {
        mapping.set_length(length);
    }
    cut(mapping, file, size).inspect_err(|_| mapping.set_length(before))?;
    reach(mapping, length)
}

/// Makes the file shorter. Unmaps its pages first where the system does not truncate a mapped file.
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
    // If the mapping grows again, the removed bytes must be zeros.
    if let Some(region) = mapping.region()?.filter(|_| length < before) {
        let (start, span) = region.all_pages();
        let _held = region.hold()?;
        let end = start + region.offset_in_page() + length as usize;
        let first = end.next_multiple_of(region.page_size());
        // SAFETY: the bytes after the end belong to the region, which is held, and are no longer
        // part of the mapping; the facade has made sure that no view includes them.
        unsafe {
            let rest = (first - end).min(start + span - end);
            if rest > 0 {
                // The page can be read-only because of protect().
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

/// Adjusts the mapping to the current size of its file, up to the length that was given at opening.
/// Restores the pages of the file where faults have replaced them. Returns the new length.
pub fn refresh(mapping: &Mapping) -> Result<u64> {
    refresh_now(mapping).map_err(|error| error.at(mapping.name()))
}

fn refresh_now(mapping: &Mapping) -> Result<u64> {
    let _resizing = mapping.begin_resizing();
    let before = mapping.length();
    let Some(file) = mapping.file()? else {
        return Ok(before);
    };
    let status = sys::fstat(file.fd())?;
    if status.kind != Kind::Regular {
        return Ok(before);
    }
    let available = status.size.saturating_sub(mapping.offset());
    let length = mapping
        .wanted()
        .map_or(available, |wanted| wanted.min(available));
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

/// Extends or shortens the mapping to `length` bytes, which its file has.
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

/// Maps a larger region for a mapping whose current region has too little address space.
fn wider_region(mapping: &Mapping, current: Option<&Region>, length: u64) -> Result<Region> {
    let moves_bytes = mapping.mode() == Mode::CopyOnWrite || mapping.file()?.is_none();
    if let Some(current) = current.filter(|_| moves_bytes)
        && (current.views() > 0 || mapping.mode() == Mode::CopyOnWrite)
    {
        return Err(no_room(current.room(), length));
    }
    // A mapping that grows once often grows again, so the new region can grow to twice its length.
    let region = make_region(mapping, length, length.saturating_mul(2))
        .or_else(|_| make_region(mapping, length, length))?;
    if let Some(current) = current.filter(|_| moves_bytes) {
        let _held = current.hold()?;
        // SAFETY: both regions are mapped: `_held` keeps the current one, and this function owns the
        // new one, which is longer and which no other thread knows yet.
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

/// Returns the access to the pages of a mapping.
#[must_use]
pub fn access(mapping: &Mapping) -> PageAccess {
    mapping.mode().access(mapping.is_strict())
}

fn no_room(room: usize, length: u64) -> Error {
    Error::rule(
        "ERR_MEMMAP_ADDRESS_SPACE",
        format!(
            "The mapping can grow to {room} bytes at its address, and {length} are needed; its \
             contents are private, so they can't move while views show them: open it with the \
             option 'reserve', set to the largest length that it can need"
        ),
    )
}

#[cfg(test)]
mod tests;
