//! Waiting for locks: a thread of ours for each, which sleeps in the kernel.
//!
//! A sleep in the kernel can't be called off without a signal, and an add-on has no signal to
//! spare. So a request that is given up is settled at once, and what sleeps for it goes on: the
//! next request for the same takes it over; where none comes, the lock is released in the moment
//! that it is granted ([`super::retry`]). That way giving up a thousand times leaves one thread
//! and not a thousand.
//!
//! Beyond a number of threads requests stand in a queue. So that none has to wait there for locks
//! that have nothing to do with it, the queue is tried every millisecond. On Windows all do.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::super::error::{Error, Result};
use super::super::sys;
use super::held_lock::Held;
use super::lockable_file::{Description, FileId, Source};
use super::registry::{self, Line, Owner, State};
use super::{Attempt, LockMode, Span, Wish, attempt, fairness};
use crate::core::poison::IgnorePoison;

/// More would be a mistake of the program, or locks that nobody releases.
const MOST_THREADS: usize = 64;
/// The work is one system call.
const STACK: usize = 64 * 1024;
/// How long the queue is left alone.
const PAUSE: Duration = Duration::from_millis(1);

type Deliver = Box<dyn FnOnce(Result<Arc<Held>>) + Send>;

enum Progress {
    Open(Deliver),
    /// With what it was granted.
    Settled(Weak<Held>),
}

/// A request for a lock, which is settled once: it is granted, it fails, or it is given up.
pub struct Request {
    progress: Mutex<Progress>,
    /// Its line in the ledger while it waits; 0 before.
    line: AtomicU64,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").finish_non_exhaustive()
    }
}

impl Request {
    /// A request of which `deliver` gets the end.
    pub fn new(deliver: impl FnOnce(Result<Arc<Held>>) + Send + 'static) -> Arc<Self> {
        Arc::new(Self {
            progress: Mutex::new(Progress::Open(Box::new(deliver))),
            line: AtomicU64::new(0),
        })
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().ignore_poison()
    }

    fn is_settled(&self) -> bool {
        matches!(*self.progress(), Progress::Settled(_))
    }

    /// Settles it; false if it was settled before, and `result` is dropped then.
    pub(super) fn settle(&self, result: Result<Arc<Held>>) -> bool {
        let deliver = {
            let mut progress = self.progress();
            let Progress::Open(_) = *progress else {
                return false;
            };
            let granted = result.as_ref().map_or_else(|_| Weak::new(), Arc::downgrade);
            std::mem::replace(&mut *progress, Progress::Settled(granted))
        };
        registry::leave(self.line.load(Ordering::Acquire));
        if let Progress::Open(deliver) = deliver {
            deliver(result);
        }
        true
    }

    /// Releases the lock that it was granted, before anybody has heard of that.
    pub fn take_back(&self) {
        let granted = match &*self.progress() {
            Progress::Open(_) => None,
            Progress::Settled(granted) => granted.upgrade(),
        };
        if let Some(held) = granted {
            // Its promise has been rejected: nobody is left who could be told of a failure.
            let _ = held.release();
        }
    }

    /// Gives it up; false if it was settled before.
    pub fn cancel(&self) -> bool {
        self.settle(Err(Error::rule("ABORT_ERR", "The operation was aborted")))
    }
}

/// A request with what it asks for.
pub(super) struct Claim {
    pub(super) source: Arc<Source>,
    pub(super) wish: Wish,
    request: Arc<Request>,
}

impl Claim {
    pub(super) fn new(source: &Arc<Source>, wish: Wish, request: &Arc<Request>) -> Self {
        Self {
            source: Arc::clone(source),
            wish,
            request: Arc::clone(request),
        }
    }

    /// Writes it into the ledger.
    pub(super) fn enter(&self, description: &Description, state: State) {
        let line = Line {
            id: 0,
            path: self.source.name().map(str::to_owned),
            mode: self.wish.mode,
            span: self.wish.span,
            state,
            method: description.method(),
            thread: self.wish.thread,
            stack: self.wish.stack.clone(),
            file: description.file,
        };
        let id = registry::enter(line, Owner::Request(Arc::downgrade(&self.request)));
        let before = self.request.line.swap(id, Ordering::AcqRel);
        registry::leave(before);
        if self.request.is_settled() {
            registry::leave(id);
        }
    }

