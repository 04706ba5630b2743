//! The loaded library, and the threads of this library.

use std::ffi::{CStr, c_void};

/// Keeps this library loaded until the process ends. A worker that ends unloads add-ons that no
/// other thread uses, but the signal handler and threads of this library may still run.
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

/// Tells the scheduler that the calling thread need not run at once when it is woken, so that it
/// does not displace the thread that wakes it. Its share of the processor stays the same.
///
/// `sched(7)`: <https://man7.org/linux/man-pages/man7/sched.7.html>
#[cfg(target_os = "linux")]
pub fn use_batch_scheduling() {
    // SAFETY: the structure is ours and all-zero is valid; 0 is the calling thread.
    unsafe {
        // Keep the policy of a real-time process.
        if libc::sched_getscheduler(0) == libc::SCHED_OTHER {
            let param: libc::sched_param = std::mem::zeroed();
            libc::sched_setscheduler(0, libc::SCHED_BATCH, &raw const param);
        }
    }
}

/// Does nothing: this scheduler has no such policy.
#[cfg(not(target_os = "linux"))]
pub fn use_batch_scheduling() {}

/// Returns the address of an exported symbol of this process, for functions that only newer
/// runtimes have.
#[must_use]
pub fn find_symbol(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: the name ends in NUL; looking up runs no code.
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!address.is_null()).then_some(address)
}
