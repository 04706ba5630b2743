//! Making files longer with blocks under every byte.
//!
//! A page without a block is a fault when the disk is full, so blocks are allocated before the
//! bytes are mapped. Where that fails the file is as it was.

use crate::core::error::{Error, Result};
use crate::core::file::shared_file::SharedFile;
use crate::core::limits;
use crate::core::sys;

/// Zeros written at a time where the file system can't allocate without writing.
const ZEROS: usize = 1 << 20;

/// Makes the file at least `to` bytes long, from `from`, with blocks for all of `0..to`: what is
/// added, and holes that it has. On failure it has `from` bytes again, and what it held.
pub fn grow(file: &SharedFile, from: u64, to: u64) -> Result<()> {
    allocate(file, 0, from, to)
}

/// Makes the file `to` bytes long, from `from`, with blocks for what is added. On failure it has
/// `from` bytes again.
pub fn extend(file: &SharedFile, from: u64, to: u64) -> Result<()> {
    allocate(file, from, from, to)
}

/// Blocks for `start..to` of a file of `from` bytes.
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
            // ext4 keeps what it got before it ran out. Truncating frees blocks, so it can't fail
            // for want of space; if it fails all the same, the first error is the one to report.
            let _ = sys::truncate(file.fd(), from);
        }
        explain(error, from, to)
    })
}

/// Whether the disk can't have what is to be added. Trying all the same would take the last block
/// from everybody else, for as long as it takes to find out.
fn exceeds_free_space(file: &SharedFile, from: u64, to: u64) -> bool {
    let known = from.saturating_add(sys::allocated_bytes(file.fd()));
    sys::free_space(file.fd()).is_some_and(|free| to > known.saturating_add(free))
}

/// The error for what is hopeless: a file may have a limit of its own, which one block tells.
fn refusal(file: &SharedFile, to: u64) -> Result<()> {
    match sys::allocate(file.fd(), to - 1, 1) {
        Err(error) if error.errno() != Some(sys::EOPNOTSUPP) => Err(error.into()),
        _ => Err(Error::system(sys::ENOSPC, "fallocate")),
    }
}

/// Makes the file `size` zero bytes with blocks under all of them, whatever it held. All blocks
/// are found before the old contents go, so a full disk loses nothing.
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
    let mut at = from;
    while at < to {
        let count = (to - at).min(ZEROS as u64);
        // SAFETY: the source is a vector of at least as many bytes.
        unsafe { sys::write_at(file.fd(), zeros.as_ptr(), count as usize, at) }?;
        at += count;
    }
    Ok(())
}

fn explain(error: Error, from: u64, to: u64) -> Error {
    if error.errno() == Some(sys::ENOSPC) {
        return error.because(format!(
            "the disk has no room for all {to} bytes of 'size'; the file has its {from} bytes as before"
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
    fn growing_keeps_the_contents_and_adds_zeros_on_blocks() {
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
    fn writing_zeros_does_the_same_where_allocating_is_unknown() {
        let dir = tempfile::tempdir().unwrap();
        let (shared, path) = file(&dir, b"abc");
        write_zeros(&shared, 3, 3_000_000).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!((&bytes[..3], bytes.len()), (&b"abc"[..], 3_000_000));
    }

    #[test]
    fn starting_over_leaves_zeros_only() {
        let dir = tempfile::tempdir().unwrap();
        let (shared, path) = file(&dir, &[7; 10_000]);
        overwrite_with_zeros(&shared, 10_000, 5000).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), vec![0; 5000]);
    }

    #[test]
    fn what_the_disk_can_not_have_is_not_even_tried() {
        let dir = tempfile::tempdir().unwrap();
        let (shared, path) = file(&dir, b"abc");
        let free = sys::free_space(shared.fd()).unwrap();
        assert!(!exceeds_free_space(&shared, 3, 100));
        assert!(exceeds_free_space(&shared, 3, 2 * free + (1 << 30)));
        assert!(grow(&shared, 3, 2 * free + (1 << 30)).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"abc");
    }

    #[test]
    fn a_size_that_no_file_can_have_leaves_the_file_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let (shared, path) = file(&dir, b"abc");
        assert!(grow(&shared, 3, 1 << 62).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"abc");
    }
}
