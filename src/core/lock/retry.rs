//! Retrying while an abandoned wait briefly holds a lock.
//!
//! A thread that slept for a request that was cancelled gets the lock at some time, and releases it
//! at once. An attempt of this process to lock at that moment is not refused because of it.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::description::FileId;
use super::request::LockRange;
use super::wait::{LockWait, WAITER};
use crate::core::error::Result;
use crate::core::sys::LockMode;
use crate::core::waiter::{Active, Wait};

/// The least time during which an attempt is repeated. Only a thread that the system does not
/// schedule holds the lock for longer.
const MIN_TIME: Duration = Duration::from_millis(100);
/// The least number of repetitions. A process that was stopped for a while has not used the time.
const MIN_RETRIES: u32 = 100;
/// The pause between attempts, which is long compared with the system call that unlocks.
const PAUSE: Duration = Duration::from_micros(20);

/// Makes an attempt, which `is_refused` if a lock conflicts with one of this mode and range.
/// Repeats the attempt while the conflict may be an abandoned wait.
pub(super) fn past_abandoned_waits<T>(
    mode: LockMode,
    range: LockRange,
    file: impl Fn() -> Option<FileId>,
    is_refused: impl Fn(&T) -> bool,
    mut attempt: impl FnMut() -> Result<T>,
) -> Result<T> {
    let began = Instant::now();
    let mut tries = 0;
    loop {
        // This is checked first, because the wait may be over after the attempt.
        let may_pass = is_held_for_abandoned_wait(mode, range, &file);
        let result = attempt()?;
        tries += 1;
        let is_enough = tries > MIN_RETRIES && began.elapsed() > MIN_TIME;
        if !may_pass || !is_refused(&result) || is_enough {
            return Ok(result);
        }
        thread::sleep(PAUSE);
    }
}

/// Reports whether a thread has, or is about to get, a conflicting lock for an abandoned wait.
pub(super) fn is_held_for_abandoned_wait(
    mode: LockMode,
    range: LockRange,
    file: impl Fn() -> Option<FileId>,
) -> bool {
    let is_abandoned_conflict =
        |wait: &LockWait| wait.conflicts(mode, range) && wait.is_abandoned();
    let Active { asleep, concluding } = WAITER.active(is_abandoned_conflict);
    if asleep.is_empty() && concluding.is_empty() {
        return false;
    }
    let Some(file) = file() else { return false };
    let is_of_file = |wait: &&Arc<LockWait>| wait.description.file == file;
    concluding.iter().any(|wait| is_of_file(&wait))
        || asleep.iter().filter(is_of_file).any(|wait| wait.is_waking())
        // One wait may have released the lock meanwhile, and another one may have got it.
        || asleep.iter().filter(is_of_file).any(|wait| !WAITER.is_asleep(wait))
}
