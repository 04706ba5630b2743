//! Taking locks: at once, by a request that waits, or by a thread that blocks.

use std::sync::Arc;
use std::time::Duration;

use super::description::{Description, FileId};
use super::held_lock::{HeldLock, PendingLock, register_wait};
use super::lockable_file::LockableFile;
use super::registry::{self, LockState};
use super::request::{Holder, LockRange, LockRequest};
use super::wait::{LockWait, Operation, Purpose, WAITER};
use super::{error, fairness, retry};
use crate::core::error::{Error, Result};
use crate::core::sys::{self, LockMode};
use crate::core::waiter::Blocking;

/// Takes a lock if that is possible at once. With `is_fair`, for a caller that would wait
/// otherwise, the attempt also fails where this process has taken locks of the file for too long
/// without waiting.
pub fn try_lock(
    file: &Arc<LockableFile>,
    request: &LockRequest,
    is_fair: bool,
) -> Result<Option<Arc<HeldLock>>> {
    let attempt = || match attempt(file, request, is_fair)? {
        Attempt::Held(lock) => Ok(Some(lock)),
        Attempt::Busy(description) => {
            file.put_back(Arc::new(description));
            Ok(None)
        }
    };
    file.explain_errors(request.mode, || {
        if is_fair {
            return attempt();
        }
        let id = || file.file_id();
        retry::past_abandoned_waits(request.mode, request.range, id, Option::is_none, attempt)
    })
}

enum Attempt {
    Held(Arc<HeldLock>),
    /// Another lock conflicts. The description was opened for the attempt.
    Busy(Description),
}

/// Tries once to lock the file that has the name at the time.
fn attempt(file: &Arc<LockableFile>, request: &LockRequest, is_fair: bool) -> Result<Attempt> {
    /// The maximum number of times that the file may be replaced between its opening and its lock.
    const MAX_REPLACEMENTS: usize = 1000;
    for _ in 0..MAX_REPLACEMENTS {
        let description = file.open_description(request.mode)?;
        if is_fair && !fairness::may_take_now(description.file) {
            return Ok(Attempt::Busy(description));
        }
        if !description.lock(Some(request.mode), request.range, false)? {
            return Ok(Attempt::Busy(description));
        }
        if file.still_names(&description)? {
            fairness::note_taken(description.file, false);
            let lock = HeldLock::new(file, request, Arc::new(description));
            return Ok(Attempt::Held(lock));
        }
    }
    Err(Error::rule(
        "ERR_MEMMAP_LOCK_REPLACED",
        "The file at this path is replaced faster than it can be locked",
    ))
}

/// Starts waiting for a lock, which settles `pending`. With `tries_first` the lock is tried at once
/// before that; without it, the caller has just tried.
pub fn wait_for(
    file: &Arc<LockableFile>,
    request: LockRequest,
    pending: &Arc<PendingLock>,
    tries_first: bool,
) {
    let acquisition = Acquisition {
        file: Arc::clone(file),
        request,
        pending: Arc::clone(pending),
    };
    let mode = acquisition.request.mode;
    let attempted = file.explain_errors(mode, || {
        if tries_first {
            attempt(file, &acquisition.request, true)
        } else {
            file.open_description(mode).map(Attempt::Busy)
        }
    });
    match attempted {
        Ok(Attempt::Held(lock)) => {
            acquisition.settle(Ok(lock));
        }
        Ok(Attempt::Busy(description)) => Arc::new(acquisition).start_waiting(description),
        Err(error) => {
            acquisition.settle(Err(error));
        }
    }
}

/// A request for a new lock, with the file to lock.
struct Acquisition {
    file: Arc<LockableFile>,
    request: LockRequest,
    pending: Arc<PendingLock>,
}

impl Acquisition {
    fn settle(&self, result: Result<Arc<HeldLock>>) {
        let result = result.map_err(|error| error.at(self.file.name()));
        // Where the request was cancelled meanwhile, the lock is dropped and thereby released.
        self.pending.settle(result);
    }

    fn start_waiting(self: Arc<Self>, description: Description) {
        let Self { file, request, .. } = &*self;
        let state = LockState::Waiting;
        register_wait(&self.pending, file, request, &description, state);
        let (description, operation) = (Arc::new(description), Operation::Acquire);
        let (mode, range) = (request.mode, request.range);
        let file = Arc::clone(file);
        WAITER.start(LockWait::new(
            &file,
            description,
            operation,
            mode,
            range,
            self,
        ));
    }

    /// Makes a lock of what the kernel has given to a description. Returns nothing if the request
    /// is settled.
    fn accept(&self, description: &Arc<Description>) -> Result<Option<Attempt>> {
        let Self { file, request, .. } = self;
        if self.pending.is_settled() {
            description.unlock(request.range);
            return Ok(None);
        }
        if file.still_names(description)? {
            fairness::note_taken(description.file, true);
            let lock = HeldLock::new(file, request, Arc::clone(description));
            return Ok(Some(Attempt::Held(lock)));
        }
        // The file was replaced during the wait, so the new file has to be locked.
        description.unlock(request.range);
        attempt(file, request, false).map(Some)
    }
}

