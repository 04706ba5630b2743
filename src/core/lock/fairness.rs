//! Fairness between processes that lock the same file.
//!
//! The kernel lets a released lock be taken again before the waiters that it has just woken run. A
//! process that releases and takes a lock in a loop would shut out all others, and cannot notice
//! it, because the kernel does not report waiters. A process may therefore take locks of a file
//! without waiting for at most [`MAX_STREAK`]. After that its next request waits like any other,
//! which costs the start of a thread.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::description::FileId;
use crate::core::poison::IgnorePoison;

/// How long a process may take locks of one file without waiting. This is long compared with the
/// start of a thread, and too short for users to notice.
const MAX_STREAK: Duration = Duration::from_millis(1);
/// The number of files that are remembered, by their numbers. Two files that share a slot only
/// lose some fairness.
const SLOTS: usize = 64;

/// A run of locks of one file that this process took without waiting.
#[derive(Debug, Clone, Copy)]
struct Streak {
    file: FileId,
    since: Instant,
    /// The time of the last release, or nothing while a lock is held.
    released: Option<Instant>,
}

static STREAKS: Mutex<[Option<Streak>; SLOTS]> = Mutex::new([None; SLOTS]);

fn with_streak<T>(file: FileId, act: impl FnOnce(&mut Option<Streak>) -> T) -> T {
    let mut streaks = STREAKS.lock().ignore_poison();
    let streak = &mut streaks[(file.0 ^ file.1) as usize % SLOTS];
    if streak.is_some_and(|streak| streak.file != file) {
        *streak = None;
    }
    act(streak)
}

/// Reports whether this process may take a lock of the file without waiting.
pub(super) fn may_take_now(file: FileId) -> bool {
    let now = Instant::now();
    with_streak(file, |streak| {
        let Some(streak) = streak else { return true };
        let Some(released) = streak.released else {
            return true;
        };
        // The pause was long enough for waiters to wake up.
        if now - released > MAX_STREAK {
            streak.since = now;
        }
        now - streak.since <= MAX_STREAK
    })
}

/// Notes that a lock was taken. A lock that was waited for begins a new streak.
pub(super) fn note_taken(file: FileId, has_waited: bool) {
    with_streak(file, |streak| match streak {
        Some(streak) if !has_waited => streak.released = None,
        _ => {
            *streak = Some(Streak {
                file,
                since: Instant::now(),
                released: None,
            });
        }
    });
}

/// Notes that a lock was released.
pub(super) fn note_released(file: FileId) {
    with_streak(file, |streak| {
        if let Some(streak) = streak {
            streak.released = Some(Instant::now());
        }
    });
}

/// Makes the streak of a file exceed the limit, and stay so.
#[cfg(all(test, unix))]
pub(super) fn exhaust(file: FileId) {
    let now = Instant::now();
    with_streak(file, |streak| {
        *streak = Some(Streak {
            file,
            since: now.checked_sub(2 * MAX_STREAK).unwrap(),
            released: Some(now + 1_000_000 * MAX_STREAK),
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_streak_beyond_the_limit_has_to_wait_and_a_wait_begins_a_new_one() {
        let file = (u64::MAX, 1);
        // The system may suspend this thread for longer than the limit, and the file of another
        // test may share the slot.
        let soon = |holds: &dyn Fn() -> bool| (0..100).any(|_| holds());
        let start_streak = |ago: Duration| {
            with_streak(file, |streak| {
                *streak = Some(Streak {
                    file,
                    since: Instant::now().checked_sub(ago).unwrap(),
                    released: None,
                });
            });
        };
        let may_take_again = |ago, has_waited| {
            start_streak(ago);
            note_taken(file, has_waited);
            note_released(file);
            may_take_now(file)
        };
        let ago = 2 * MAX_STREAK;
        assert!(
            soon(&|| may_take_again(Duration::ZERO, false)),
            "the streak is within the limit"
        );
        assert!(
            soon(&|| !may_take_again(ago, false)),
            "the streak exceeds the limit, and the release was just now"
        );
        assert!(
            soon(&|| may_take_again(ago, true)),
            "the lock was waited for"
        );
    }

    #[test]
    fn a_file_that_takes_the_slot_of_another_has_no_streak() {
        let file = (u64::MAX, 2);
        note_taken(file, false);
        let other = (u64::MAX, 2 + SLOTS as u64);
        assert!(may_take_now(other));
        with_streak(other, |streak| assert!(streak.is_none()));
    }
}
