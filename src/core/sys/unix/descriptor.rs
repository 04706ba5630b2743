//! Descriptors that JavaScript gives and gets.

use std::os::fd::{AsFd, FromRawFd, OwnedFd};

use super::handle::raw;
use crate::core::sys::error::{Result, SysError};

/// Duplicates a descriptor of somebody else, close-on-exec.
pub fn duplicate(fd: i32) -> Result<OwnedFd> {
    // SAFETY: fcntl answers a bad descriptor with an error.
    let copy = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) };
    if copy < 0 {
        // `fs` says fstat for a bad descriptor handed to it; dup is what we did.
        return Err(SysError::last("dup"));
    }
    // SAFETY: the descriptor is new and ours alone.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// The descriptor by which JavaScript knows an open file: the same.
#[allow(clippy::unnecessary_wraps, reason = "other systems may fail")]
pub fn descriptor_of(file: &impl AsFd) -> Result<i32> {
    Ok(raw(file))
}

/// There is none to close beside the file itself.
pub fn close_descriptor(_: i32) {}
