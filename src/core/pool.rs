//! Threads of our own for work that may wait for a disk.
//!
//! libuv's four threads serve the whole of Node; a slow disk under a mapping must not take them
//! from it. Threads are started when work comes and none is idle, and end after a while without
//! work. The process does not wait for them when it exits.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::sys;

/// So many that closing and flushing don't stand behind long searches, or a disk that hangs. They
/// cost addresses; memory only as far as they use their stacks.
const MOST_THREADS: usize = 64;
const IDLE: Duration = Duration::from_secs(10);
/// The work is system calls with little of their own.
const STACK: usize = 256 * 1024;

type Job = Box<dyn FnOnce() + Send>;

struct Pool {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

static POOL: Mutex<Pool> = Mutex::new(Pool {
    jobs: VecDeque::new(),
    threads: 0,
    idle: 0,
});
static WORK: Condvar = Condvar::new();

fn lock() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `job` on a thread of ours, in the order of arrival. Where no thread can be started it
/// runs here and now: late is better than never.
pub fn run(job: impl FnOnce() + Send + 'static) {
    let mut pool = lock();
    pool.jobs.push_back(Box::new(job));
    if pool.idle >= pool.jobs.len() || pool.threads == MOST_THREADS {
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
        let orphan = if pool.threads == 0 {
            pool.jobs.pop_front()
        } else {
            None
        };
        drop(pool);
        if let Some(job) = orphan {
            job();
        }
    }
}

fn work() {
    sys::block_signals();
    sys::wake_without_haste();
    let mut pool = lock();
    loop {
        if let Some(job) = pool.jobs.pop_front() {
            drop(pool);
            // A job reports its own failures; a panic in one must not take the thread's place
            // in the count with it.
            let _ = catch_unwind(AssertUnwindSafe(job));
            pool = lock();
            continue;
        }
        pool.idle += 1;
        let (guard, timeout) = WORK
            .wait_timeout(pool, IDLE)
            .unwrap_or_else(PoisonError::into_inner);
        pool = guard;
        pool.idle -= 1;
        if timeout.timed_out() && pool.jobs.is_empty() {
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
    fn every_job_runs_even_after_one_that_panics() {
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
    fn many_waiting_jobs_do_not_hold_up_the_next() {
        let gate = std::sync::Arc::new(std::sync::Barrier::new(31));
        let (done, finished) = channel();
        for _ in 0..30 {
            let gate = std::sync::Arc::clone(&gate);
            run(move || {
                gate.wait();
            });
        }
        run(move || done.send(()).unwrap());
        finished.recv_timeout(Duration::from_secs(10)).unwrap();
        gate.wait();
    }
}
