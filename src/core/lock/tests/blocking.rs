use super::super::{BlockingLock, entries};
use super::*;

#[test]
fn a_thread_does_not_block_for_its_own_lock() {
    let (_dir, path) = temporary_file();
    let file = lockable(&path);
    let lock = take(&file, &request(LockMode::Shared, 0, 10));
    let conflicting = BlockingLock::start(&file, request(LockMode::Exclusive, 5, 1));
    assert_eq!(
        code(&conflicting.err().unwrap()),
        "ERR_MEMMAP_LOCK_DEADLOCK"
    );
    let compatible = BlockingLock::start(&file, request(LockMode::Shared, 5, 1)).unwrap();
    compatible.wait(LONG).unwrap().unwrap();

    let other = of_other_thread(request(LockMode::Exclusive, 0, 10));
    let blocking = BlockingLock::start(&file, other).unwrap();
    assert!(blocking.wait(Duration::from_millis(10)).is_none());
    lock.release().unwrap();
    blocking.wait(LONG).unwrap().unwrap();
}

#[test]
fn a_thread_gets_a_free_lock_although_it_waits_for_a_larger_one() {
    let (_dir, path) = temporary_file();
    let file = lockable(&path);
    let _lock = take(&file, &of_other_thread(request(LockMode::Exclusive, 0, 5)));
    let (_pending, _results) = wait(&file, request(LockMode::Exclusive, 0, 10));
    let blocking = BlockingLock::start(&file, request(LockMode::Exclusive, 6, 1)).unwrap();
    blocking.wait(LONG).unwrap().unwrap();
    let conflicting = BlockingLock::start(&file, request(LockMode::Exclusive, 4, 2));
    assert_eq!(
        code(&conflicting.err().unwrap()),
        "ERR_MEMMAP_LOCK_DEADLOCK"
    );
}

#[test]
fn a_thread_does_not_block_for_a_later_request_of_its_own() {
    let (_dir, path) = temporary_file();
    let file = lockable(&path);
    let lock = take(&file, &of_other_thread(whole(LockMode::Exclusive)));
    let blocking = BlockingLock::start(&file, whole(LockMode::Exclusive)).unwrap();
    assert!(blocking.wait(Duration::from_millis(1)).is_none());
    let (pending, _results) = wait(&file, whole(LockMode::Exclusive));
    // A request is in the registry when it waits.
    let both_wait = || {
        entries()
            .iter()
            .filter(|entry| entry.path.as_deref() == path.to_str())
            .count()
            == 3
    };
    eventually("both requests wait", both_wait);
    let refused = blocking.wait(Duration::from_millis(1)).unwrap();
    assert_eq!(code(&refused.unwrap_err()), "ERR_MEMMAP_LOCK_DEADLOCK");
    pending.cancel();
    lock.release().unwrap();
    eventually("no lock is left", || {
        is_free(&file, &whole(LockMode::Exclusive))
    });
}

#[cfg(unix)]
#[test]
fn an_error_of_the_system_takes_precedence_over_fairness_and_deadlock() {
    use super::super::fairness;
    use crate::core::sys;
    use std::os::fd::AsRawFd;
    let (_dir, path) = temporary_file();
    let reading = std::fs::File::open(&path).unwrap();
    let file = LockableFile::of_descriptor(reading.as_raw_fd()).unwrap();
    let _lock = take(&file, &whole(LockMode::Shared));
    // The file of another test may take the slot of this one.
    eventually("the process has to wait", || {
        fairness::exhaust(file.file_id().unwrap());
        try_lock(&file, &whole(LockMode::Shared), true)
            .unwrap()
            .is_none()
    });
    let refused = BlockingLock::start(&file, whole(LockMode::Exclusive));
    assert_eq!(refused.err().unwrap().errno(), Some(sys::EBADF));
    let (_pending, results) = wait(&file, whole(LockMode::Exclusive));
    assert_eq!(
        results.recv_timeout(LONG).unwrap().unwrap_err().errno(),
        Some(sys::EBADF)
    );
}

#[test]
fn a_cancellation_at_the_last_moment_gives_the_lock_or_nothing() {
    let (_dir, path) = temporary_file();
    let file = lockable(&path);
    for _ in 0..100 {
        // A thread that slept for a cancelled request may hold the lock for a moment.
        let (_, results) = wait(&file, whole(LockMode::Exclusive));
        let lock = results
            .recv_timeout(LONG)
            .expect("no lock is left")
            .unwrap();
        let other = of_other_thread(whole(LockMode::Exclusive));
        let blocking = BlockingLock::start(&file, other).unwrap();
        lock.release().unwrap();
        if let Some(late) = blocking.cancel() {
            assert_eq!(late.mode(), Some(LockMode::Exclusive));
        }
    }
    eventually("no lock is left", || {
        is_free(&file, &whole(LockMode::Exclusive))
    });
}
