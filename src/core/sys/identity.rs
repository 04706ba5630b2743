//! Compares paths with open files.

use std::fs::File;
use std::path::Path;

use super::{fstat, raw, stat};

/// Reports whether `path` leads to the open file `file`.
#[must_use]
pub fn is_same_file(path: &Path, file: &File) -> bool {
    match (stat(path), fstat(raw(file))) {
        (Ok(a), Ok(b)) => a.device == b.device && a.inode == b.inode,
        _ => false,
    }
}

/// Removes the file at `path` if that is still the open file `file`. Undoes a creation.
pub fn remove_if_same_file(path: &Path, file: &File) {
    if is_same_file(path, file) {
        // A failure leaves an empty file, which is harmless.
        let _ = std::fs::remove_file(path);
    }
}
