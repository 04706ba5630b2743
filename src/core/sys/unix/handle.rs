//! Descriptors, under the names that they have in the rest of core.

use std::os::fd::{AsFd, AsRawFd};

use crate::core::sys::types::RawHandle;

/// An owned open file, closed when dropped.
pub use std::os::fd::OwnedFd as Handle;

/// The number that stands for no open file.
pub const NO_HANDLE: RawHandle = -1;

/// Returns the number of an open file.
pub fn raw(of: &impl AsFd) -> RawHandle {
    of.as_fd().as_raw_fd()
}
