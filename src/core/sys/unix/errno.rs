//! Error numbers, and the errors of the calls that set them.

use std::io;

use crate::core::sys::error::SysError;

/// The error numbers that core handles.
pub use libc::{
    EACCES, EAGAIN, EBADF, EDEADLK, EDQUOT, EEXIST, EFAULT, EFBIG, EINTR, EINVAL, EIO, EISDIR,
    ELOOP, EMFILE, ENODEV, ENOENT, ENOLCK, ENOMEM, ENOSPC, ENOSYS, ENXIO, EOPNOTSUPP, EPERM, EROFS,
    ETXTBSY,
};

/// The memory has a hardware error. Only Linux reports this.
#[cfg(target_os = "linux")]
pub use libc::EHWPOISON;
/// The memory has a hardware error, which this system does not report.
#[cfg(not(target_os = "linux"))]
pub const EHWPOISON: i32 = i32::MAX;

impl SysError {
    /// Returns the last error of the calling thread, as the result of `syscall`.
    #[must_use]
    pub fn last(syscall: &'static str) -> Self {
        Self::from_io(&io::Error::last_os_error(), syscall)
    }

    /// Returns an error of the standard library, as the result of `syscall`.
    #[must_use]
    pub fn from_io(error: &io::Error, syscall: &'static str) -> Self {
        Self::new(errno_of(error), syscall)
    }
}

/// Returns the number of an error of the standard library.
#[must_use]
pub fn errno_of(error: &io::Error) -> i32 {
    // An error of the standard library itself has no number.
    error.raw_os_error().unwrap_or(libc::EINVAL)
}

/// Returns the system's text for an error number.
#[must_use]
pub fn error_text(errno: i32) -> String {
    io::Error::from_raw_os_error(errno).to_string()
}

/// Returns the C library's `errno` of this thread.
#[must_use]
pub fn last_errno() -> i32 {
    // SAFETY: the pointer is to this thread's own errno.
    unsafe { *errno_location() }
}

/// Sets this thread's `errno`. A signal handler must restore the value that it found.
pub fn set_errno(value: i32) {
    // SAFETY: the pointer is to this thread's own errno.
    unsafe { *errno_location() = value }
}

#[cfg(target_os = "linux")]
unsafe fn errno_location() -> *mut i32 {
    // SAFETY: no preconditions.
    unsafe { libc::__errno_location() }
}

#[cfg(not(target_os = "linux"))]
unsafe fn errno_location() -> *mut i32 {
    // SAFETY: no preconditions.
    unsafe { libc::__error() }
}
