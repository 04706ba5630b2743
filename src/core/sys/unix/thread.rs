//! The library itself and its threads, as the system sees them.

use std::ffi::{CStr, c_void};

/// Keeps this library loaded until the process ends: a worker that ends unloads the add-ons
/// that nobody else uses, but a signal handler and threads of ours may still run.
pub fn pin_library() {
    // SAFETY: dladdr only reads; the address is one of our own functions. dlopen with
    // RTLD_NOLOAD loads nothing: it finds the library that is there and marks it.
    unsafe {
        let mut info: libc::Dl_info = std::mem::zeroed();
        if libc::dladdr(pin_library as *const c_void, &raw mut info) == 0
            || info.dli_fname.is_null()
        {
            return;
        }
        libc::dlopen(
            info.dli_fname,
            libc::RTLD_NOW | libc::RTLD_NOLOAD | libc::RTLD_NODELETE,
        );
    }
}

/// The address of an exported symbol of this process, for functions that only newer runtimes
/// have.
#[must_use]
pub fn find_symbol(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: the name ends in NUL; looking up runs no code.
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!address.is_null()).then_some(address)
}
