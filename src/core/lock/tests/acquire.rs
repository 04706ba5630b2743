use super::super::{LockMethod, busy_error, entries, test_lock};
use super::*;

#[test]
fn locks_of_one_process_exclude_each_other_by_range_and_mode() {
    let (_dir, path) = temporary_file();
    let (one, other) = (lockable(&path), lockable(&path));
    let lock = take(&one, &request(LockMode::Exclusive, 10, 10));
    for (offset, length, free) in [
        (0, 10, true),
        (20, 0, true),
        (19, 1, false),
        (0, 11, false),
        (0, 0, false),
    ] {
        assert_eq!(
            is_free(&other, &request(LockMode::Exclusive, offset, length)),
            free,
            "{offset} {length}"
        );
        assert_eq!(
            is_free(&other, &request(LockMode::Shared, offset, length)),
            free,
            "{offset} {length}"
        );
    }
    lock.downgrade().unwrap();
    assert!(is_free(&other, &whole(LockMode::Shared)));
    assert!(!is_free(&other, &whole(LockMode::Exclusive)));
    assert_eq!(
        test_lock(&other, LockRange::WHOLE).unwrap(),
        Some(LockMode::Shared)
    );
    assert!(lock.try_upgrade().unwrap());
    assert_eq!(
        test_lock(&other, LockRange::WHOLE).unwrap(),
        Some(LockMode::Exclusive)
    );
    assert!(lock.release().unwrap());
    assert!(!lock.release().unwrap());
    assert_eq!(test_lock(&other, LockRange::WHOLE).unwrap(), None);
    assert_eq!(
        code(&lock.try_upgrade().unwrap_err()),
        "ERR_MEMMAP_LOCK_RELEASED"
    );
    assert_eq!(
        code(&lock.downgrade().unwrap_err()),
        "ERR_MEMMAP_LOCK_RELEASED"
    );
}

#[test]
fn a_dropped_lock_is_released_and_leaves_the_registry() {
    let (_dir, path) = temporary_file();
    let file = lockable(&path);
    let name = path.to_str().unwrap();
    let lock = take(&file, &whole(LockMode::Exclusive));
    let count_of_file = || {
        entries()
            .into_iter()
            .filter(|entry| entry.path.as_deref() == Some(name))
            .count()
    };
    assert_eq!(count_of_file(), 1);
    drop(lock);
    assert_eq!(count_of_file(), 0);
    assert!(is_free(&file, &whole(LockMode::Exclusive)));
}

#[test]
#[cfg_attr(
    windows,
    ignore = "wine does not let another file take the name of an open one"
)]
fn a_lock_is_never_on_a_file_that_was_replaced_during_the_wait() {
    let (dir, path) = temporary_file();
    let file = lockable(&path);
    let lock = take(&file, &whole(LockMode::Exclusive));
    let (_pending, results) = wait(&file, whole(LockMode::Exclusive));
    let new = dir.path().join("new");
    std::fs::write(&new, "new").unwrap();
    std::fs::rename(&new, &path).unwrap();
    assert!(results.recv_timeout(Duration::from_millis(20)).is_err());
    lock.release().unwrap();
    results.recv_timeout(LONG).unwrap().unwrap();
    assert_eq!(
        test_lock(&lockable(&path), LockRange::WHOLE).unwrap(),
        None,
        "the granted lock was dropped with the result"
    );
    let kept = take(&file, &whole(LockMode::Exclusive));
    assert!(!is_free(&lockable(&path), &whole(LockMode::Shared)));
    drop(kept);
}

#[test]
fn a_busy_error_names_the_lock_and_its_holder() {
    let (_dir, path) = temporary_file();
    let file = lockable(&path);
    let _lock = take(&file, &request(LockMode::Exclusive, 8, 8));
    let error = busy_error(&file, &request(LockMode::Shared, 10, 2), None);
    assert_eq!(code(&error), "ERR_MEMMAP_LOCK_BUSY");
    let text = error.to_string();
    assert!(
        text.contains("2 bytes at offset 10") && text.contains("thread 77"),
        "{text}"
    );
    let error = busy_error(&file, &request(LockMode::Shared, 100, 2), Some(250));
    let text = error.to_string();
    assert!(
        text.contains("250 ms") && text.contains("another process"),
        "{text}"
    );
}

#[test]
fn only_existing_files_can_be_locked() {
    use crate::core::sys;
    let dir = tempfile::tempdir().unwrap();
    let request = whole(LockMode::Shared);
    let error = try_lock(&lockable(dir.path()), &request, false).unwrap_err();
    assert_eq!(code(&error), "ERR_MEMMAP_UNSUPPORTED");
    let missing = try_lock(&lockable(&dir.path().join("none")), &request, false).unwrap_err();
    assert_eq!(missing.errno(), Some(sys::ENOENT));
}

#[cfg(unix)]
#[test]
fn a_file_is_created_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new.lock");
    let file = LockableFile::of_path(path.to_str().unwrap().into(), true);
    let _lock = take(&file, &whole(LockMode::Exclusive));
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn flock_locks_whole_files_and_refuses_a_change_that_could_lose_the_lock() {
    let (_dir, path) = temporary_file();
    let file = lockable(&path);
    let open = || {
        let description = file.open_description(LockMode::Shared).unwrap();
        description.use_whole();
        Arc::new(description)
    };
    let (one, other) = (open(), open());
    let is_taken = one.lock(Some(LockMode::Exclusive), LockRange::WHOLE, false);
    assert!(is_taken.unwrap());
    let is_taken = other.lock(Some(LockMode::Shared), LockRange::WHOLE, false);
    assert!(!is_taken.unwrap());
    let lock = HeldLock::new(&file, &whole(LockMode::Exclusive), one);
    assert_eq!(lock.method(), LockMethod::Whole);
    assert_eq!(
        code(&lock.downgrade().unwrap_err()),
        "ERR_MEMMAP_UNSUPPORTED"
    );
    lock.release().unwrap();
    let is_taken = other.lock(Some(LockMode::Shared), LockRange::WHOLE, false);
    assert!(is_taken.unwrap());
    let lock = HeldLock::new(&file, &whole(LockMode::Shared), other);
    assert_eq!(
        code(&lock.try_upgrade().unwrap_err()),
        "ERR_MEMMAP_UNSUPPORTED"
    );
    assert_eq!(lock.mode(), Some(LockMode::Shared));
    let range = LockRange::new(0, 1).unwrap();
    let refused = open().lock(Some(LockMode::Shared), range, false);
    assert_eq!(code(&refused.unwrap_err()), "ERR_MEMMAP_UNSUPPORTED");
}
