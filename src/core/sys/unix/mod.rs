//! Linux and macOS.

mod durable;
mod file;
mod memory;
mod signal;
mod thread;

pub use durable::*;
pub use file::*;
pub use memory::*;
pub use signal::*;
pub use thread::*;

/// Error numbers that core gives a meaning of their own.
pub use libc::{
    EACCES, EBADF, EDQUOT, EEXIST, EFAULT, EINTR, EINVAL, EIO, EISDIR, ELOOP, ENODEV, ENOENT,
    ENOMEM, ENOSPC, ENOSYS, ENXIO, EOPNOTSUPP, EPERM, ETXTBSY,
};
