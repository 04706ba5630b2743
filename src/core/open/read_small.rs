//! Reading a small file instead of mapping it.

use std::cell::RefCell;
use std::path::Path;

use crate::core::sys::file_kind::Kind;
use crate::core::sys::{self, OpenMode};

/// The largest file, in bytes, that is read instead of mapped. Up to this size, reading costs less
/// than the system calls and page faults of a mapping.
pub const SMALL: usize = 64 * 1024;

thread_local! {
    /// A buffer with one byte more than [`SMALL`]. The extra byte shows that a file is larger than
    /// its reported size.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SMALL + 1].into());
}

/// Reads a whole file of at most [`SMALL`] bytes, and passes its contents to `take`. Returns `None`
/// if the file is larger, empty, not a regular file or not readable. [`open`](super::open) reports
/// these cases better.
///
/// A call makes four system calls, each of which costs as much as copying a few KiB. The size comes
/// from the path before opening; reading shows whether the file that was opened has that size.
#[must_use]
pub fn read_small<T>(path: &Path, take: impl FnOnce(&[u8]) -> T) -> Option<T> {
    // The kind is checked before opening, because opening a FIFO wakes a process that waits at its
    // other end.
    let status = sys::stat(path).ok()?;
    let size = usize::try_from(status.size).ok()?;
    if status.kind != Kind::Regular || size == 0 || size > SMALL {
        return None;
    }
    let fd = sys::open(path, OpenMode::Read).ok()?;
    SCRATCH.with_borrow_mut(|scratch| {
        let target = &mut scratch[..=size];
        let mut done = sys::read_at(sys::raw(&fd), target, 0).ok()?;
        // A short read: the file shrank, or the kernel generates its contents and only estimates
        // its size.
        while done < size {
            match sys::read_at(sys::raw(&fd), &mut target[done..], done as u64).ok()? {
                0 => break,
                count => done += count,
            }
        }
        (done <= size).then(|| take(&target[..done]))
    })
}
