//! Linux and macOS.

mod durable;
mod file;
mod lock;
mod memory;
mod residency;
mod signal;
mod thread;

pub use durable::*;
pub use file::*;
pub use lock::*;
pub use memory::*;
pub use residency::*;
pub use signal::*;
pub use thread::*;

/// Error numbers that core gives a meaning of their own.
pub use libc::{
    EACCES, EAGAIN, EBADF, EDEADLK, EDQUOT, EEXIST, EFAULT, EFBIG, EINTR, EINVAL, EIO, EISDIR,
    ELOOP, EMFILE, ENODEV, ENOENT, ENOLCK, ENOMEM, ENOSPC, ENOSYS, ENXIO, EOPNOTSUPP, EPERM, EROFS,
    ETXTBSY,
};

/// The memory itself is broken. No other system than Linux says so.
#[cfg(target_os = "linux")]
pub use libc::EHWPOISON;
/// The memory itself is broken, which this system does not say.
#[cfg(not(target_os = "linux"))]
pub const EHWPOISON: i32 = i32::MAX;
