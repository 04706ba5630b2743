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
use super::mapping::map_region::{Anonymous, FileRange};
use super::mapping::mapping::Mapping;
use super::mapping::mode::Mode;
use super::mapping::region::Region;
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
    let length = usize::try_from(length).map_err(too_long)?;
    let room = usize::try_from(room).map_err(too_long)?;
    let options = mapping.options();
    let id = mapping.registration().id;
    super::fault::handler::install_guard()?;
    match mapping.file()? {
        Some(file) => {
            let range = FileRange {
                file,
                offset: mapping.offset(),
                length,
                room,
                access: access(mapping),
                no_reserve: options.no_reserve,
            };
            Region::of_file(&range, id, options.abort, mapping.name())
        }
        None => Region::anonymous(
            &Anonymous {
                length,
                room,
                no_reserve: options.no_reserve,
                huge: options.huge,
                transparent_huge: options.transparent_huge,
                abort: options.abort,
            },
            id,
        ),
    }
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
mod tests {
    use std::io::Write;

    use super::*;
    use crate::core::durability::flush::flush;
    use crate::core::file::flush_level::Level;
    use crate::core::mapping::registry::Description;
    use crate::core::open::{Request, Source, anonymous, open};

    fn at(path: &std::path::Path, mode: Mode, change: impl FnOnce(&mut Request)) -> Mapping {
        let mut request = Request::new(Source::Path(path.into()), mode);
        change(&mut request);
        open(request).unwrap()
    }

    fn bytes(mapping: &Mapping) -> Vec<u8> {
        mapping
            .with_bytes(0, mapping.length(), <[u8]>::to_vec)
            .unwrap()
    }

    fn put(mapping: &Mapping, offset: u64, bytes: &[u8]) {
        // SAFETY: a slice is readable.
        unsafe { mapping.write(offset, bytes.as_ptr(), bytes.len()) }.unwrap();
    }

    fn is(error: &Error, wanted: &str) -> bool {
        matches!(error, Error::Rule { code, .. } if *code == wanted)
    }

    fn address(mapping: &Mapping) -> usize {
        mapping.region().unwrap().unwrap().address()
    }

