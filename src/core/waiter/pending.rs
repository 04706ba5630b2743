//! Requests that are settled once.

use std::sync::{Arc, Mutex, MutexGuard, Weak};

use crate::core::error::{Error, Result};
use crate::core::poison::IgnorePoison;

/// Something that a request waits for and that can be given back.
pub trait Grant: Send + Sync {
    /// A guard that a request keeps until it is settled, such as an entry of a registry.
    type Registration: Send;

    /// Gives the grant back. The request for it is settled, so a failure cannot be reported.
    fn revoke(&self);
}

type Deliver<G> = Box<dyn FnOnce(Result<Arc<G>>) + Send>;

enum Progress<G: Grant> {
    Open {
        deliver: Deliver<G>,
        registration: Option<G::Registration>,
    },
    /// Holds the grant, or nothing after a failure or a cancellation.
    Settled(Weak<G>),
}

/// A request for a grant. It is settled once: it is granted, it fails, or it is cancelled.
pub struct Pending<G: Grant> {
    progress: Mutex<Progress<G>>,
}

impl<G: Grant> std::fmt::Debug for Pending<G> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending").finish_non_exhaustive()
    }
}

impl<G: Grant> Pending<G> {
    /// Makes a request. `deliver` is called once, on any thread, with its result.
    pub fn new(deliver: impl FnOnce(Result<Arc<G>>) + Send + 'static) -> Arc<Self> {
        Arc::new(Self {
            progress: Mutex::new(Progress::Open {
                deliver: Box::new(deliver),
                registration: None,
            }),
        })
    }

    fn progress(&self) -> MutexGuard<'_, Progress<G>> {
        self.progress.lock().ignore_poison()
    }

    /// Reports whether the request has its result.
    pub fn is_settled(&self) -> bool {
        matches!(*self.progress(), Progress::Settled(_))
    }

    /// Keeps a registration until the request is settled, in the place of an earlier one. The
    /// registration of a request that is settled already is dropped.
    pub fn register(&self, new: G::Registration) {
        let mut progress = self.progress();
        let outdated = match &mut *progress {
            Progress::Open { registration, .. } => registration.replace(new),
            Progress::Settled(_) => Some(new),
        };
        // A registration may take locks of its own when it is dropped.
        drop(progress);
        drop(outdated);
    }

    /// Settles the request: drops its registration, then delivers the result. Returns false, and
    /// drops `result`, if the request was settled before.
    pub fn settle(&self, result: Result<Arc<G>>) -> bool {
        let before = {
            let mut progress = self.progress();
            if matches!(*progress, Progress::Settled(_)) {
                return false;
            }
            let granted = result.as_ref().map_or_else(|_| Weak::new(), Arc::downgrade);
            std::mem::replace(&mut *progress, Progress::Settled(granted))
        };
        if let Progress::Open {
            deliver,
            registration,
        } = before
        {
            drop(registration);
            deliver(result);
        }
        true
    }

    /// Gives back what was granted, before its receiver has been told of it.
    pub fn take_back(&self) {
        let granted = match &*self.progress() {
            Progress::Open { .. } => None,
            Progress::Settled(granted) => granted.upgrade(),
        };
        if let Some(granted) = granted {
            granted.revoke();
        }
    }

    /// Settles the request with `ABORT_ERR`. Returns false if it was settled before.
    pub fn cancel(&self) -> bool {
        self.settle(Err(Error::rule("ABORT_ERR", "The operation was aborted")))
    }
}
