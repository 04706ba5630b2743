//! The threads that sleep, and the queue for requests beyond their number.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use super::wait::Wait;
use crate::core::error::{Error, Result};
use crate::core::poison::IgnorePoison;
use crate::core::sys;

/// The stack of a thread, in bytes. A thread makes one system call and delivers its result.
const STACK_SIZE: usize = 64 * 1024;
/// The time between two passes over the queue.
const POLL_INTERVAL: Duration = Duration::from_millis(1);
/// A pass over a long queue takes at most a fifth of the time of a processor: the pause after it is
/// at least this many times as long as the pass itself.
const PAUSE_PER_PASS: u32 = 4;

/// Runs waits of one kind, each on a thread of its own up to a limit.
///
/// Requests beyond the limit wait in a queue, which one thread polls every millisecond with calls
/// that do not sleep. A request in the queue therefore never waits for a thread that sleeps for an
/// unrelated grant.
pub struct Waiter<W> {
    thread_name: &'static str,
    max_threads: usize,
    state: Mutex<State<W>>,
}

struct State<W> {
    threads: usize,
    /// Waits for which a thread sleeps, or is about to. Requests may adopt them.
    asleep: Vec<Arc<W>>,
    /// Waits about which the kernel is being asked without sleeping, or has just answered. No
    /// request adopts them.
    concluding: Vec<Arc<W>>,
    queue: VecDeque<Arc<W>>,
    is_polling: bool,
}

impl<W> State<W> {
    fn forget(&mut self, wait: &Arc<W>) {
        self.asleep.retain(|other| !Arc::ptr_eq(other, wait));
        self.concluding.retain(|other| !Arc::ptr_eq(other, wait));
    }

    /// Removes a wait from the list in which requests look for one to adopt.
    fn begin_concluding(&mut self, wait: &Arc<W>) {
        self.forget(wait);
        self.concluding.push(Arc::clone(wait));
    }

    /// Takes the first wait of the queue, about which the kernel is asked next.
    fn take_from_queue(&mut self) -> Option<Arc<W>> {
        let wait = self.queue.pop_front()?;
        self.concluding.push(Arc::clone(&wait));
        Some(wait)
    }
}

/// Waits for which the kernel is being asked at a moment.
#[derive(Debug)]
pub struct Active<W> {
    /// Waits for which a thread sleeps, or is about to.
    pub asleep: Vec<Arc<W>>,
    /// Waits about which the kernel is being asked without sleeping, or has just answered.
    pub concluding: Vec<Arc<W>>,
}

