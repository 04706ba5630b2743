//! Handles of open files.

use std::os::windows::io::{AsHandle, AsRawHandle, FromRawHandle, OwnedHandle};

use windows_sys::Win32::Foundation::{HANDLE, INVALID_HANDLE_VALUE};

use crate::core::sys::error::{Result, SysError};
use crate::core::sys::types::RawHandle;

/// A handle of our own, closed when it is dropped.
pub use std::os::windows::io::OwnedHandle as Handle;

/// No handle.
pub const NO_HANDLE: RawHandle = -1;

/// The number of a handle.
pub fn raw(of: &impl AsHandle) -> RawHandle {
    of.as_handle().as_raw_handle() as RawHandle
}

/// A number as the system takes it.
pub(super) fn as_pointer(handle: RawHandle) -> HANDLE {
    handle as HANDLE
}

/// A new handle as one that closes itself; an error where the call gave none.
pub(super) fn own_handle(handle: HANDLE, syscall: &'static str) -> Result<OwnedHandle> {
    if handle.is_null() || handle == INVALID_HANDLE_VALUE {
        return Err(SysError::last(syscall));
    }
    // SAFETY: the handle is new and ours alone.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}
