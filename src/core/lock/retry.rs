//! Locks that pass: a thread of ours gets one for somebody who has given up, and lets it go at
//! once. Who tries to lock at that moment in this process is not refused because of it.

use std::thread;
use std::time::{Duration, Instant};

use super::super::error::Result;
use super::lockable_file::FileId;
use super::{LockMode, Span, waiter};

/// How long it is tried again. Only a thread that the system does not let run takes that long.
const MOST: Duration = Duration::from_millis(100);
/// And how often at least: while this process was stopped it has not been trying.
const LEAST: u32 = 100;
/// Long beside the system call that lets go.
const PAUSE: Duration = Duration::from_micros(20);

/// Makes an attempt that `is_refused` where locks of others are in the way of one of this mode and
/// span; once more where it was one that passes.
pub(super) fn beside<T>(
    mode: LockMode,
    span: Span,
    file: impl Fn() -> Option<FileId>,
    is_refused: impl Fn(&T) -> bool,
    mut attempt: impl FnMut() -> Result<T>,
) -> Result<T> {
    let began = Instant::now();
    let mut tries = 0;
    loop {
        // Looked at before: afterwards it may be gone.
        let may_pass = waiter::is_passing(mode, span, &file);
        let result = attempt()?;
        tries += 1;
        let is_enough = tries > LEAST && began.elapsed() > MOST;
        if !may_pass || !is_refused(&result) || is_enough {
            return Ok(result);
        }
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{
        eventually, file, is_free, request, source, take, wait, whole, wish,
    };
    use super::super::waiter::is_passing;
    use super::super::{LockMode, Span, test_lock};
    use std::time::Duration;

    const BOTH: [LockMode; 2] = [LockMode::Exclusive, LockMode::Shared];

    #[test]
    fn a_lock_is_free_as_soon_as_it_is_released_also_where_others_have_given_up() {
        let (_dir, path) = file();
        let source = source(&path);
        for round in 0..300 {
            let held = take(&source, &whole(LockMode::Exclusive));
            for mode in BOTH {
                for length in [0, 4] {
                    let (request, _ends) = wait(&source, wish(mode, 2, length));
                    // Threads that sleep already, and such as are just being started.
                    if round % 2 == 0 {
                        std::thread::sleep(Duration::from_micros(100));
                    }
                    request.cancel();
                }
            }
            held.release().unwrap();
            if round % 3 == 0 {
                assert_eq!(test_lock(&source, Span::WHOLE).unwrap(), None, "{round}");
            }
            assert!(is_free(&source, &whole(BOTH[round % 2])), "{round}");
        }
    }

    #[test]
    fn the_same_with_more_of_them_than_threads() {
        let (_dir, path) = file();
        let source = source(&path);
        for round in 0..10 {
            let held = take(&source, &whole(LockMode::Exclusive));
            let all: Vec<_> = (0..100)
                .map(|start| wait(&source, wish(LockMode::Exclusive, start, 1)))
                .collect();
            std::thread::sleep(Duration::from_millis(round % 3));
            for (request, _ends) in &all {
                request.cancel();
            }
            held.release().unwrap();
            assert!(is_free(&source, &whole(LockMode::Shared)), "{round}");
        }
    }

    #[test]
    fn an_upgrade_that_was_given_up_is_in_nobodys_way() {
        let (_dir, path) = file();
        let source = source(&path);
        let held = take(&source, &whole(LockMode::Shared));
        for round in 0..100 {
            let other = take(&source, &whole(LockMode::Shared));
            let (request, _ends) = request();
            held.upgrade(None, &request);
            if round % 2 == 0 {
                std::thread::sleep(Duration::from_micros(100));
            }
            request.cancel();
            other.release().unwrap();
            assert!(is_free(&source, &whole(LockMode::Shared)), "{round}");
        }
    }

    #[test]
    fn nor_is_one_that_was_given_up_in_the_way_of_an_upgrade() {
        let (_dir, path) = file();
        let source = source(&path);
        let mine = take(&source, &wish(LockMode::Shared, 0, 5));
        for round in 0..100 {
            let held = take(&source, &wish(LockMode::Exclusive, 5, 5));
            let (request, _ends) = wait(&source, wish(LockMode::Shared, 0, 10));
            if round % 2 == 0 {
                std::thread::sleep(Duration::from_micros(100));
            }
            request.cancel();
            held.release().unwrap();
            assert!(mine.try_upgrade().unwrap(), "{round}");
            mine.downgrade().unwrap();
        }
    }

    #[test]
    fn nothing_passes_as_long_as_somebody_has_the_lock() {
        let (_dir, path) = file();
        let source = source(&path);
        let held = take(&source, &whole(LockMode::Exclusive));
        let (request, _ends) = wait(&source, whole(LockMode::Exclusive));
        request.cancel();
        eventually("it sleeps, or was dismissed", || {
            !is_passing(LockMode::Exclusive, Span::WHOLE, || source.identity())
        });
        assert!(!is_free(&source, &whole(LockMode::Shared)));
        held.release().unwrap();
    }
}
