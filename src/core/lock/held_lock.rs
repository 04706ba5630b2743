//! A lock that is held: changed from shared to exclusive and back, and released.

use std::sync::{Arc, Mutex, MutexGuard};

use super::super::error::{Error, Result};
use super::lockable_file::{Description, Method, Source};
use super::registry::{self, Line, Owner, Party, State};
use super::waiter::{self, Claim, Request, Wait};
use super::{LockMode, Span, Wish, error, fairness, retry};
use crate::core::poison::IgnorePoison;

/// A lock that somebody has.
#[derive(Debug)]
pub struct Held {
    source: Arc<Source>,
    span: Span,
    thread: u32,
    id: u64,
    method: Method,
    now: Mutex<Now>,
}

#[derive(Debug)]
struct Now {
    mode: LockMode,
    /// None once it is released.
    description: Option<Arc<Description>>,
    /// The wait in the kernel for it to be exclusive; it may be there without a request.
    upgrade: Option<Arc<Wait>>,
}

impl Held {
    /// Enters a lock that the kernel has given to a description into the ledger.
    pub(super) fn enter(
        source: &Arc<Source>,
        wish: &Wish,
        description: Arc<Description>,
    ) -> Arc<Self> {
        let line = Line {
            id: 0,
            path: source.name().map(str::to_owned),
            mode: wish.mode,
            span: wish.span,
            state: State::Held,
            method: description.method(),
            thread: wish.thread,
            stack: wish.stack.clone(),
            file: description.file,
        };
        source.note(description.method());
        Arc::new_cyclic(|this| Self {
            source: Arc::clone(source),
            span: wish.span,
            thread: wish.thread,
            method: description.method(),
            id: registry::enter(line, Owner::Lock(this.clone())),
            now: Mutex::new(Now {
                mode: wish.mode,
                description: Some(description),
                upgrade: None,
            }),
        })
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().ignore_poison()
    }

    /// Its number in the ledger.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// By which of the system's locks.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// Which bytes.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }

    /// The thread of JavaScript that has it.
    #[must_use]
    pub fn thread(&self) -> u32 {
        self.thread
    }

    /// Shared or exclusive; none once it is released.
    #[must_use]
    pub fn mode(&self) -> Option<LockMode> {
        let now = self.now();
        now.description.is_some().then_some(now.mode)
    }

    /// Makes it exclusive if that can be done at once: whether it is now.
    pub fn try_upgrade(&self) -> Result<bool> {
        let file = || Some(self.now().description.as_ref()?.file);
        let is_refused = |is_exclusive: &bool| !is_exclusive;
        retry::beside(LockMode::Exclusive, self.span, file, is_refused, || {
            let mut now = self.now();
            if self.is_hindered(&now) {
                return Ok(false);
            }
            self.change(&mut now, LockMode::Exclusive)
        })
    }

    /// Whether another lock of this process on the same bytes waits to become exclusive. It is
    /// shared until then, and so in the way; and where a lock is changed in several steps, two that
    /// try at once could lose theirs.
    fn is_hindered(&self, now: &Now) -> bool {
        now.mode == LockMode::Shared
            && now.upgrade.as_ref().is_none_or(|wait| wait.is_abandoned())
            && now
                .description
                .as_ref()
                .is_some_and(|description| registry::is_being_upgraded(description.file, self.span))
    }

    /// Why it can't be exclusive: somebody else has a lock on the same bytes.
    #[must_use]
    pub fn busy(&self, waited: Option<u64>) -> Error {
        let wish = Wish {
            mode: LockMode::Exclusive,
            span: self.span,
            thread: self.thread,
            stack: None,
        };
        let holder = match &self.now().description {
            Some(description) => registry::who_is_in_the_way(description.file, &wish, self.id),
            None => Party::Other,
        };
        error::busy(&wish, holder, waited).at(self.source.name())
    }

    /// Makes it shared, without a moment in which there is none.
    pub fn downgrade(&self) -> Result<()> {
        let mut now = self.now();
        self.change(&mut now, LockMode::Shared).map(drop)
    }

    fn change(&self, now: &mut Now, mode: LockMode) -> Result<bool> {
        let Some(description) = now.description.clone() else {
            return Err(error::released().at(self.source.name()));
        };
        if now.mode == mode {
            return Ok(true);
        }
        let is_changed = description
            .change(mode, self.span, false)
            .map_err(|error| self.explain(now, error, mode))?;
        if is_changed {
            self.set_mode(now, mode);
        }
        Ok(is_changed)
    }

    fn set_mode(&self, now: &mut Now, mode: LockMode) {
        now.mode = mode;
        registry::change(self.id, |line| line.mode = mode);
    }

