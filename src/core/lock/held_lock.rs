//! Locks that are held: changes of their mode, and their release.

use std::sync::{Arc, Mutex, MutexGuard, Weak};

use super::description::{Description, LockMethod};
use super::lockable_file::LockableFile;
use super::registry::{self, Abandon, Entry, LockState, Registration};
use super::request::{Holder, LockRange, LockRequest};
use super::wait::{LockWait, Operation, Purpose, WAITER};
use super::{error, fairness, retry};
use crate::core::error::{Error, Result};
use crate::core::poison::IgnorePoison;
use crate::core::sys::LockMode;
use crate::core::waiter::{Grant, Pending};

/// A request for a lock, which is settled once.
pub type PendingLock = Pending<HeldLock>;

/// A lock that is held until it is released or dropped.
#[derive(Debug)]
pub struct HeldLock {
    file: Arc<LockableFile>,
    range: LockRange,
    thread: u32,
    registration: Registration,
    method: LockMethod,
    current: Mutex<Current>,
}

/// The state of a lock that can change.
#[derive(Debug)]
struct Current {
    mode: LockMode,
    /// None once the lock is released.
    description: Option<Arc<Description>>,
    /// The wait in the kernel to become exclusive. It can outlast its request.
    upgrade: Option<PendingUpgrade>,
}

#[derive(Debug, Clone)]
struct PendingUpgrade {
    wait: Arc<LockWait>,
    /// The latest request that the wait serves.
    pending: Arc<PendingLock>,
}

impl HeldLock {
    /// Makes a lock, and its entry in the registry, of a description to which the kernel has given
    /// the lock.
    pub(super) fn new(
        file: &Arc<LockableFile>,
        request: &LockRequest,
        description: Arc<Description>,
    ) -> Arc<Self> {
        let method = description.method();
        let entry = Entry::new(file, request, &description, LockState::Held);
        file.note_method(method);
        Arc::new_cyclic(|this: &Weak<Self>| Self {
            file: Arc::clone(file),
            range: request.range,
            thread: request.thread,
            method,
            registration: Registration::new(entry, this.clone()),
            current: Mutex::new(Current {
                mode: request.mode,
                description: Some(description),
                upgrade: None,
            }),
        })
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().ignore_poison()
    }

