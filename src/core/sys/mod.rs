//! The seam to the operating system: the only place with system calls, one folder per family.
//! Each family offers the same functions; what it can't do it answers with an error.

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