    /// A lock that the system has lost is released.
    fn explain(&self, now: &mut Now, error: Error, mode: LockMode) -> Error {
        let error = error::explain_held(error, mode);
        if matches!(
            error,
            Error::Rule {
                code: "ERR_MEMMAP_LOCK_LOST",
                ..
            }
        ) {
            now.description = None;
            registry::leave(self.id);
        }
        error.at(self.source.name())
    }

    /// Starts waiting to have it exclusive; the request is settled when it is. It stays shared
    /// until then, and when the request is cancelled.
    pub fn upgrade(self: &Arc<Self>, stack: Option<String>, request: &Arc<Request>) {
        let begun = {
            let mut now = self.now();
            self.begin_upgrade(&mut now, stack, request)
        };
        match begun {
            // Starting takes the locks of the waits, which are never taken under that of a lock.
            Ok(Some(wait)) => waiter::begin(wait),
            Ok(None) => {}
            Err(error) => {
                request.settle(Err(error));
            }
        }
    }

    fn begin_upgrade(
        self: &Arc<Self>,
        now: &mut Now,
        stack: Option<String>,
        request: &Arc<Request>,
    ) -> Result<Option<Arc<Wait>>> {
        let name = self.source.name();
        let pending = now.upgrade.clone();
        if pending.as_ref().is_some_and(|wait| !wait.is_abandoned()) {
            return Err(error::deadlock("This lock is being upgraded already").at(name));
        }
        if self.is_hindered(now) {
            return Err(error::deadlock(
                "Another lock of this process on these bytes waits to become exclusive too, and \
                 each would wait for the other: release one of them",
            )
            .at(name));
        }
        if self.change(now, LockMode::Exclusive)? {
            request.settle(Ok(Arc::clone(self)));
            return Ok(None);
        }
        let Some(description) = now.description.clone() else {
            return Err(error::released().at(name));
        };
        let wish = Wish {
            mode: LockMode::Exclusive,
            span: self.span,
            thread: self.thread,
            stack,
        };
        let claim = Claim::new(&self.source, wish, request);
        claim.enter(&description, State::Upgrading);
        if let Some(pending) = pending {
            // The kernel still waits for one that was given up.
            pending.adopt(Arc::new(claim));
            return Ok(None);
        }
        let wait = Wait::new(claim, description, Some(Arc::clone(self)));
        now.upgrade = Some(Arc::clone(&wait));
        Ok(Some(wait))
    }

    /// The wait in the kernel has come to its end. Nobody adopts it from here on: that is done
    /// under the same lock.
    pub(super) fn end_upgrade(self: &Arc<Self>, wait: &Wait, result: Result<bool>) {
        let mut now = self.now();
        now.upgrade = None;
        let claim = wait.claim();
        let Some(description) = now.description.clone() else {
            // It was released meanwhile; what the kernel gave afterwards goes here.
            wait.description.let_go(self.span);
            claim.settle(Err(error::released()));
            return;
        };
        match result {
            Err(error) => {
                let error = self.explain(&mut now, error, LockMode::Exclusive);
                claim.settle(Err(error));
            }
            Ok(_) if now.mode == LockMode::Exclusive || claim.settle(Ok(Arc::clone(self))) => {
                self.set_mode(&mut now, LockMode::Exclusive);
            }
            // Nobody wants it any more. Where this fails others are shut out, and no more.
            Ok(_) => drop(description.change(LockMode::Shared, self.span, false)),
        }
    }

    /// Forgets a wait that has not begun, unless somebody wants it: whether it did.
    pub(super) fn forget_upgrade(&self, wait: &Wait) -> bool {
        let mut now = self.now();
        let is_abandoned = wait.is_abandoned();
        if is_abandoned {
            now.upgrade = None;
        }
        is_abandoned
    }

    /// Releases it; false if it was released before.
    pub fn release(&self) -> Result<bool> {
        let (description, upgrade) = {
            let mut now = self.now();
            (now.description.take(), now.upgrade.clone())
        };
        let Some(description) = description else {
            return Ok(false);
        };
        registry::leave(self.id);
        // A thread that waits for the upgrade keeps the description open: closing is not enough.
        let result = description.lock(None, self.span, false);
        fairness::released(description.file);
        if let Some(wait) = upgrade {
            wait.claim().settle(Err(error::released()));
        }
        match result {
            Ok(_) => {
                self.source.put_back(description);
                Ok(true)
            }
            // Closing the description releases it in any case.
            Err(error) => Err(error::explain_held(error, LockMode::Shared).at(self.source.name())),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Nobody is left who could be told of a failure.
        let _ = self.release();
    }
}
