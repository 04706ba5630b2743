//! Sleeping in the kernel for a lock.

use std::sync::{Arc, Mutex};

use super::description::Description;
use super::lockable_file::LockableFile;
use super::request::LockRange;
use crate::core::error::{Error, Result};
use crate::core::poison::IgnorePoison;
use crate::core::sys::{self, LockMode};
use crate::core::waiter::{Wait, Waiter};

/// The maximum number of threads that sleep for locks. A program that needs more has a bug, or
/// never releases its locks.
const MAX_THREADS: usize = 64;

/// The threads that sleep for locks. On Windows a thread cannot sleep for a lock, so all waits are
/// polled.
pub(super) static WAITER: Waiter<LockWait> = Waiter::new(
    "memmap lock",
    if sys::CAN_SLEEP_FOR_LOCKS {
        MAX_THREADS
    } else {
        0
    },
);

/// The purpose of a wait, which handles the answer of the kernel: a new lock, or the upgrade of a
/// lock.
pub(super) trait Purpose: Send + Sync {
    /// Reports whether the request was cancelled or settled otherwise.
    fn is_abandoned(&self) -> bool;

    /// Fails the request.
    fn fail(&self, error: Error);

    /// Delivers the lock, or gives it back if the request is abandoned.
    fn conclude(self: Arc<Self>, wait: &Arc<LockWait>, result: Result<bool>);

    /// Ends an abandoned wait that has not begun. Returns whether it was abandoned.
    fn end_if_abandoned(&self) -> bool;
}

/// The operation that the kernel is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// To set a new lock.
    Acquire,
    /// To change the mode of the lock that the description has.
    Upgrade,
}

/// One sleep in the kernel for a lock.
pub(super) struct LockWait {
    pub(super) description: Arc<Description>,
    file: Arc<LockableFile>,
    operation: Operation,
    mode: LockMode,
    range: LockRange,
    purpose: Mutex<Arc<dyn Purpose>>,
}

impl std::fmt::Debug for LockWait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LockWait").finish_non_exhaustive()
    }
}

impl LockWait {
    pub(super) fn new(
        file: &Arc<LockableFile>,
        description: Arc<Description>,
        operation: Operation,
        mode: LockMode,
        range: LockRange,
        purpose: Arc<dyn Purpose>,
    ) -> Arc<Self> {
        Arc::new(Self {
            description,
            file: Arc::clone(file),
            operation,
            mode,
            range,
            purpose: Mutex::new(purpose),
        })
    }

    fn purpose(&self) -> Arc<dyn Purpose> {
        Arc::clone(&self.purpose.lock().ignore_poison())
    }

    /// Serves another request for the same lock from now on.
    pub(super) fn set_purpose(&self, purpose: Arc<dyn Purpose>) {
        *self.purpose.lock().ignore_poison() = purpose;
    }

    /// Reports whether the lock that is waited for conflicts with one of this mode and range.
    pub(super) fn conflicts(&self, mode: LockMode, range: LockRange) -> bool {
        self.mode.excludes(mode) && self.range.overlaps(range)
    }

    /// Reports whether no lock conflicts with the wait any more, so that its thread is waking up.
    pub(super) fn is_waking(&self) -> bool {
        self.description.is_available(self.mode, self.range)
    }
}

impl Wait for LockWait {
    fn ask(&self, blocks: bool) -> Result<bool> {
        match self.operation {
            Operation::Acquire => self.description.lock(Some(self.mode), self.range, blocks),
            Operation::Upgrade => self.description.change(self.mode, self.range, blocks),
        }
    }

    fn conclude(self: &Arc<Self>, result: Result<bool>) {
        self.purpose().conclude(self, result);
    }

    fn fail(&self, error: Error) {
        self.purpose().fail(error);
    }

    fn is_abandoned(&self) -> bool {
        self.purpose().is_abandoned()
    }

    fn end_if_abandoned(&self) -> bool {
        self.purpose().end_if_abandoned()
    }

    /// The wait for an upgrade belongs to one lock, which lets later requests adopt it.
    fn is_adoptable(&self) -> bool {
        self.operation == Operation::Acquire
    }

    fn can_replace(&self, other: &Self) -> bool {
        self.is_adoptable()
            && other.is_adoptable()
            && self.mode == other.mode
            && self.range == other.range
            && self.description.is_interchangeable(&other.description)
    }

    fn adopt(&self, other: &Self) {
        self.set_purpose(other.purpose());
    }

    fn discard(self: Arc<Self>) {
        if let Some(wait) = Arc::into_inner(self) {
            wait.file.put_back(wait.description);
        }
    }
}
