//! Handles of open files.

use std::os::windows::io::{AsHandle, AsRawHandle, FromRawHandle, OwnedHandle};

use windows_sys::Win32::Foundation::{HANDLE, INVALID_HANDLE_VALUE};

use crate::core::sys::error::{Result, SysError};
use crate::core::sys::types::RawHandle;

/// An owned handle, closed when dropped.
pub use std::os::windows::io::OwnedHandle as Handle;

/// The number that stands for no handle.
pub const NO_HANDLE: RawHandle = -1;

/// Returns the number of a handle.
pub fn raw(of: &impl AsHandle) -> RawHandle {
    of.as_handle().as_raw_handle() as RawHandle
}

/// Converts the number of a handle to the type of the system calls.
pub(super) fn as_pointer(handle: RawHandle) -> HANDLE {
    handle as HANDLE
}

/// Takes ownership of a new handle, or returns an error if the call returned none.
pub(super) fn own_handle(handle: HANDLE, syscall: &'static str) -> Result<OwnedHandle> {
    if handle.is_null() || handle == INVALID_HANDLE_VALUE {
        return Err(SysError::last(syscall));
    }
    // SAFETY: the handle is new, and nothing else owns it.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}
