//! The interface to the operating system: the only code with system calls, one folder for each
//! family of systems. Both families offer the same functions. A function that a family cannot
//! implement returns an error.

pub mod error;
pub mod file_kind;
mod identity;
mod types;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

pub use error::SysError;
pub use identity::*;
pub use types::*;
#[cfg(unix)]
pub use unix::*;
#[cfg(windows)]
pub use windows::*;
