use super::*;

#[test]
fn a_shared_lock_becomes_exclusive_when_the_other_locks_are_released() {
    let (_dir, path) = temporary_file();
    let file = lockable(&path);
    let lock = take(&file, &whole(LockMode::Shared));
    let other = take(&file, &whole(LockMode::Shared));
    assert!(!lock.try_upgrade().unwrap());
    let (first, results) = pending();
    lock.upgrade(None, &first);
    assert!(results.recv_timeout(Duration::from_millis(20)).is_err());
    assert_eq!(lock.mode(), Some(LockMode::Shared));

    let (again, refused) = pending();
    lock.upgrade(None, &again);
    assert_eq!(
        code(&refused.recv().unwrap().unwrap_err()),
        "ERR_MEMMAP_LOCK_DEADLOCK"
    );
    let (second, refused) = pending();
    other.upgrade(None, &second);
    assert_eq!(
        code(&refused.recv().unwrap().unwrap_err()),
        "ERR_MEMMAP_LOCK_DEADLOCK"
    );

    other.release().unwrap();
    results.recv_timeout(LONG).unwrap().unwrap();
    assert_eq!(lock.mode(), Some(LockMode::Exclusive));
    assert!(!is_free(&file, &whole(LockMode::Shared)));
}

#[test]
fn a_cancelled_upgrade_leaves_the_lock_shared() {
    let (_dir, path) = temporary_file();
    let file = lockable(&path);
    let lock = take(&file, &whole(LockMode::Shared));
    let other = take(&file, &whole(LockMode::Shared));
    for _ in 0..50 {
        let (pending, results) = pending();
        lock.upgrade(None, &pending);
        assert!(pending.cancel());
        assert!(results.recv().unwrap().is_err());
    }
    other.release().unwrap();
    // The kernel grants the exclusive lock although the request was cancelled, and the lock is made
    // shared again.
    eventually("the lock is shared again", || {
        is_free(&file, &whole(LockMode::Shared))
    });
    assert_eq!(lock.mode(), Some(LockMode::Shared));
    assert!(!is_free(&file, &whole(LockMode::Exclusive)));
}

#[test]
fn a_lock_that_is_released_during_its_upgrade_is_not_held_any_more() {
    let (_dir, path) = temporary_file();
    let file = lockable(&path);
    let lock = take(&file, &whole(LockMode::Shared));
    let other = take(&file, &whole(LockMode::Shared));
    let (pending, results) = pending();
    lock.upgrade(None, &pending);
    lock.release().unwrap();
    assert_eq!(
        code(&results.recv_timeout(LONG).unwrap().unwrap_err()),
        "ERR_MEMMAP_LOCK_RELEASED"
    );
    assert!(
        other.try_upgrade().unwrap(),
        "the shared lock was released at once, although a thread still waits"
    );
    other.release().unwrap();
    eventually("no lock is left", || {
        is_free(&file, &whole(LockMode::Exclusive))
    });
}
