//! Waiting in the kernel on behalf of JavaScript.
//!
//! A capability that has to wait describes one sleep in the kernel as a [`Wait`] and hands it to
//! its [`Waiter`], which runs it on a thread. JavaScript holds a [`Pending`] request, which is
//! settled once: it is granted, it fails, or it is cancelled. A thread that has to block
//! until then uses [`Blocking`], which takes a time-out. File locks are the first use.
//!
//! A sleep in the kernel can only be interrupted by a signal, and an add-on cannot reserve a
//! signal. A request that is cancelled is therefore settled at once, while the sleep for it
//! continues. The next request for the same grant adopts that sleep. Without such a request the
//! grant is given back as soon as the kernel delivers it. Cancelling a thousand requests for one
//! grant leaves one sleeping thread, not a thousand.

mod blocking;
mod pending;
mod threads;
mod wait;

pub use blocking::Blocking;
pub use pending::{Grant, Pending};
pub use threads::{Active, Waiter};
pub use wait::Wait;
