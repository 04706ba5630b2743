//! Compares paths with open files.

use std::fs::File;
use std::path::Path;

use super::{fstat, raw, stat};

/// Whether the file at `path` is the one that is open as `file`.
#[must_use]
pub fn is_same_file(path: &Path, file: &File) -> bool {
    match (stat(path), fstat(raw(file))) {
        (Ok(a), Ok(b)) => a.device == b.device && a.inode == b.inode,
        _ => false,
    }
}

/// Removes the file at `path` if it still is the one that is open as `file`: undoes a creation.
pub fn remove_if_same_file(path: &Path, file: &File) {
    if is_same_file(path, file) {
        // A failure leaves an empty file behind, which harms nobody.
        let _ = std::fs::remove_file(path);
    }
}
