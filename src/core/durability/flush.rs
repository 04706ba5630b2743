//! Flushing: bytes become durable, or an error reports that they did not.
//!
//! After a failed flush the kernel marks the pages as clean. The next flush would succeed although
//! the bytes are lost. Besides, the kernel reports a failure once for each open file, to the first
//! flush that follows. Therefore the flushes of an open file run one after another, and all flushes
//! after a failed one fail ([`SharedFile::damage`]).
//!
//! `msync(2)`: <https://man7.org/linux/man-pages/man2/msync.2.html>

use crate::core::error::{Error, Result};
use crate::core::file::flush_level::{Achieved, Flushed, Level};
use crate::core::file::shared_file::SharedFile;
use crate::core::mapping::mapping::Mapping;
use crate::core::mapping::region::Region;
use crate::core::sys::{self, Reached};

/// Flushes a range on the calling thread. Waits for the disk, and for flushes of the same file that
/// are running.
pub fn flush(mapping: &Mapping, level: Level, offset: u64, length: u64) -> Result<Flushed> {
    let achieved = flush_range(mapping, level, offset, length);
    achieved
        .map(|achieved| Flushed {
            bytes: if achieved == Achieved::None {
                0
            } else {
                length
            },
            achieved,
        })
        .map_err(|error| error.at(mapping.name()))
}

/// Reports whether a flush of `length` bytes has anything to write.
pub(super) fn writes(mapping: &Mapping, level: Level, length: u64) -> bool {
    mapping.mode().writes_file() && (length > 0 || level == Level::All)
}

fn flush_range(mapping: &Mapping, level: Level, offset: u64, length: u64) -> Result<Achieved> {
    mapping.check_range(offset, length)?;
    let region = mapping.region()?;
    let _held = region.as_ref().map(|region| region.hold()).transpose()?;
    if let Some(region) = region.as_ref().filter(|_| mapping.fault_count() > 0) {
        return Err(mapping.fault_error(region));
    }
    let Some(file) = mapping.file()? else {
        return Ok(Achieved::None);
    };
    // This is checked again below, because another flush may fail while this one waits.
    file.check_damage()?;
    if !writes(mapping, level, length) {
        return Ok(Achieved::None);
    }
    // Bytes after the end of a truncated file cannot become durable.
    mapping.check_file_covers(offset, length)?;
    // Without a region the mapping has no bytes.
    let pages = region.as_deref().filter(|_| length > 0);
    let pages = pages.map(|region| (region, offset as usize, length as usize));
    if level == Level::Schedule {
        return pages.map_or(Ok(Achieved::None), |pages| schedule(mapping, &file, pages));
    }
    let _exclusive = file.flushes().begin();
    file.check_damage()?;
    let reached =
        write_out(pages, &file, level.here()).inspect_err(|error| note_damage(&file, error))?;
    Ok(match (reached, level) {
        _ if file.is_volatile() => Achieved::Volatile,
        (Reached::Media, Level::All) => Achieved::All,
        (Reached::Media, _) => Achieved::Data,
        (Reached::Barrier, _) => Achieved::Barrier,
        (Reached::Drive, _) => Achieved::Fsync,
    })
}

/// A range of a region: its offset and length in bytes.
type RegionRange<'a> = (&'a Region, usize, usize);

fn schedule(mapping: &Mapping, file: &SharedFile, range: RegionRange<'_>) -> Result<Achieved> {
    let (region, offset, length) = range;
    if file.is_volatile() {
        return Ok(Achieved::Volatile);
    }
    let (address, span) = region.pages_of(offset, length);
    let before = region.address() + offset - address;
    let first = mapping.offset() + offset as u64 - before as u64;
    // SAFETY: the pages around a range of a region belong to that region, which is held.
    unsafe { sys::start_writing(file.fd(), first, address, span) }
        .map_err(Error::from)
        .inspect_err(|error| note_damage(file, error))?;
    Ok(Achieved::Schedule)
}

