//! Threads of our own for work that may wait for a disk.
//!
//! libuv's four threads serve the whole of Node; a slow disk under a mapping must not take them
//! from it. Threads are started when work comes and none is idle, and end after a while without
//! work. The process does not wait for them when it exits.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

use super::sys;
use crate::core::poison::IgnorePoison;

/// So many that closing and flushing don't stand behind a disk that hangs. They cost addresses;
/// memory only as far as they use their stacks.
const MAX_THREADS: usize = 64;
/// So many of them may search at a time: a search can take minutes, and more at once than there
/// are processors don't end any sooner.
const MAX_SEARCHES: usize = 48;
const IDLE: Duration = Duration::from_secs(10);
/// The work is system calls with little of their own.
const STACK: usize = 256 * 1024;

type Task = Box<dyn FnOnce() + Send>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Call,
    Search,
}

struct Pool {
    tasks: VecDeque<(Kind, Task)>,
    threads: usize,
    idle: usize,
    searches: usize,
}

impl Pool {
    /// The task that came first, of those that may run now.
    fn next(&mut self) -> Option<(Kind, Task)> {
        let is_full = self.searches >= MAX_SEARCHES;
        let index = self
            .tasks
            .iter()
            .position(|(kind, _)| !(is_full && *kind == Kind::Search))?;
        let task = self.tasks.remove(index)?;
        self.searches += usize::from(task.0 == Kind::Search);
        Some(task)
    }
}

static POOL: Mutex<Pool> = Mutex::new(Pool {
    tasks: VecDeque::new(),
    threads: 0,
    idle: 0,
    searches: 0,
});
static WORK: Condvar = Condvar::new();

fn lock() -> MutexGuard<'static, Pool> {
    POOL.lock().ignore_poison()
}

/// Runs `task` on a thread of ours, in the order of arrival. Where no thread can be started it
/// runs here and now: late is better than never.
pub fn run(task: impl FnOnce() + Send + 'static) {
    start(Kind::Call, Box::new(task));
}

/// The same for what goes through a mapping and may take long. What is run otherwise finds a thread
/// all the same.
pub fn run_search(task: impl FnOnce() + Send + 'static) {
    start(Kind::Search, Box::new(task));
}

fn start(kind: Kind, task: Task) {
    let mut pool = lock();
    pool.tasks.push_back((kind, task));
    if pool.idle >= pool.tasks.len() || pool.threads == MAX_THREADS {
        WORK.notify_one();
        return;
    }
    pool.threads += 1;
    drop(pool);
    // The library must outlive its threads.
    sys::pin_library();
    let started = std::thread::Builder::new()
        .name("memmap".into())
        .stack_size(STACK)
        .spawn(work);
    if started.is_err() {
        let mut pool = lock();
        pool.threads -= 1;
        let orphan = if pool.threads == 0 { pool.next() } else { None };
        drop(pool);
        if let Some((kind, task)) = orphan {
            task();
            lock().searches -= usize::from(kind == Kind::Search);
        }
    }
}

fn work() {
    sys::block_signals();
    sys::use_batch_scheduling();
    let mut pool = lock();
    loop {
        if let Some((kind, task)) = pool.next() {
            drop(pool);
            // A task reports its own failures; a panic in one must not take the thread's place
            // in the count with it.
            let _ = catch_unwind(AssertUnwindSafe(task));
            pool = lock();
            pool.searches -= usize::from(kind == Kind::Search);
            continue;
        }
        pool.idle += 1;
        let (guard, timeout) = WORK.wait_timeout(pool, IDLE).ignore_poison();
        pool = guard;
        pool.idle -= 1;
        if timeout.timed_out() && pool.tasks.is_empty() {
            pool.threads -= 1;
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn every_task_runs_even_after_one_that_panics() {
        let (sender, receiver) = channel();
        for i in 0..100 {
            let sender = sender.clone();
            run(move || {
                sender.send(i).unwrap();
                assert!(i != 7, "expected by this test");
            });
        }
        drop(sender);
        let mut seen: Vec<i32> = receiver.iter().collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn many_searches_do_not_hold_up_the_next_call_and_all_are_done() {
        let gate = std::sync::Arc::new(std::sync::RwLock::new(()));
        let closed = gate.write().unwrap();
        let (searched, all) = channel();
        for _ in 0..MAX_THREADS * 2 {
            let (gate, searched) = (std::sync::Arc::clone(&gate), searched.clone());
            run_search(move || {
                drop(gate.read());
                searched.send(()).unwrap();
            });
        }
        drop(searched);
        let (done, finished) = channel();
        run(move || done.send(()).unwrap());
        finished.recv_timeout(Duration::from_secs(10)).unwrap();
        drop(closed);
        assert_eq!(all.iter().count(), MAX_THREADS * 2);
    }
}
