//! A thread pool for work that can block on a disk.
//!
//! The four threads of libuv's pool serve all of Node, so a slow disk under a mapping must not block
//! them. A thread is started when a task arrives and no thread is idle, and ends after 10 seconds
//! without work. The process does not wait for the threads when it exits.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

use super::sys;
use crate::core::poison::IgnorePoison;

/// The maximum number of threads. It is high enough that one stalled disk cannot block close and
/// flush. An idle thread costs address space, and memory only for the used part of its stack.
const MAX_THREADS: usize = 64;
/// The maximum number of threads that search at a time. A search can take minutes, so the other
/// threads stay free for short tasks; more concurrent searches than processors would not end sooner.
const MAX_SEARCHES: usize = 48;
/// The time after which an idle thread ends.
const IDLE: Duration = Duration::from_secs(10);
/// The size of the stack of a thread, in bytes. Tasks mostly make system calls and need little stack.
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
    /// Removes and returns the oldest task that may run now.
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

/// Runs `task` on a thread of the pool. Tasks start in the order of arrival. If the pool has no
/// thread and none can be started, the task runs on the calling thread before this function returns.
pub fn run(task: impl FnOnce() + Send + 'static) {
    start(Kind::Call, Box::new(task));
}

/// Runs a task that reads through a mapping and can take long. At most [`MAX_SEARCHES`] such tasks
/// run at a time, so that tasks of [`run`] still find a thread.
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
    // The library must stay loaded as long as its threads run.
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
            // A task reports its own failures. A panic is caught so that the counts of threads and
            // searches stay right.
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
    fn every_task_runs_even_after_a_panic() {
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
    fn many_searches_do_not_delay_a_call_and_all_end() {
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
