//! Advisory locks on files and on ranges of their bytes.
//!
//! Each lock has an open file description of its own, which the kernel treats as its owner. Two
//! locks therefore exclude each other in one process just as between processes, and no lock is lost
//! when other code opens or closes the file. A request is tried at once. If it has to wait, a
//! thread of the library sleeps for it in the kernel ([`crate::core::waiter`]), and the kernel
//! decides the order.

mod acquire;
mod description;
mod error;
mod fairness;
mod held_lock;
mod lockable_file;
mod registry;
mod request;
mod retry;
mod wait;

pub use super::sys::LockMode;
pub use acquire::{BlockingLock, busy_error, test_lock, try_lock, wait_for};
pub use description::LockMethod;
pub use error::released;
pub use held_lock::{HeldLock, PendingLock};
pub use lockable_file::LockableFile;
pub use registry::{Entry, LockState, end_thread, entries};
pub use request::{LockRange, LockRequest};

#[cfg(test)]
mod tests;
