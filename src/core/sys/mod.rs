//! The seam to the operating system: the only place with system calls, one folder per family.
//! Each family offers the same functions; what it can't do it answers with an error.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::*;

#[cfg(not(unix))]
compile_error!("memmap has no system layer for this platform yet");
