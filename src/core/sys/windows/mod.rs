//! Windows.

mod call;
mod durable;
mod errno;
mod fault;
mod file;
mod handle;
mod home;
mod lock;
mod memory;
mod pages;
mod residency;
mod splice;
mod thread;
mod virtual_memory;

pub use durable::*;
pub use errno::*;
pub use fault::*;
pub use file::*;
pub use handle::*;
pub use lock::*;
pub use memory::*;
pub use pages::*;
pub use residency::*;
pub use thread::*;
pub use virtual_memory::*;
