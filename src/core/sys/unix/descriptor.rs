//! Descriptors that JavaScript passes in and receives.

use std::os::fd::{AsFd, FromRawFd, OwnedFd};

use super::handle::raw;
use crate::core::sys::error::{Result, SysError};

/// Duplicates a descriptor that the caller does not own. The copy is closed on exec.
pub fn duplicate(fd: i32) -> Result<OwnedFd> {
    // SAFETY: fcntl answers a bad descriptor with an error.
    let copy = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) };
    if copy < 0 {
        // Node's `fs` reports fstat for a bad descriptor; the failed call here is dup.
        return Err(SysError::last("dup"));
    }
    // SAFETY: the descriptor is new, and nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Returns the descriptor of an open file for JavaScript, which is its own number here.
#[allow(clippy::unnecessary_wraps, reason = "other systems may fail")]
pub fn descriptor_of(file: &impl AsFd) -> Result<i32> {
    Ok(raw(file))
}

/// Does nothing: [`descriptor_of`] created no descriptor of its own.
pub fn close_descriptor(_: i32) {}
