//! The loaded library, and the threads of this library.

use std::ffi::{CStr, c_void};
use std::ptr;

use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
    GetModuleHandleW, GetProcAddress,
};

/// Keeps this library loaded until the process ends. A worker that ends unloads add-ons that no other
/// thread uses, but the exception handler and threads of this library may still run.
/// <https://learn.microsoft.com/en-us/windows/win32/api/libloaderapi/nf-libloaderapi-getmodulehandleexw>
pub fn pin_library() {
    let mut module = ptr::null_mut();
    // SAFETY: with FROM_ADDRESS the name is an address, here that of one of our own functions.
    unsafe {
        GetModuleHandleExW(
            GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
            pin_library as *const u16,
            &raw mut module,
        );
    }
}

/// Returns the address of an exported symbol of this process, for functions that only newer
/// runtimes have. Node exports its own from the program itself, or from `libnode.dll`.
#[must_use]
pub fn find_symbol(name: &CStr) -> Option<*mut c_void> {
    let libnode: Vec<u16> = "libnode.dll\0".encode_utf16().collect();
    [ptr::null(), libnode.as_ptr()]
        .into_iter()
        .find_map(|file| find_in(file, name))
}

/// Returns the address of an exported symbol of a loaded library; a null `file` is the program.
pub(super) fn find_in(file: *const u16, name: &CStr) -> Option<*mut c_void> {
    // SAFETY: both names end in NUL; nothing is loaded.
    let address = unsafe {
        let module = GetModuleHandleW(file);
        if module.is_null() {
            return None;
        }
        GetProcAddress(module, name.as_ptr().cast())
    };
    address.map(|address| address as *mut c_void)
}

/// Does nothing: this scheduler has no such policy.
pub fn use_batch_scheduling() {}

/// Does nothing: threads have no signals on Windows.
pub fn block_signals() {}
