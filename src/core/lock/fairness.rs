//! Whose turn it is: the kernel lets a lock be taken again before those it has just woken for it
//! are awake. A process that does so in a loop would shut out all others, and could not know: the
//! kernel tells nobody who waits. So a process may take locks of a file again and again for a
//! moment; then its next request gets in line, which costs it a thread's start.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::lockable_file::FileId;
use crate::core::poison::IgnorePoison;

/// How long one may go on. Long beside the start of a thread, short beside what users notice.
const MOMENT: Duration = Duration::from_millis(1);
/// Files are remembered in so many places by their number; who shares one is only less polite.
const PLACES: usize = 64;

#[derive(Debug, Clone, Copy)]
struct Turn {
    file: FileId,
    /// When it began to take locks without waiting.
    since: Instant,
    /// When it last let one go.
    released: Option<Instant>,
}

static TURNS: Mutex<[Option<Turn>; PLACES]> = Mutex::new([None; PLACES]);

fn with_turn<T>(file: FileId, act: impl FnOnce(&mut Option<Turn>) -> T) -> T {
    let mut turns = TURNS.lock().ignore_poison();
    let turn = &mut turns[(file.0 ^ file.1) as usize % PLACES];
    if turn.is_some_and(|turn| turn.file != file) {
        *turn = None;
    }
    act(turn)
}

/// Whether this process may take a lock of the file without getting in line.
pub(super) fn is_ours(file: FileId) -> bool {
    let now = Instant::now();
    with_turn(file, |turn| {
        let Some(turn) = turn else { return true };
        let Some(released) = turn.released else {
            return true;
        };
        // Who waits has had the time to wake up.
        if now - released > MOMENT {
            turn.since = now;
        }
        now - turn.since <= MOMENT
    })
}

/// Notes that a lock was taken, at once or after its turn came.
pub(super) fn took(file: FileId, waited: bool) {
    with_turn(file, |turn| match turn {
        Some(turn) if !waited => turn.released = None,
        _ => {
            *turn = Some(Turn {
                file,
                since: Instant::now(),
                released: None,
            });
        }
    });
}

/// Notes that a lock was let go.
pub(super) fn released(file: FileId) {
    with_turn(file, |turn| {
        if let Some(turn) = turn {
            turn.released = Some(Instant::now());
        }
    });
}

/// As if this process had just let go what it took again and again; so it stays.
#[cfg(test)]
pub(super) fn end(file: FileId) {
    let now = Instant::now();
    with_turn(file, |turn| {
        *turn = Some(Turn {
            file,
            since: now.checked_sub(2 * MOMENT).unwrap(),
            released: Some(now + 1_000_000 * MOMENT),
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_who_goes_on_for_a_while_gets_in_line_and_then_has_another_turn() {
        let file = (u64::MAX, 1);
        // The system may stop this thread for more than a moment, and another test's file may take
        // the place of this one.
        let soon = |holds: &dyn Fn() -> bool| (0..100).any(|_| holds());
        let since = |ago: Duration| {
            with_turn(file, |turn| {
                *turn = Some(Turn {
                    file,
                    since: Instant::now().checked_sub(ago).unwrap(),
                    released: None,
                });
            });
        };
        let has_turn = |ago, has_waited| {
            since(ago);
            took(file, has_waited);
            released(file);
            is_ours(file)
        };
        let ago = 2 * MOMENT;
        assert!(
            soon(&|| has_turn(Duration::ZERO, false)),
            "a moment has not passed"
        );
        assert!(
            soon(&|| !has_turn(ago, false)),
            "it had its moment, and let go just now"
        );
        assert!(soon(&|| has_turn(ago, true)), "it has waited for its turn");
    }

    #[test]
    fn a_file_that_takes_the_place_of_another_begins_anew() {
        let file = (u64::MAX, 2);
        took(file, false);
        let other = (u64::MAX, 2 + PLACES as u64);
        assert!(is_ours(other));
        with_turn(other, |turn| assert!(turn.is_none()));
    }
}