    pub(super) fn settle(&self, result: Result<Arc<Held>>) -> bool {
        self.request
            .settle(result.map_err(|error| error.at(self.source.name())))
    }
}

/// A sleep in the kernel.
pub(super) struct Wait {
    pub(super) description: Arc<Description>,
    claim: Mutex<Arc<Claim>>,
    /// The lock that shall become exclusive, if it isn't for a new one.
    lock: Option<Arc<Held>>,
}

impl std::fmt::Debug for Wait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wait").finish_non_exhaustive()
    }
}

impl Wait {
    pub(super) fn new(
        claim: Claim,
        description: Arc<Description>,
        lock: Option<Arc<Held>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            description,
            claim: Mutex::new(Arc::new(claim)),
            lock,
        })
    }

    pub(super) fn claim(&self) -> Arc<Claim> {
        Arc::clone(&self.claim.lock().ignore_poison())
    }

    /// Whether nobody wants any more what it waits for.
    pub(super) fn is_abandoned(&self) -> bool {
        self.claim().request.is_settled()
    }

    /// Waits for another one from now on.
    pub(super) fn adopt(&self, claim: Arc<Claim>) {
        *self.claim.lock().ignore_poison() = claim;
    }

    /// Whether what it waits for would do for another one as well.
    fn is_like(&self, other: &Self) -> bool {
        let (mine, others) = (self.claim(), other.claim());
        self.lock.is_none()
            && other.lock.is_none()
            && mine.wish.mode == others.wish.mode
            && mine.wish.span == others.wish.span
            && self.description.is_like(&other.description)
    }

    /// Whether what it waits for excludes a lock of this mode and span.
    fn is_in_the_way(&self, mode: LockMode, span: Span) -> bool {
        let wish = &self.claim().wish;
        wish.mode.excludes(mode) && wish.span.overlaps(span)
    }

    /// Whether no lock of anybody else is in its way.
    fn is_awaking(&self) -> bool {
        let wish = &self.claim().wish;
        self.description.is_to_be_had(wish.mode, wish.span)
    }

    /// Gets the lock in the kernel, or not.
    fn lock(&self, wait: bool) -> Result<bool> {
        let wish = &self.claim().wish;
        match &self.lock {
            None => self.description.lock(Some(wish.mode), wish.span, wait),
            Some(_) => self.description.change(wish.mode, wish.span, wait),
        }
    }

    /// In the queue there is nothing to keep for the next one.
    fn is_given_up(self: &Arc<Self>) -> bool {
        match &self.lock {
            None => self.is_abandoned(),
            Some(lock) => lock.forget_upgrade(self),
        }
    }

    /// The kernel has answered: hands the lock over, or lets it go where nobody wants it any more.
    fn conclude(self: &Arc<Self>, result: Result<bool>) {
        if let Some(lock) = &self.lock {
            lock.end_upgrade(self, result);
            return;
        }
        let claim = self.claim();
        let (source, wish) = (&claim.source, &claim.wish);
        let granted = result.and_then(|_| {
            if claim.request.is_settled() {
                self.description.let_go(wish.span);
                return Ok(None);
            }
            if source.leads_to(&self.description)? {
                fairness::took(self.description.file, true);
                let held = Held::enter(source, wish, Arc::clone(&self.description));
                return Ok(Some(Attempt::Held(held)));
            }
            // The file was replaced while its lock was waited for: once more, with the new one.
            self.description.let_go(wish.span);
            attempt(source, wish, false).map(Some)
        });
        match granted {
            Ok(None) => {}
            // If it was given up at the last moment the lock is dropped, which releases it.
            Ok(Some(Attempt::Held(held))) => {
                claim.settle(Ok(held));
            }
            Ok(Some(Attempt::Busy(description))) => {
                claim.enter(&description, State::Waiting);
                begin(Self::of(claim, description));
            }
            Err(error) => {
                claim.settle(source.explain(wish.mode, || Err(error)));
            }
        }
    }

    fn of(claim: Arc<Claim>, description: Description) -> Arc<Self> {
        Arc::new(Self {
            description: Arc::new(description),
            claim: Mutex::new(claim),
            lock: None,
        })
    }
}

