//! The seam to the operating system: the only place with system calls, one folder per family.
//! Each family offers the same functions; what it can't do it answers with an error.

use std::fs::File;
use std::path::Path;

pub mod file_kind;
mod types;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

pub use types::*;
#[cfg(unix)]
pub use unix::*;
#[cfg(windows)]
pub use windows::*;

/// Whether the file at `path` is the one that is open as `file`.
#[must_use]
pub fn is_at(path: &Path, file: &File) -> bool {
    match (stat(path), fstat(raw(file))) {
        (Ok(a), Ok(b)) => a.device == b.device && a.inode == b.inode,
        _ => false,
    }
}

/// Removes the file at `path` if it still is the one that is open as `file`: undoes a creation.
pub fn remove_if_same(path: &Path, file: &File) {
    if is_at(path, file) {
        // A failure leaves an empty file behind, which harms nobody.
        let _ = std::fs::remove_file(path);
    }
}
