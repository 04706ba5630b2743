//! Descriptors, by the names that they have in the rest of core.

use std::os::fd::{AsFd, AsRawFd};

use crate::core::sys::types::RawHandle;

/// An open file of our own, closed when it is dropped.
pub use std::os::fd::OwnedFd as Handle;

/// No open file.
pub const NO_HANDLE: RawHandle = -1;

/// The number of an open file.
pub fn raw(of: &impl AsFd) -> RawHandle {
    of.as_fd().as_raw_fd()
}
