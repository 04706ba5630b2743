use super::super::{end_thread, wait::WAITER};
use super::*;

#[test]
fn a_waiting_request_gets_the_lock_when_it_is_released() {
    let (_dir, path) = temporary_file();
    let file = lockable(&path);
    let lock = take(&file, &whole(LockMode::Exclusive));
    let (pending, results) = wait(&file, whole(LockMode::Exclusive));
    assert!(results.recv_timeout(Duration::from_millis(20)).is_err());
    lock.release().unwrap();
    let next = results.recv_timeout(LONG).unwrap().unwrap();
    assert_eq!(next.mode(), Some(LockMode::Exclusive));
    assert!(!pending.cancel(), "the request is settled");
    assert!(!is_free(&file, &whole(LockMode::Shared)));
}

#[test]
fn a_cancelled_request_ends_at_once_and_the_next_one_adopts_its_wait() {
    let (_dir, path) = temporary_file();
    let file = lockable(&path);
    let lock = take(&file, &request(LockMode::Exclusive, 3, 5));
    for _ in 0..500 {
        let (pending, results) = wait(&file, request(LockMode::Exclusive, 3, 5));
        assert!(pending.cancel());
        assert!(!pending.cancel());
        assert_eq!(code(&results.try_recv().unwrap().unwrap_err()), "ABORT_ERR");
    }
    let id = file.file_id().unwrap();
    let asleep = || WAITER.active(|wait| wait.description.file == id).asleep;
    // Requests that found no free thread are in the queue. A thread that becomes free takes one of
    // them and finds that it was cancelled.
    eventually("at most one thread sleeps", || asleep().len() <= 1);
    let (_pending, results) = wait(&file, request(LockMode::Exclusive, 3, 5));
    lock.release().unwrap();
    let next = results.recv_timeout(LONG).unwrap().unwrap();
    next.release().unwrap();
    eventually("locks of cancelled requests are released", || {
        is_free(&file, &whole(LockMode::Exclusive))
    });
}

#[test]
fn abandoned_waits_do_not_delay_requests_for_other_files() {
    let (_dir, path) = temporary_file();
    let file = lockable(&path);
    let lock = take(&file, &whole(LockMode::Exclusive));
    for offset in 0..200 {
        let (pending, _results) = wait(&file, request(LockMode::Exclusive, offset, 1));
        pending.cancel();
    }
    // All threads sleep for cancelled requests now.
    let (_other_dir, other_path) = temporary_file();
    let other = lockable(&other_path);
    let other_lock = take(&other, &whole(LockMode::Exclusive));
    let (_pending, results) = wait(&other, whole(LockMode::Exclusive));
    other_lock.release().unwrap();
    results.recv_timeout(LONG).unwrap().unwrap();
    lock.release().unwrap();
    eventually("all threads end", || {
        is_free(&file, &whole(LockMode::Exclusive))
    });
}

#[test]
fn two_hundred_requests_for_one_lock_are_all_granted() {
    let (_dir, path) = temporary_file();
    let file = lockable(&path);
    let lock = take(&file, &whole(LockMode::Exclusive));
    let all: Vec<_> = (0..200)
        .map(|_| wait(&file, whole(LockMode::Exclusive)))
        .collect();
    lock.release().unwrap();
    drop(lock);
    let mut rest: Vec<_> = all.iter().collect();
    let began = Instant::now();
    while !rest.is_empty() {
        assert!(began.elapsed() < LONG, "{} still wait", rest.len());
        rest.retain(|(_, results)| match results.try_recv() {
            Ok(granted) => {
                let granted = granted.unwrap();
                assert!(!is_free(&file, &whole(LockMode::Shared)));
                granted.release().unwrap();
                false
            }
            Err(_) => true,
        });
        std::thread::yield_now();
    }
}

#[test]
fn the_end_of_a_thread_releases_its_locks_and_cancels_its_requests() {
    let (_dir, path) = temporary_file();
    let file = lockable(&path);
    let mut own = whole(LockMode::Exclusive);
    own.thread = 4242;
    let lock = take(&file, &own);
    let (_pending, results) = wait(&file, own);
    end_thread(4242);
    assert_eq!(lock.mode(), None);
    assert!(results.recv_timeout(LONG).unwrap().is_err());
    eventually("no lock is left", || {
        is_free(&file, &whole(LockMode::Exclusive))
    });
}

#[test]
fn a_granted_lock_is_taken_back_before_its_receiver_knows_of_it() {
    let (_dir, path) = temporary_file();
    let file = lockable(&path);
    let (pending, results) = wait(&file, whole(LockMode::Exclusive));
    // The file can have the inode number of one that another test has just removed, and then the
    // request may have to wait.
    let granted = results.recv_timeout(LONG).unwrap().unwrap();
    assert!(!pending.cancel(), "the lock was granted");
    assert!(!is_free(&file, &whole(LockMode::Shared)));
    pending.take_back();
    assert!(is_free(&file, &whole(LockMode::Exclusive)));
    assert_eq!(granted.mode(), None);

    let lock = take(&file, &whole(LockMode::Exclusive));
    let (pending, _results) = wait(&file, whole(LockMode::Exclusive));
    pending.take_back();
    pending.cancel();
    pending.take_back();
    assert_eq!(lock.mode(), Some(LockMode::Exclusive));
}