impl Purpose for Acquisition {
    fn is_abandoned(&self) -> bool {
        self.pending.is_settled()
    }

    fn fail(&self, error: Error) {
        self.settle(Err(error));
    }

    fn conclude(self: Arc<Self>, wait: &Arc<LockWait>, result: Result<bool>) {
        match result.and_then(|_| self.accept(&wait.description)) {
            Ok(None) => {}
            Ok(Some(Attempt::Held(lock))) => self.settle(Ok(lock)),
            Ok(Some(Attempt::Busy(description))) => self.start_waiting(description),
            Err(error) => self.settle(self.file.explain_errors(self.request.mode, || Err(error))),
        }
    }

    fn end_if_abandoned(&self) -> bool {
        self.is_abandoned()
    }
}

/// A request for a lock for which the calling thread blocks.
pub struct BlockingLock {
    blocking: Blocking<HeldLock>,
    file: Arc<LockableFile>,
    id: FileId,
    request: LockRequest,
}

impl BlockingLock {
    /// Starts waiting. Fails at once with `ERR_MEMMAP_LOCK_DEADLOCK` if the calling JavaScript
    /// thread itself holds a conflicting lock, which it could not release while it blocks.
    pub fn start(file: &Arc<LockableFile>, request: LockRequest) -> Result<Self> {
        let id = file.explain_errors(request.mode, || {
            let description = file.open_description(request.mode)?;
            let id = description.file;
            file.put_back(Arc::new(description));
            Ok(id)
        })?;
        let blocking = Blocking::new();
        let pending = blocking.pending();
        match registry::check_self_deadlock(id, &request, pending) {
            Ok(()) => wait_for(file, request.clone(), pending, false),
            // For the sake of fairness the caller may not have tried yet. An error of the system
            // takes precedence over the deadlock.
            Err(deadlock) => match try_lock(file, &request, false)? {
                Some(lock) => {
                    pending.settle(Ok(lock));
                }
                None => return Err(deadlock.at(file.name())),
            },
        }
        Ok(Self {
            blocking,
            file: Arc::clone(file),
            id,
            request,
        })
    }

    /// Waits for the lock. Returns nothing if it did not arrive within `time`. Fails with
    /// `ERR_MEMMAP_LOCK_DEADLOCK` if another request of the same thread conflicts by now: one that
    /// was not in the registry yet when this one started.
    #[must_use]
    pub fn wait(&self, time: Duration) -> Option<Result<Arc<HeldLock>>> {
        /// Long compared with the time between a lock's entry in the registry and its delivery.
        const DELIVERY: Duration = Duration::from_millis(20);
        let check =
            || registry::check_self_deadlock(self.id, &self.request, self.blocking.pending());
        if let Some(settled) = self.blocking.wait(time) {
            return Some(settled);
        }
        check().err()?;
        // The conflicting entry may be the very lock that is waited for.
        if let Some(settled) = self.blocking.wait(DELIVERY) {
            return Some(settled);
        }
        let deadlock = check().err()?.at(self.file.name());
        Some(self.cancel().ok_or(deadlock))
    }

    /// Cancels the request. Returns the lock if it was granted before that.
    #[must_use]
    pub fn cancel(&self) -> Option<Arc<HeldLock>> {
        self.blocking.cancel()
    }
}

/// Returns the strongest lock that any process holds in a range. Another process can change that
/// at any moment.
pub fn test_lock(file: &LockableFile, range: LockRange) -> Result<Option<LockMode>> {
    let test = || {
        file.with_any_descriptor(|fd| {
            // Only an exclusive lock conflicts with a shared one.
            for mode in [LockMode::Shared, LockMode::Exclusive] {
                let found = sys::test_range(fd, mode, range.offset(), range.length());
                match found {
                    Ok(None) => {}
                    Ok(found) => return Ok(found),
                    Err(error) if sys::is_lock_refused(&error) => {
                        return Err(error::cannot_test(fd));
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(None)
        })
    };
    let id = || file.file_id();
    file.explain_errors(LockMode::Shared, || {
        retry::past_abandoned_waits(LockMode::Exclusive, range, id, Option::is_some, test)
    })
}

/// Returns the error for a lock that is not available, after `waited` milliseconds if the request
/// waited.
#[must_use]
pub fn busy_error(file: &LockableFile, request: &LockRequest, waited: Option<u64>) -> Error {
    let holder = file.file_id().map_or(Holder::OtherProcess, |id| {
        registry::conflicting_holder(id, request, 0)
    });
    error::busy(request, holder, waited).at(file.name())
}
