//! Loops that run at the speed of memory.

#[cfg(target_arch = "x86_64")]
mod avx2;
pub mod byte_summary;
pub mod dispatch;
pub mod needle;