struct Waits {
    threads: usize,
    /// What the threads sleep for.
    asleep: Vec<Arc<Wait>>,
    /// What the kernel is asked for or has answered at this moment. Nobody adopts it.
    ending: Vec<Arc<Wait>>,
    queue: VecDeque<Arc<Wait>>,
    is_polling: bool,
}

impl Waits {
    fn forget(&mut self, wait: &Arc<Wait>) {
        self.asleep.retain(|other| !Arc::ptr_eq(other, wait));
        self.ending.retain(|other| !Arc::ptr_eq(other, wait));
    }

    fn is_asleep(&self, wait: &Arc<Wait>) -> bool {
        self.asleep.iter().any(|other| Arc::ptr_eq(other, wait))
    }

    /// From here on nobody adopts it.
    fn end(&mut self, wait: &Arc<Wait>) {
        self.forget(wait);
        self.ending.push(Arc::clone(wait));
    }

    /// The first in the queue, which the kernel is asked for next.
    fn take(&mut self) -> Option<Arc<Wait>> {
        let wait = self.queue.pop_front()?;
        self.ending.push(Arc::clone(&wait));
        Some(wait)
    }
}

static WAITS: Mutex<Waits> = Mutex::new(Waits {
    threads: 0,
    asleep: Vec::new(),
    ending: Vec::new(),
    queue: VecDeque::new(),
    is_polling: false,
});

fn waits() -> MutexGuard<'static, Waits> {
    WAITS.lock().ignore_poison()
}

/// How many threads wait, and how many requests stand in the queue.
#[must_use]
pub fn waiting() -> (usize, usize) {
    let waits = waits();
    (waits.threads, waits.queue.len())
}

/// Whether a thread has, or is about to get, a lock that nobody wants any more and that is in the
/// way of one of this mode and span.
pub(super) fn is_passing(mode: LockMode, span: Span, file: impl Fn() -> Option<FileId>) -> bool {
    let is_unwanted = |wait: &&Arc<Wait>| wait.is_in_the_way(mode, span) && wait.is_abandoned();
    let (asleep, ending): (Vec<_>, Vec<_>) = {
        let waits = waits();
        (
            waits.asleep.iter().filter(is_unwanted).cloned().collect(),
            waits.ending.iter().filter(is_unwanted).cloned().collect(),
        )
    };
    if asleep.is_empty() && ending.is_empty() {
        return false;
    }
    let Some(file) = file() else { return false };
    let is_of_it = |wait: &&Arc<Wait>| wait.description.file == file;
    ending.iter().any(|wait| is_of_it(&wait))
        || asleep.iter().filter(is_of_it).any(|wait| wait.is_awaking())
        // One may have let go meanwhile, and another one have got it.
        || asleep.iter().filter(is_of_it).any(|wait| !waits().is_asleep(wait))
}

/// How many threads sleep for locks of a file.
#[cfg(test)]
pub(super) fn asleep_for(file: FileId) -> usize {
    let is_of_it = |wait: &&Arc<Wait>| wait.description.file == file;
    waits().asleep.iter().filter(is_of_it).count()
}

/// Starts to wait for a lock that was not to be had at once.
pub(super) fn start(claim: Claim, description: Description) {
    claim.enter(&description, State::Waiting);
    begin(Wait::of(Arc::new(claim), description));
}

