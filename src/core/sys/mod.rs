//! The seam to the operating system: the only place with system calls, one folder per family.
//! Each family offers the same functions; what it can't do it answers with an error.

mod types;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

pub use types::*;
#[cfg(unix)]
pub use unix::*;
#[cfg(windows)]
pub use windows::*;
