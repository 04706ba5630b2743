//! Descriptors, by the names that they have in the rest of core.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};

/// An open file as the system numbers it.
pub type RawHandle = RawFd;

/// An open file of our own, closed when it is dropped.
pub use std::os::fd::OwnedFd as Handle;

/// No open file.
pub const NO_HANDLE: RawHandle = -1;

/// The number of an open file.
pub fn raw(of: &impl AsFd) -> RawHandle {
    of.as_fd().as_raw_fd()
}

/// The number of an error of the standard library.
#[must_use]
pub fn errno_of(error: &io::Error) -> i32 {
    // What a library refuses by itself has no number.
    error.raw_os_error().unwrap_or(libc::EINVAL)
}

/// The system's text for a number.
#[must_use]
pub fn error_text(errno: i32) -> String {
    io::Error::from_raw_os_error(errno).to_string()
}

/// What there is to say about an error beside its number: nothing here.
#[must_use]
pub fn hint_of(_: &io::Error) -> Option<String> {
    None
}

/// The descriptor by which JavaScript knows an open file: the same.
#[allow(clippy::unnecessary_wraps, reason = "other systems may fail")]
pub fn descriptor_of(file: &impl AsFd) -> crate::core::Result<i32> {
    Ok(raw(file))
}

/// There is none to close beside the file itself.
pub fn close_descriptor(_: i32) {}