/// Lets a thread sleep for it: one that sleeps for the same already, or a new one.
pub(super) fn begin(wait: Arc<Wait>) {
    let mut waits = waits();
    let like = waits
        .asleep
        .iter()
        .find(|other| other.is_like(&wait) && other.is_abandoned());
    if let Some(other) = like {
        other.adopt(wait.claim());
        drop(waits);
        let source = Arc::clone(&wait.claim().source);
        if let Some(wait) = Arc::into_inner(wait) {
            source.put_back(wait.description);
        }
        return;
    }
    if waits.threads == MOST_THREADS || !sys::SLEEPS_FOR_LOCKS {
        enqueue(waits, wait);
        return;
    }
    waits.threads += 1;
    waits.asleep.push(Arc::clone(&wait));
    drop(waits);
    let for_thread = Arc::clone(&wait);
    if spawn(move || sleep(for_thread)).is_err() {
        let mut waits = self::waits();
        waits.threads -= 1;
        waits.forget(&wait);
        enqueue(waits, wait);
    }
}

fn enqueue(mut waits: MutexGuard<'_, Waits>, wait: Arc<Wait>) {
    waits.queue.push_back(wait);
    if std::mem::replace(&mut waits.is_polling, true) {
        return;
    }
    drop(waits);
    if let Err(error) = spawn(poll) {
        let orphans = {
            let mut waits = self::waits();
            waits.is_polling = false;
            std::mem::take(&mut waits.queue)
        };
        let error = Error::from_io(&error, "pthread_create")
            .because("no thread could be started to wait for the lock");
        for wait in orphans {
            wait.conclude(Err(error.clone()));
        }
    }
}

fn spawn(work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    // The library must outlive its threads.
    sys::pin_library();
    thread::Builder::new()
        .name("memmap lock".into())
        .stack_size(STACK)
        .spawn(move || {
            sys::block_signals();
            work();
        })
        .map(drop)
}

/// Sleeps for one lock after the other, until nothing is left in the queue.
fn sleep(mut wait: Arc<Wait>) {
    loop {
        let result = if is_dismissed(&wait) {
            Ok(false)
        } else {
            wait.lock(true)
        };
        waits().end(&wait);
        conclude(&wait, result);
        waits().forget(&wait);
        drop(wait);
        let mut waits = waits();
        let Some(next) = waits.queue.pop_front() else {
            waits.threads -= 1;
            return;
        };
        waits.asleep.push(Arc::clone(&next));
        wait = next;
    }
}

/// Whether it was given up before the sleep began: then nobody adopts it any more.
fn is_dismissed(wait: &Arc<Wait>) -> bool {
    let mut waits = waits();
    let is_dismissed = wait.lock.is_none() && wait.is_abandoned();
    if is_dismissed {
        waits.forget(wait);
    }
    is_dismissed
}

/// Tries what stands in the queue, in its order, again and again until nothing is left.
fn poll() {
    loop {
        let count = {
            let mut waits = waits();
            if waits.queue.is_empty() {
                waits.is_polling = false;
                return;
            }
            waits.queue.len()
        };
        let began = Instant::now();
        // What is not to be had for one is not for the next who wants the same.
        let mut refused: Vec<Arc<Wait>> = Vec::new();
        for _ in 0..count {
            let Some(wait) = waits().take() else {
                break;
            };
            let is_over = ask(&wait, &mut refused);
            let mut waits = waits();
            waits.forget(&wait);
            if !is_over {
                waits.queue.push_back(wait);
            }
        }
        // A long queue must not take a processor for itself.
        thread::sleep(PAUSE.max(began.elapsed() * 4));
    }
}

/// Asks the kernel once, unless it has just refused another one the same; false if it has to be
/// asked again.
fn ask(wait: &Arc<Wait>, refused: &mut Vec<Arc<Wait>>) -> bool {
    if wait.is_given_up() {
        return true;
    }
    if refused.iter().any(|other| other.is_like(wait)) {
        return false;
    }
    match wait.lock(false) {
        Ok(false) => {
            refused.push(Arc::clone(wait));
            false
        }
        result => {
            conclude(wait, result);
            true
        }
    }
}

/// A panic must not take the thread's place in the count with it; the request fails.
fn conclude(wait: &Arc<Wait>, result: Result<bool>) {
    if catch_unwind(AssertUnwindSafe(|| wait.conclude(result))).is_err() {
        let message = "A thread of the library panicked: this is a bug in it";
        wait.claim()
            .settle(Err(Error::rule("ERR_INTERNAL", message)));
    }
}
