//! Extending files, with disk blocks for every byte.
//!
//! A store into a page without a block faults when the disk is full. Therefore blocks are allocated
//! before the bytes are mapped. If that fails, the file keeps its size and contents.

use crate::core::error::{Error, Result};
use crate::core::file::shared_file::SharedFile;
use crate::core::limits;
use crate::core::sys;

/// The number of zeros per write, in bytes, on file systems that cannot allocate without writing.
const ZEROS: usize = 1 << 20;

/// Extends a file of `from` bytes to at least `to` bytes, and allocates blocks for all of `0..to`,
/// including existing holes. After a failure the file has `from` bytes and its contents.
pub fn grow(file: &SharedFile, from: u64, to: u64) -> Result<()> {
    allocate(file, 0, from, to)
}

/// Extends a file of `from` bytes to `to` bytes, and allocates blocks for the added bytes. After a
/// failure the file has `from` bytes.
pub fn extend(file: &SharedFile, from: u64, to: u64) -> Result<()> {
    allocate(file, from, from, to)
}

/// Allocates blocks for `start..to` of a file of `from` bytes.
fn allocate(file: &SharedFile, start: u64, from: u64, to: u64) -> Result<()> {
    if to <= start {
        return Ok(());
    }
    let result = if exceeds_free_space(file, from, to) {
        refusal(file, to)
    } else {
        match sys::allocate(file.fd(), start, to - start) {
            Err(error) if error.errno() == Some(sys::EOPNOTSUPP) => write_zeros(file, from, to),
            result => result.map_err(Error::from),
        }
    };
    result.map_err(|error| {
        if to > from {
            // ext4 keeps the blocks that it allocated before it failed. Truncating frees blocks, so
            // it needs no space. If it fails for another reason, the first error is reported.
            let _ = sys::truncate(file.fd(), from);
        }
        explain(error, from, to)
    })
}

/// Reports whether the file would need more than the free space of the disk. An attempt to allocate
/// that much would use up the disk for all processes until it fails.
fn exceeds_free_space(file: &SharedFile, from: u64, to: u64) -> bool {
    let known = from.saturating_add(sys::allocated_bytes(file.fd()));
    sys::free_space(file.fd()).is_some_and(|free| to > known.saturating_add(free))
}

/// Returns the error for a size that exceeds the free space. Allocates one block at the end of that
/// size to find out whether another limit applies, such as the greatest size of a file.
fn refusal(file: &SharedFile, to: u64) -> Result<()> {
    match sys::allocate(file.fd(), to - 1, 1) {
        Err(error) if error.errno() != Some(sys::EOPNOTSUPP) => Err(error.into()),
        _ => Err(Error::system(sys::ENOSPC, "fallocate")),
    }
}

/// Makes the file consist of `size` zero bytes with allocated blocks. `old` is its size before. All
/// blocks are allocated before the old contents are discarded, so a full disk loses no data.
pub fn overwrite_with_zeros(file: &SharedFile, old: u64, size: u64) -> Result<()> {
    grow(file, old, size)?;
    if old > size {
        sys::truncate(file.fd(), size)?;
    }
    let kept = old.min(size);
    if kept == 0 {
        return Ok(());
    }
    match sys::zero_start(file.fd(), kept) {
        Err(error) if error.errno() == Some(sys::EOPNOTSUPP) => write_zeros(file, 0, kept),
        result => Ok(result?),
    }
}

fn write_zeros(file: &SharedFile, from: u64, to: u64) -> Result<()> {
    let zeros = vec![0_u8; ZEROS];
    let mut offset = from;
    while offset < to {
        let count = (to - offset).min(ZEROS as u64);
        // SAFETY: the source is a vector of ZEROS bytes, and `count` is at most that.
        unsafe { sys::write_at(file.fd(), zeros.as_ptr(), count as usize, offset) }?;
        offset += count;
    }
    Ok(())
}

fn explain(error: Error, from: u64, to: u64) -> Error {
    if error.errno() == Some(sys::ENOSPC) {
        return error.because(format!(
            "the disk has no space for all {to} bytes of 'size'; the file still has its {from} bytes"
        ));
    }
    limits::explain_size(error, to)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(unix)]
    use std::os::unix::fs::MetadataExt;
    use std::sync::Arc;

    fn file(dir: &tempfile::TempDir, contents: &[u8]) -> (Arc<SharedFile>, std::path::PathBuf) {
        let path = dir.path().join("f");
        std::fs::write(&path, contents).unwrap();
        let fd = sys::open(&path, sys::OpenMode::ReadWrite).unwrap();
        let status = sys::fstat(sys::raw(&fd)).unwrap();
        (SharedFile::share(fd, &status, true), path)
    }

    #[test]
    fn growing_keeps_the_contents_and_adds_zeros_with_blocks() {
        let dir = tempfile::tempdir().unwrap();
        let (shared, path) = file(&dir, b"abc");
        grow(&shared, 3, 100_000).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!((&bytes[..3], bytes.len()), (&b"abc"[..], 100_000));
        assert!(bytes[3..].iter().all(|&b| b == 0));
        #[cfg(unix)]
        assert!(std::fs::metadata(&path).unwrap().blocks() * 512 >= 100_000);
    }

    #[test]
    fn writing_zeros_replaces_allocation_where_it_is_not_supported() {
        let dir = tempfile::tempdir().unwrap();
        let (shared, path) = file(&dir, b"abc");
        write_zeros(&shared, 3, 3_000_000).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!((&bytes[..3], bytes.len()), (&b"abc"[..], 3_000_000));
    }

    #[test]
    fn overwriting_leaves_only_zeros() {
        let dir = tempfile::tempdir().unwrap();
        let (shared, path) = file(&dir, &[7; 10_000]);
        overwrite_with_zeros(&shared, 10_000, 5000).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), vec![0; 5000]);
    }

    #[test]
    fn a_size_beyond_the_free_space_is_refused_without_an_attempt() {
        let dir = tempfile::tempdir().unwrap();
        let (shared, path) = file(&dir, b"abc");
        let free = sys::free_space(shared.fd()).unwrap();
        assert!(!exceeds_free_space(&shared, 3, 100));
        assert!(exceeds_free_space(&shared, 3, 2 * free + (1 << 30)));
        assert!(grow(&shared, 3, 2 * free + (1 << 30)).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"abc");
    }

    #[test]
    fn an_impossible_size_leaves_the_file_unchanged() {
        let dir = tempfile::tempdir().unwrap();
        let (shared, path) = file(&dir, b"abc");
        assert!(grow(&shared, 3, 1 << 62).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"abc");
    }
}
