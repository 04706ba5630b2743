//! Linux and macOS.

mod file;
mod memory;
mod signal;
mod thread;

pub use file::*;
pub use memory::*;
pub use signal::*;
pub use thread::*;

/// Error numbers that core gives a meaning of their own.
pub use libc::{
    EACCES, EDQUOT, EEXIST, EFAULT, EINVAL, EIO, EISDIR, ENODEV, ENOENT, ENOMEM, ENOSPC, ENOSYS,
    ENXIO, EOPNOTSUPP, EPERM, ETXTBSY,
};
