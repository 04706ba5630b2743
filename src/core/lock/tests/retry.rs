use super::super::retry::is_held_for_abandoned_wait;
use super::super::test_lock;
use super::*;

const BOTH: [LockMode; 2] = [LockMode::Exclusive, LockMode::Shared];

/// Lets the threads of some rounds fall asleep, and catches those of others while they start.
fn pause_in_even(round: usize) {
    if round.is_multiple_of(2) {
        std::thread::sleep(Duration::from_micros(100));
    }
}

#[test]
fn a_released_lock_is_free_at_once_although_requests_for_it_were_cancelled() {
    let (_dir, path) = temporary_file();
    let file = lockable(&path);
    for round in 0..300 {
        let lock = take(&file, &whole(LockMode::Exclusive));
        for mode in BOTH {
            for length in [0, 4] {
                let (pending, _results) = wait(&file, request(mode, 2, length));
                pause_in_even(round);
                pending.cancel();
            }
        }
        lock.release().unwrap();
        if round % 3 == 0 {
            assert_eq!(test_lock(&file, LockRange::WHOLE).unwrap(), None, "{round}");
        }
        assert!(is_free(&file, &whole(BOTH[round % 2])), "{round}");
    }
}

#[test]
fn a_released_lock_is_free_at_once_although_more_requests_than_threads_were_cancelled() {
    let (_dir, path) = temporary_file();
    let file = lockable(&path);
    for round in 0..10 {
        let lock = take(&file, &whole(LockMode::Exclusive));
        let all: Vec<_> = (0..100)
            .map(|offset| wait(&file, request(LockMode::Exclusive, offset, 1)))
            .collect();
        std::thread::sleep(Duration::from_millis(round % 3));
        for (pending, _results) in &all {
            pending.cancel();
        }
        lock.release().unwrap();
        assert!(is_free(&file, &whole(LockMode::Shared)), "{round}");
    }
}

#[test]
fn a_cancelled_upgrade_conflicts_with_no_lock() {
    let (_dir, path) = temporary_file();
    let file = lockable(&path);
    let lock = take(&file, &whole(LockMode::Shared));
    for round in 0..100 {
        let other = take(&file, &whole(LockMode::Shared));
        let (pending, _results) = pending();
        lock.upgrade(None, &pending);
        pause_in_even(round);
        pending.cancel();
        other.release().unwrap();
        assert!(is_free(&file, &whole(LockMode::Shared)), "{round}");
    }
}

#[test]
fn a_cancelled_request_conflicts_with_no_upgrade() {
    let (_dir, path) = temporary_file();
    let file = lockable(&path);
    let own = take(&file, &request(LockMode::Shared, 0, 5));
    for round in 0..100 {
        let other = take(&file, &request(LockMode::Exclusive, 5, 5));
        let (pending, _results) = wait(&file, request(LockMode::Shared, 0, 10));
        pause_in_even(round);
        pending.cancel();
        other.release().unwrap();
        assert!(own.try_upgrade().unwrap(), "{round}");
        own.downgrade().unwrap();
    }
}

#[test]
fn an_attempt_is_not_repeated_while_a_lock_is_held() {
    let (_dir, path) = temporary_file();
    let file = lockable(&path);
    let lock = take(&file, &whole(LockMode::Exclusive));
    let (pending, _results) = wait(&file, whole(LockMode::Exclusive));
    pending.cancel();
    let id = || file.file_id();
    eventually("the abandoned wait sleeps or has ended", || {
        !is_held_for_abandoned_wait(LockMode::Exclusive, LockRange::WHOLE, id)
    });
    assert!(!is_free(&file, &whole(LockMode::Shared)));
    lock.release().unwrap();
}