impl<W> Waiter<W> {
    /// Makes a waiter with at most `max_threads` sleeping threads. With 0 all waits are polled.
    #[must_use]
    pub const fn new(thread_name: &'static str, max_threads: usize) -> Self {
        Self {
            thread_name,
            max_threads,
            state: Mutex::new(State {
                threads: 0,
                asleep: Vec::new(),
                concluding: Vec::new(),
                queue: VecDeque::new(),
                is_polling: false,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().ignore_poison()
    }

    /// Returns the waits for which a condition holds, without those in the queue. The condition is
    /// evaluated while the waiter is locked.
    pub fn active(&self, is_wanted: impl Fn(&W) -> bool) -> Active<W> {
        let state = self.state();
        let select = |waits: &[Arc<W>]| {
            let wanted = waits.iter().filter(|wait| is_wanted(wait));
            wanted.cloned().collect()
        };
        Active {
            asleep: select(&state.asleep),
            concluding: select(&state.concluding),
        }
    }

    /// Reports whether a thread still sleeps for a wait.
    pub fn is_asleep(&self, wait: &Arc<W>) -> bool {
        let state = self.state();
        state.asleep.iter().any(|other| Arc::ptr_eq(other, wait))
    }
}

impl<W: Wait> Waiter<W> {
    /// Starts a wait: lets an abandoned wait that sleeps for the same grant adopt its request, or
    /// starts a thread, or puts it into the queue.
    pub fn start(&'static self, wait: Arc<W>) {
        let mut state = self.state();
        let replacement = state
            .asleep
            .iter()
            .find(|other| other.can_replace(&wait) && other.is_abandoned());
        if let Some(replacement) = replacement {
            replacement.adopt(&wait);
            drop(state);
            wait.discard();
            return;
        }
        if state.threads == self.max_threads {
            self.enqueue(state, wait);
            return;
        }
        state.threads += 1;
        state.asleep.push(Arc::clone(&wait));
        drop(state);
        let for_thread = Arc::clone(&wait);
        if self.spawn(move || self.sleep(for_thread)).is_err() {
            let mut state = self.state();
            state.threads -= 1;
            state.forget(&wait);
            self.enqueue(state, wait);
        }
    }

    fn enqueue(&'static self, mut state: MutexGuard<'_, State<W>>, wait: Arc<W>) {
        state.queue.push_back(wait);
        if std::mem::replace(&mut state.is_polling, true) {
            return;
        }
        drop(state);
        if let Err(error) = self.spawn(|| self.poll()) {
            let orphans = {
                let mut state = self.state();
                state.is_polling = false;
                std::mem::take(&mut state.queue)
            };
            let error = Error::from_io(&error, "pthread_create")
                .because("no thread could be started to wait for it");
            for wait in orphans {
                wait.conclude(Err(error.clone()));
            }
        }
    }

    fn spawn(&self, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        // The code of the library must stay loaded as long as its threads run.
        sys::pin_library();
        thread::Builder::new()
            .name(self.thread_name.into())
            .stack_size(STACK_SIZE)
            .spawn(move || {
                sys::block_signals();
                work();
            })
            .map(drop)
    }

    /// Sleeps for one wait after another until the queue is empty.
    fn sleep(&'static self, mut wait: Arc<W>) {
        loop {
            let result = if self.forget_if_abandoned(&wait) {
                Ok(false)
            } else {
                wait.ask(true)
            };
            self.state().begin_concluding(&wait);
            conclude(&wait, result);
            self.state().forget(&wait);
            drop(wait);
            let mut state = self.state();
            let Some(next) = state.queue.pop_front() else {
                state.threads -= 1;
                return;
            };
            state.asleep.push(Arc::clone(&next));
            wait = next;
        }
    }

    /// Forgets a wait that was abandoned before its sleep began, so that no request adopts it.
    /// Returns whether it was.
    fn forget_if_abandoned(&self, wait: &Arc<W>) -> bool {
        let mut state = self.state();
        let is_over = wait.is_adoptable() && wait.is_abandoned();
        if is_over {
            state.forget(wait);
        }
        is_over
    }

    /// Asks the kernel about each wait of the queue, in order, until the queue is empty.
    fn poll(&'static self) {
        loop {
            let count = {
                let mut state = self.state();
                if state.queue.is_empty() {
                    state.is_polling = false;
                    return;
                }
                state.queue.len()
            };
            let began = Instant::now();
            // A grant that was refused to one wait is not asked for again in the same pass.
            let mut refused: Vec<Arc<W>> = Vec::new();
            for _ in 0..count {
                let Some(wait) = self.state().take_from_queue() else {
                    break;
                };
                let is_over = ask_once(&wait, &mut refused);
                let mut state = self.state();
                state.forget(&wait);
                if !is_over {
                    state.queue.push_back(wait);
                }
            }
            thread::sleep(POLL_INTERVAL.max(began.elapsed() * PAUSE_PER_PASS));
        }
    }
}

/// Asks the kernel once, unless it has just refused the same grant to another wait. Returns false
/// if the kernel has to be asked again.
fn ask_once<W: Wait>(wait: &Arc<W>, refused: &mut Vec<Arc<W>>) -> bool {
    if wait.end_if_abandoned() {
        return true;
    }
    if refused.iter().any(|other| other.can_replace(wait)) {
        return false;
    }
    match wait.ask(false) {
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

/// Concludes a wait. After a panic the request fails, and the thread stays in the count.
fn conclude<W: Wait>(wait: &Arc<W>, result: Result<bool>) {
    if catch_unwind(AssertUnwindSafe(|| wait.conclude(result))).is_err() {
        let message = "A thread of the library panicked: this is a bug in it";
        wait.fail(Error::rule("ERR_INTERNAL", message));
    }
}
