//! The interface between a capability and its waiter: one sleep in the kernel.

use std::sync::Arc;

use crate::core::error::{Error, Result};

/// One sleep in the kernel, and the request that it serves at the moment.
pub trait Wait: Send + Sync + Sized + 'static {
    /// Asks the kernel for the grant. With `blocks` the thread sleeps until the kernel answers;
    /// without it, false says that the grant is not available now.
    fn ask(&self, blocks: bool) -> Result<bool>;

    /// Handles the answer of the kernel: delivers the grant to the request, or gives the grant
    /// back if the request is abandoned. The result is `Ok(false)` for a wait that was abandoned
    /// before the kernel was asked.
    fn conclude(self: &Arc<Self>, result: Result<bool>);

    /// Fails the request, where `conclude` panicked.
    fn fail(&self, error: Error);

    /// Reports whether the request that the wait serves was cancelled or settled otherwise.
    fn is_abandoned(&self) -> bool;

    /// Ends an abandoned wait that has not begun to sleep, so that no other request can adopt it.
    /// Returns whether the wait was abandoned.
    fn end_if_abandoned(&self) -> bool;

    /// Reports whether the waiter may let another request adopt this wait while it sleeps. Where
    /// this is false, the wait runs even if it is abandoned.
    fn is_adoptable(&self) -> bool;

    /// Reports whether this wait would get what `other` waits for: same kernel object, same mode,
    /// both adoptable.
    fn can_replace(&self, other: &Self) -> bool;

    /// Serves the request of `other` from now on. `other` is discarded afterwards.
    fn adopt(&self, other: &Self);

    /// Frees what a wait has opened whose request was adopted by another wait.
    fn discard(self: Arc<Self>);
}