    #[test]
    fn within_its_room_a_mapping_grows_and_shrinks_where_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let mapping = at(&path, Mode::Write, |r| r.reserve = 1 << 40);
        assert_eq!(mapping.length(), 0);
        let before = address(&mapping);
        for size in [1, 4096, 100_000, 5000, 0, 3_000_000] {
            let old = mapping.length();
            assert_eq!(resize(&mapping, size).unwrap(), size);
            assert_eq!(std::fs::metadata(&path).unwrap().len(), size);
            assert_eq!(address(&mapping), before);
            if size > old {
                assert!(bytes(&mapping)[old as usize..].iter().all(|&b| b == 0));
            }
            if size > 0 {
                put(&mapping, 0, &vec![7; size as usize]);
                assert_eq!(std::fs::read(&path).unwrap(), vec![7; size as usize]);
            }
        }
        assert_eq!(mapping.fault_count(), 0);
    }

    #[test]
    fn what_is_added_within_the_last_page_can_be_flushed_and_advised() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        for (room, sizes) in [
            (0, [5, 11, 4096]),
            (5000, [24, 6000, 8192]),
            (0, [24, 5000, 12_000]),
        ] {
            std::fs::write(&path, vec![1; sizes[0]]).unwrap();
            let mapping = at(&path, Mode::ReadWrite, |r| r.reserve = room);
            for size in sizes {
                resize(&mapping, size as u64).unwrap();
                put(&mapping, size as u64 - 1, b"z");
                for level in [Level::Schedule, Level::Barrier, Level::Data, Level::All] {
                    flush(&mapping, level, 0, size as u64).unwrap();
                }
                let advice = advice::advice("willneed").unwrap();
                advise::advise(&mapping, advice, size as u64 - 1, 1).unwrap();
            }
        }
        let memory = Anonymous::of(100);
        let mapping = anonymous(&memory, false, Description::default()).unwrap();
        resize(&mapping, 200).unwrap();
        let advice = advice::advice("willneed").unwrap();
        advise::advise(&mapping, advice, 0, 200).unwrap();
    }

    #[test]
    fn without_room_it_goes_elsewhere_and_both_places_show_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, vec![1; 5000]).unwrap();
        let mapping = at(&path, Mode::ReadWrite, |r| r.offset = 1000);
        let old = mapping.region().unwrap().unwrap();
        resize(&mapping, 1 << 20).unwrap();
        assert_eq!(mapping.length(), (1 << 20) - 1000);
        assert_ne!(old.address(), address(&mapping));
        put(&mapping, 10, b"new");
        // SAFETY: the region is held and mapped.
        let seen = unsafe { std::slice::from_raw_parts((old.address() + 10) as *const u8, 3) };
        assert_eq!(seen, b"new");
        mapping.close().unwrap();
        assert!(old.is_revoked());
    }

    #[test]
    fn memory_without_a_file_keeps_its_contents_and_grows_by_zeros() {
        let memory = |length, room| Anonymous {
            length,
            room,
            ..Anonymous::default()
        };
        for room in [0, 1 << 30] {
            let mapping = anonymous(&memory(5000, room), false, Description::default()).unwrap();
            put(&mapping, 0, &[9; 5000]);
            resize(&mapping, 1 << 20).unwrap();
            let mut expected = vec![9; 5000];
            expected.resize(1 << 20, 0);
            assert_eq!(bytes(&mapping), expected);
            put(&mapping, 0, &vec![8; 1 << 20]);
            resize(&mapping, 4097).unwrap();
            resize(&mapping, 1 << 20).unwrap();
            expected = vec![8; 4097];
            expected.resize(1 << 20, 0);
            assert_eq!(bytes(&mapping), expected);
        }
    }

    #[test]
    fn memory_that_is_looked_at_is_not_moved() {
        let memory = anonymous(&Anonymous::of(4096), false, Description::default()).unwrap();
        memory.region().unwrap().unwrap().add_view();
        let error = resize(&memory, 1 << 20).unwrap_err();
        assert!(is(&error, "ERR_MEMMAP_ADDRESS_SPACE"));
        assert_eq!(memory.length(), 4096);
    }

    #[test]
    fn memory_that_is_read_only_shrinks_and_stays_so() {
        let memory = Anonymous {
            length: 8192,
            room: 1 << 20,
            ..Anonymous::default()
        };
        let mapping = anonymous(&memory, false, Description::default()).unwrap();
        put(&mapping, 0, &[7; 8192]);
        mapping.protect(false, 0, 8192).unwrap();
        resize(&mapping, 5000).unwrap();
        resize(&mapping, 8192).unwrap();
        assert_eq!(mapping.fault_count(), 0);
        assert_eq!(bytes(&mapping)[4999..5001], [7, 0]);
        assert!(mapping.check_writable(8000, 1).is_err());
        mapping.protect(true, 0, 8192).unwrap();
        put(&mapping, 8000, b"x");
    }

    #[test]
    fn it_follows_its_file_as_far_as_was_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, vec![1; 10_000]).unwrap();
        let all = at(&path, Mode::Read, |_| {});
        let part = at(&path, Mode::Read, |r| r.length = Some(6000));
        let other = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        // Windows lets nobody cut a file that is mapped.
        let cuts: &[u64] = if cfg!(unix) { &[100, 0] } else { &[] };
        let sizes = [20_000].into_iter().chain(cuts.iter().copied());
        for size in sizes.chain([50_000]) {
            let expected = size.min(6000);
            other.set_len(size).unwrap();
            assert_eq!(refresh(&all).unwrap(), size);
            assert_eq!(refresh(&part).unwrap(), expected);
            assert_eq!(bytes(&all).len() as u64, size);
        }
    }

    #[test]
    fn a_private_last_page_gets_what_was_added_to_the_file_and_keeps_what_was_stored() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        for (mode, offset, size, is_protected) in [
            (Mode::CopyOnWrite, 0, 24, false),
            (Mode::CopyOnWrite, 3, 5000, false),
            (Mode::CopyOnWrite, 0, 24, true),
            (Mode::Read, 0, 24, true),
        ] {
            std::fs::write(&path, vec![b'a'; size]).unwrap();
            let mapping = at(&path, mode, |r| {
                (r.offset, r.reserve) = (offset, 1 << 20);
            });
            let last = address(&mapping) + mapping.length() as usize - 1;
            // SAFETY: the page is the mapping's, private, and nobody else's.
            unsafe { std::ptr::write(last as *mut u8, b'X') };
            if is_protected && mode != Mode::Read {
                mapping.protect(false, 0, mapping.length()).unwrap();
            }
            let mut file = std::fs::OpenOptions::new()
                .append(true)
                .open(&path)
                .unwrap();
            for count in [3, 10, 5000] {
                let mut expected = bytes(&mapping);
                let added = vec![b'y'; count];
                file.write_all(&added).unwrap();
                expected.extend(added);
                refresh(&mapping).unwrap();
                assert_eq!(bytes(&mapping), expected);
            }
            let last = mapping.check_writable(23, 4);
            assert_eq!(last.is_err(), is_protected, "the last page is as it was");
        }
    }

    #[test]
    #[cfg_attr(
        windows,
        ignore = "wine can't allocate, writes zeros instead and cuts no mapped file afterwards"
    )]
    fn a_file_that_can_not_grow_is_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, b"abc").unwrap();
        let mapping = at(&path, Mode::ReadWrite, |_| {});
        assert!(resize(&mapping, 1 << 62).is_err());
        assert_eq!(
            (mapping.length(), std::fs::read(&path).unwrap()),
            (3, b"abc".to_vec())
        );
        let reader = at(&path, Mode::Read, |_| {});
        let error = resize(&reader, 10).unwrap_err();
        assert!(is(&error, "ERR_MEMMAP_READ_ONLY"));
    }
}