fn write_out(range: Option<RegionRange<'_>>, file: &SharedFile, level: Level) -> Result<Reached> {
    if let Some(range) = range {
        sync_pages(range)?;
    }
    match level {
        Level::All => Ok(sys::sync_all(file.fd())?.min(file.sync_name()?)),
        Level::Barrier => Ok(sys::sync_barrier(file.fd())?),
        _ => Ok(sys::sync_drive(file.fd())?),
    }
}

fn sync_pages((region, offset, length): RegionRange<'_>) -> Result<()> {
    loop {
        match region.raw().flush(region.offset_in_page() + offset, length) {
            // On a file system in user space, a signal can interrupt the call.
            Err(error) if error.errno() == Some(sys::EINTR) => {}
            result => return Ok(result?),
        }
    }
}

/// Records an error after which bytes may be lost. Disks fail with more errors than EIO, ENOSPC and
/// EDQUOT. Therefore all errors count except those with which the system refuses the call.
pub(in crate::core) fn note_damage(file: &SharedFile, error: &Error) {
    let Error::System { errno, syscall, .. } = error else {
        return;
    };
    let is_refusal = matches!(
        *errno,
        sys::EINVAL | sys::EBADF | sys::ENOSYS | sys::EOPNOTSUPP | sys::ENOMEM
    );
    if !is_refusal && *syscall != "open" {
        file.damage(*errno);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::mapping::mode::Mode;
    use crate::core::open::{Request, Source, open};
    use std::path::Path;

    fn map(path: &Path, mode: Mode) -> Mapping {
        let mut request = Request::new(Source::Path(path.to_owned()), mode);
        request.size = (mode == Mode::CreateNew).then_some(10_000);
        open(request).unwrap()
    }

    #[test]
    fn every_level_flushes_every_range() {
        let dir = tempfile::tempdir().unwrap();
        let mapping = map(&dir.path().join("f"), Mode::CreateNew);
        for level in [Level::Schedule, Level::Barrier, Level::Data, Level::All] {
            for (offset, length) in [(0, 10_000), (4097, 2), (9_999, 1)] {
                let flushed = flush(&mapping, level, offset, length).unwrap();
                assert_eq!(flushed.bytes, length);
                assert_ne!(flushed.achieved, Achieved::None);
            }
            assert!(flush(&mapping, level, 9_999, 2).is_err());
        }
    }

    #[test]
    fn a_failed_flush_is_reported_by_every_mapping_of_the_file_until_all_are_closed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let first = map(&path, Mode::CreateNew);
        let reader = map(&path, Mode::Read);
        let file = first.region().unwrap().unwrap().file().unwrap();
        note_damage(&file, &Error::system(sys::ENOMEM, "msync"));
        note_damage(&file, &Error::system(sys::EIO, "open"));
        assert!(flush(&first, Level::Data, 0, 1).is_ok());
        note_damage(&file, &Error::system(sys::EIO, "msync"));
        drop(file);
        let later = map(&path, Mode::ReadWrite);
        for mapping in [&first, &reader, &later] {
            for level in [Level::Schedule, Level::Barrier, Level::Data, Level::All] {
                let error = flush(mapping, level, 0, 1).unwrap_err();
                assert!(
                    error.to_string().contains("ERR_MEMMAP_FLUSH_LOST"),
                    "{error}"
                );
            }
        }
        drop((first, later));
        assert!(flush(&reader, Level::Data, 0, 1).is_err());
        drop(reader);
        assert!(flush(&map(&path, Mode::ReadWrite), Level::Data, 0, 1).is_ok());
    }

    #[test]
    fn a_flush_of_private_memory_does_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, "abc").unwrap();
        for level in [Level::Schedule, Level::All] {
            let flushed = flush(&map(&path, Mode::CopyOnWrite), level, 0, 3).unwrap();
            assert_eq!((flushed.bytes, flushed.achieved), (0, Achieved::None));
        }
    }
}