    /// Returns its number in the registry.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.registration.id()
    }

    /// Returns the kind of the system's locks that it is.
    #[must_use]
    pub fn method(&self) -> LockMethod {
        self.method
    }

    /// Returns the bytes that it covers.
    #[must_use]
    pub fn range(&self) -> LockRange {
        self.range
    }

    /// Returns the number of the JavaScript thread that holds it.
    #[must_use]
    pub fn thread(&self) -> u32 {
        self.thread
    }

    /// Returns its mode, or nothing once it is released.
    #[must_use]
    pub fn mode(&self) -> Option<LockMode> {
        let current = self.current();
        current.description.is_some().then_some(current.mode)
    }

    /// Makes the lock exclusive if that is possible at once. Returns whether it is exclusive now.
    pub fn try_upgrade(&self) -> Result<bool> {
        let file = || Some(self.current().description.as_ref()?.file);
        let is_refused = |is_exclusive: &bool| !is_exclusive;
        retry::past_abandoned_waits(LockMode::Exclusive, self.range, file, is_refused, || {
            let mut current = self.current();
            if self.is_other_upgrading(&current) {
                return Ok(false);
            }
            self.change(&mut current, LockMode::Exclusive)
        })
    }

    /// Reports whether another lock of this process on the same bytes waits to become exclusive.
    /// That lock is shared until then, so this one cannot become exclusive. Besides, two locks that
    /// try at once could lose theirs, on systems that change a lock in several steps.
    fn is_other_upgrading(&self, current: &Current) -> bool {
        let is_own = |upgrade: &PendingUpgrade| !upgrade.pending.is_settled();
        current.mode == LockMode::Shared
            && !current.upgrade.as_ref().is_some_and(is_own)
            && current.description.as_ref().is_some_and(|description| {
                registry::is_upgrade_pending(description.file, self.range)
            })
    }

    /// Returns the error for an upgrade that is not possible, after `waited` milliseconds if the
    /// request waited.
    #[must_use]
    pub fn busy_error(&self, waited: Option<u64>) -> Error {
        let request = self.upgrade_request(None);
        let holder = match &self.current().description {
            Some(description) => {
                registry::conflicting_holder(description.file, &request, self.id())
            }
            None => Holder::OtherProcess,
        };
        error::busy(&request, holder, waited).at(self.file.name())
    }

    fn upgrade_request(&self, stack: Option<String>) -> LockRequest {
        LockRequest {
            mode: LockMode::Exclusive,
            range: self.range,
            thread: self.thread,
            stack,
        }
    }

    /// Makes the lock shared. It stays held throughout.
    pub fn downgrade(&self) -> Result<()> {
        let mut current = self.current();
        self.change(&mut current, LockMode::Shared).map(drop)
    }

    fn change(&self, current: &mut Current, mode: LockMode) -> Result<bool> {
        let Some(description) = current.description.clone() else {
            return Err(error::released().at(self.file.name()));
        };
        if current.mode == mode {
            return Ok(true);
        }
        let is_changed = description
            .change(mode, self.range, false)
            .map_err(|error| self.explain(current, error, mode))?;
        if is_changed {
            self.set_mode(current, mode);
        }
        Ok(is_changed)
    }

    fn set_mode(&self, current: &mut Current, mode: LockMode) {
        current.mode = mode;
        self.registration.set_mode(mode);
    }

    /// Explains an error. Releases the lock if the error says that the system has lost it.
    fn explain(&self, current: &mut Current, error: Error, mode: LockMode) -> Error {
        let error = error::explain_held(error, mode);
        if matches!(
            error,
            Error::Rule {
                code: "ERR_MEMMAP_LOCK_LOST",
                ..
            }
        ) {
            current.description = None;
            self.registration.end();
        }
        error.at(self.file.name())
    }

    /// Starts waiting for the lock to become exclusive, which settles the request. The lock is
    /// shared until then, and stays shared if the request is cancelled.
    pub fn upgrade(self: &Arc<Self>, stack: Option<String>, pending: &Arc<PendingLock>) {
        let begun = {
            let mut current = self.current();
            self.begin_upgrade(&mut current, stack, pending)
        };
        match begun {
            // Starting a wait locks the waiter, which is never locked while a lock's state is.
            Ok(Some(wait)) => WAITER.start(wait),
            Ok(None) => {}
            Err(error) => {
                pending.settle(Err(error));
            }
        }
    }

    fn begin_upgrade(
        self: &Arc<Self>,
        current: &mut Current,
        stack: Option<String>,
        pending: &Arc<PendingLock>,
    ) -> Result<Option<Arc<LockWait>>> {
        let name = self.file.name();
        let before = current.upgrade.clone();
        if before
            .as_ref()
            .is_some_and(|before| !before.pending.is_settled())
        {
            return Err(error::deadlock("This lock is already being upgraded").at(name));
        }
        if self.is_other_upgrading(current) {
            return Err(error::deadlock(
                "Another lock of this process on these bytes is being upgraded too, and each would \
                 wait for the other: release one of them",
            )
            .at(name));
        }
        if self.change(current, LockMode::Exclusive)? {
            pending.settle(Ok(Arc::clone(self)));
            return Ok(None);
        }
        let Some(description) = current.description.clone() else {
            return Err(error::released().at(name));
        };
        let request = self.upgrade_request(stack);
        register_wait(
            pending,
            &self.file,
            &request,
            &description,
            LockState::Upgrading,
        );
        let purpose = Arc::new(Upgrade {
            lock: Arc::clone(self),
            pending: Arc::clone(pending),
        });
        let (wait, is_new) = if let Some(before) = before {
            // The kernel still waits for a request that was cancelled.
            before.wait.set_purpose(purpose);
            (before.wait, false)
        } else {
            let (mode, range) = (request.mode, request.range);
            let operation = Operation::Upgrade;
            let wait = LockWait::new(&self.file, description, operation, mode, range, purpose);
            (wait, true)
        };
        current.upgrade = Some(PendingUpgrade {
            wait: Arc::clone(&wait),
            pending: Arc::clone(pending),
        });
        Ok(is_new.then_some(wait))
    }

    /// Handles the end of the wait in the kernel. No later request adopts the wait: that is done
    /// while the same state is locked.
    fn finish_upgrade(self: &Arc<Self>, wait: &LockWait, result: Result<bool>) {
        let mut current = self.current();
        let Some(PendingUpgrade { pending, .. }) = current.upgrade.take() else {
            return;
        };
        let name = self.file.name();
        if current.description.is_none() {
            // The lock was released meanwhile, and the kernel granted the wait afterwards.
            wait.description.unlock(self.range);
            pending.settle(Err(error::released().at(name)));
            return;
        }
        match result {
            Err(error) => {
                let error = self.explain(&mut current, error, LockMode::Exclusive);
                pending.settle(Err(error));
            }
            Ok(_)
                if current.mode == LockMode::Exclusive || pending.settle(Ok(Arc::clone(self))) =>
            {
                self.set_mode(&mut current, LockMode::Exclusive);
            }
            // The request was cancelled. If this fails, the lock excludes more than it should.
            Ok(_) => drop(wait.description.change(LockMode::Shared, self.range, false)),
        }
    }

    /// Releases the lock. Returns false if it was released before.
    pub fn release(&self) -> Result<bool> {
        let (description, upgrade) = {
            let mut current = self.current();
            (current.description.take(), current.upgrade.clone())
        };
        let Some(description) = description else {
            return Ok(false);
        };
        self.registration.end();
        let name = self.file.name();
        // A thread that waits for the upgrade keeps the description open, so closing it here would
        // not release the lock.
        let result = description.lock(None, self.range, false);
        fairness::note_released(description.file);
        if let Some(PendingUpgrade { pending, .. }) = upgrade {
            pending.settle(Err(error::released().at(name)));
        }
        match result {
            Ok(_) => {
                self.file.put_back(description);
                Ok(true)
            }
            // Closing the description releases the lock all the same.
            Err(error) => Err(error::explain_held(error, LockMode::Shared).at(name)),
        }
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        // No caller is left to receive an error.
        let _ = self.release();
    }
}

