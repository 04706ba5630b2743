//! Linux and macOS.

mod blocks;
#[cfg(target_os = "linux")]
mod capability;
mod descriptor;
mod durable;
mod errno;
mod evict;
mod file;
mod file_io;
mod file_system;
mod handle;
mod lock;
mod lock_pages;
mod memory;
mod raw_region;
mod residency;
mod signal;
mod thread;

pub use blocks::*;
pub use descriptor::*;
pub use durable::*;
pub use errno::*;
pub use evict::*;
pub use file::*;
pub use file_io::*;
pub use file_system::*;
pub use handle::*;
pub use lock::*;
pub use lock_pages::*;
pub use memory::*;
pub use raw_region::*;
pub use residency::*;
pub use signal::*;
pub use thread::*;
