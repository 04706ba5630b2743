//! Linux and macOS.

mod durable;
mod errno;
mod file;
mod handle;
mod lock;
mod memory;
mod pages;
mod residency;
mod signal;
mod thread;

pub use durable::*;
pub use errno::*;
pub use file::*;
pub use handle::*;
pub use lock::*;
pub use memory::*;
pub use pages::*;
pub use residency::*;
pub use signal::*;
pub use thread::*;
