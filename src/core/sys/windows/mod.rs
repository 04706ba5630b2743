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

/// The memory itself is broken, which this system does not say.
pub const EHWPOISON: i32 = i32::MAX;
