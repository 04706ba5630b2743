//! Requests for which the calling thread blocks.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::pending::{Grant, Pending};
use crate::core::error::Result;

/// A request together with the receiver of its result, for a thread that waits itself.
pub struct Blocking<G: Grant> {
    pending: Arc<Pending<G>>,
    settled: Receiver<Result<Arc<G>>>,
}

impl<G: Grant + 'static> Blocking<G> {
    /// Makes a request, which the caller has to start.
    #[must_use]
    pub fn new() -> Self {
        let (sender, settled) = channel();
        let pending = Pending::new(move |result| {
            // The receiver is gone if the waiting thread was terminated.
            let _ = sender.send(result);
        });
        Self { pending, settled }
    }

    /// Returns the request.
    #[must_use]
    pub fn pending(&self) -> &Arc<Pending<G>> {
        &self.pending
    }

    /// Waits for the result. Returns nothing if it did not arrive within `time`; the request then
    /// continues.
    #[must_use]
    pub fn wait(&self, time: Duration) -> Option<Result<Arc<G>>> {
        self.settled.recv_timeout(time).ok()
    }

    /// Cancels the request. Returns the grant if it arrived before that.
    #[must_use]
    pub fn cancel(&self) -> Option<Arc<G>> {
        self.pending.cancel();
        self.settled.try_recv().ok()?.ok()
    }
}

impl<G: Grant + 'static> Default for Blocking<G> {
    fn default() -> Self {
        Self::new()
    }
}
