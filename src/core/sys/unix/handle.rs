//! Descriptors, by the names that they have in the rest of core.

use std::os::fd::{AsFd, AsRawFd};

use crate::core::sys::error::Result;
use crate::core::sys::types::RawHandle;

/// An open file of our own, closed when it is dropped.
pub use std::os::fd::OwnedFd as Handle;

/// No open file.
pub const NO_HANDLE: RawHandle = -1;

/// The number of an open file.
pub fn raw(of: &impl AsFd) -> RawHandle {
    of.as_fd().as_raw_fd()
}

/// The descriptor by which JavaScript knows an open file: the same.
#[allow(clippy::unnecessary_wraps, reason = "other systems may fail")]
pub fn descriptor_of(file: &impl AsFd) -> Result<i32> {
    Ok(raw(file))
}

/// There is none to close beside the file itself.
pub fn close_descriptor(_: i32) {}
