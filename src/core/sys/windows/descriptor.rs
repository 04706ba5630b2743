//! Descriptors of the C runtime, which stand for handles of open files in JavaScript.

use std::ffi::c_void;
use std::os::windows::io::{AsHandle, AsRawHandle, OwnedHandle};
use std::ptr;

use windows_sys::Win32::Foundation::{
    DUPLICATE_SAME_ACCESS, DuplicateHandle, GENERIC_READ, GENERIC_WRITE, HANDLE,
};
use windows_sys::Win32::Storage::FileSystem::ReOpenFile;
use windows_sys::Win32::System::Threading::GetCurrentProcess;

use super::call::SHARE_ALL;
use super::errno::{EBADF, EMFILE, ENOSYS};
use super::file::{access_of, appends};
use super::handle::{as_pointer, own_handle, raw};
use super::thread::find_symbol;
use crate::core::sys::RawHandle;
use crate::core::sys::error::{Result, SysError};

/// Duplicates the handle behind a descriptor of JavaScript. The C runtime of Node numbers the
/// descriptors, and `uv_get_osfhandle` returns the handle of each.
/// <https://docs.libuv.org/en/v1.x/fs.html#c.uv_get_osfhandle>
pub fn duplicate(fd: i32) -> Result<OwnedHandle> {
    let Some(address) = find_symbol(c"uv_get_osfhandle") else {
        return Err(SysError::new(ENOSYS, "uv_get_osfhandle").because(
            "this runtime does not tell which file a descriptor stands for; map by path",
        ));
    };
    // SAFETY: libuv exports the function with this signature.
    let handle_of: unsafe extern "C" fn(i32) -> HANDLE = unsafe { std::mem::transmute(address) };
    // SAFETY: the function returns INVALID_HANDLE_VALUE or -2 for a bad descriptor.
    let handle = unsafe { handle_of(fd) };
    if handle as isize == -1 || handle as isize == -2 {
        return Err(SysError::new(EBADF, "dup"));
    }
    let handle = handle as RawHandle;
    match access_of(handle) {
        Ok((true, _)) if appends(handle) => open_fully(handle),
        _ => duplicate_handle(handle),
    }
}

/// Opens a file that was opened for appending again, for writing at any offset. Windows cannot map
/// such a file for stores, and every other system can. `ReOpenFile`:
/// <https://learn.microsoft.com/en-us/windows/win32/api/winbase/nf-winbase-reopenfile>
fn open_fully(handle: RawHandle) -> Result<OwnedHandle> {
    // SAFETY: a bad handle is an error.
    let again = unsafe {
        ReOpenFile(
            as_pointer(handle),
            GENERIC_READ | GENERIC_WRITE,
            SHARE_ALL,
            0,
        )
    };
    own_handle(again, "open").or_else(|_| duplicate_handle(handle))
}

/// Creates a descriptor of an open file for JavaScript, which [`close_descriptor`] closes.
pub fn descriptor_of(file: &impl AsHandle) -> Result<i32> {
    let Some(address) = find_symbol(c"uv_open_osfhandle") else {
        return Err(SysError::new(ENOSYS, "uv_open_osfhandle"));
    };
    // SAFETY: libuv exports the function with this signature.
    let open: unsafe extern "C" fn(HANDLE) -> i32 = unsafe { std::mem::transmute(address) };
    let copy = duplicate_handle(raw(file))?;
    // SAFETY: the handle is open, and belongs to the descriptor if the call returns one.
    let fd = unsafe { open(copy.as_raw_handle()) };
    if fd < 0 {
        return Err(SysError::new(EMFILE, "uv_open_osfhandle"));
    }
    std::mem::forget(copy);
    Ok(fd)
}

/// Closes a descriptor that [`descriptor_of`] made.
pub fn close_descriptor(fd: i32) {
    type Callback = unsafe extern "C" fn(*mut c_void);
    type Close = unsafe extern "C" fn(*mut c_void, *mut c_void, i32, Option<Callback>) -> i32;
    /// Larger than `uv_fs_t` in any version of libuv.
    const REQUEST: usize = 256;
    let Some(address) = find_symbol(c"uv_fs_close") else {
        return;
    };
    // SAFETY: libuv exports the function with this signature.
    let close = unsafe { std::mem::transmute::<*mut c_void, Close>(address) };
    let mut request = [0_u64; REQUEST];
    // SAFETY: without a callback the call is complete when it returns and needs no loop. A request
    // to close owns no memory that would have to be freed.
    unsafe { close(ptr::null_mut(), request.as_mut_ptr().cast(), fd, None) };
}

/// Returns another handle of the same open file.
fn duplicate_handle(handle: RawHandle) -> Result<OwnedHandle> {
    let mut copy: HANDLE = ptr::null_mut();
    // SAFETY: a bad handle is an error; child processes do not inherit the new handle.
    let done = unsafe {
        DuplicateHandle(
            GetCurrentProcess(),
            as_pointer(handle),
            GetCurrentProcess(),
            &raw mut copy,
            0,
            0,
            DUPLICATE_SAME_ACCESS,
        )
    };
    if done == 0 {
        return Err(SysError::last("dup"));
    }
    own_handle(copy, "dup")
}
