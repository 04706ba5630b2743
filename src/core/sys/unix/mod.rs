//! Linux and macOS.

mod durable;
mod file;
mod handle;
mod lock;
mod memory;
mod pages;
mod residency;
mod signal;
mod thread;

pub use durable::*;
pub use file::*;
pub use handle::*;
pub use lock::*;
pub use memory::*;
pub use pages::*;
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

/// Bytes written by a call are seen in every mapping of the file at once.
pub const WRITES_ARE_SEEN: bool = true;