impl Abandon for HeldLock {
    fn abandon(&self) {
        let _ = self.release();
    }
}

impl Grant for HeldLock {
    type Registration = Registration;

    fn revoke(&self) {
        let _ = self.release();
    }
}

impl Abandon for PendingLock {
    fn abandon(&self) {
        self.cancel();
    }
}

/// Adds a request that waits to the registry, until it is settled.
pub(super) fn register_wait(
    pending: &Arc<PendingLock>,
    file: &LockableFile,
    request: &LockRequest,
    description: &Description,
    state: LockState,
) {
    let entry = Entry::new(file, request, description, state);
    let owner: Weak<PendingLock> = Arc::downgrade(pending);
    pending.register(Registration::new(entry, owner));
}

/// A request to make a shared lock exclusive.
struct Upgrade {
    lock: Arc<HeldLock>,
    pending: Arc<PendingLock>,
}

impl Purpose for Upgrade {
    fn is_abandoned(&self) -> bool {
        self.pending.is_settled()
    }

    fn fail(&self, error: Error) {
        self.pending.settle(Err(error.at(self.lock.file.name())));
    }

    fn conclude(self: Arc<Self>, wait: &Arc<LockWait>, result: Result<bool>) {
        self.lock.finish_upgrade(wait, result);
    }

    /// Forgets the wait while no later request can adopt it.
    fn end_if_abandoned(&self) -> bool {
        let mut current = self.lock.current();
        let is_abandoned = |upgrade: &mut PendingUpgrade| upgrade.pending.is_settled();
        current.upgrade.take_if(is_abandoned).is_some()
    }
}
