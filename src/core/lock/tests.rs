use super::*;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use proptest::prelude::*;

const LONG: Duration = Duration::from_secs(20);

pub(super) fn wish(mode: LockMode, start: u64, length: u64) -> Wish {
    Wish {
        mode,
        span: Span::new(start, length).unwrap(),
        thread: 77,
        stack: None,
    }
}

pub(super) fn whole(mode: LockMode) -> Wish {
    wish(mode, 0, 0)
}

pub(super) fn file() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    std::fs::write(&path, "contents").unwrap();
    (dir, path)
}

pub(super) fn source(path: &Path) -> Arc<Source> {
    Source::of_path(path.to_str().unwrap().into(), false)
}

pub(super) fn take(source: &Arc<Source>, wish: &Wish) -> Arc<Held> {
    try_lock(source, wish, false).unwrap().expect("it is free")
}

pub(super) fn is_free(source: &Arc<Source>, wish: &Wish) -> bool {
    try_lock(source, wish, false).unwrap().is_some()
}

pub(super) type Ends = Receiver<Result<Arc<Held>>>;

pub(super) fn request() -> (Arc<Request>, Ends) {
    let (sender, ends) = channel();
    let request = Request::new(move |result| {
        let _ = sender.send(result);
    });
    (request, ends)
}

pub(super) fn wait(source: &Arc<Source>, wish: Wish) -> (Arc<Request>, Ends) {
    let (request, ends) = request();
    wait_for(source, wish, &request, true);
    (request, ends)
}

fn code(error: &Error) -> &str {
    match error {
        Error::Rule { code, .. } => code,
        Error::System { .. } => "system",
    }
}

/// What other tests do to the threads is over at some time.
pub(super) fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LONG, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_range_ends_where_files_do() {
    let end = 1 << 63;
    assert_eq!(Span::new(0, end).unwrap(), Span::WHOLE);
    assert_eq!(Span::new(end - 1, 1).unwrap().length(), 0);
    assert!(Span::new(end - 1, 0).is_ok());
    for (start, length) in [
        (end, 0),
        (end - 1, 2),
        (1, end),
        (u64::MAX, u64::MAX),
        (0, end + 1),
    ] {
        assert!(Span::new(start, length).is_err(), "{start} {length}");
    }
}

proptest! {
    #[test]
    fn ranges_overlap_as_sets_do(a in 0_u64..20, m in 0_u64..20, b in 0_u64..20, n in 0_u64..20) {
        let (one, other) = (Span::new(a, m).unwrap(), Span::new(b, n).unwrap());
        let has = |span: Span, byte: u64| byte >= span.start && (span.length == 0 || byte < span.start + span.length);
        let common = (0..100).any(|byte| has(one, byte) && has(other, byte));
        prop_assert_eq!(one.overlaps(other), common);
        prop_assert_eq!(other.overlaps(one), common);
    }
}

#[test]
fn locks_of_one_process_exclude_each_other_by_range_and_mode() {
    let (_dir, path) = file();
    let (one, other) = (source(&path), source(&path));
    let held = take(&one, &wish(LockMode::Exclusive, 10, 10));
    for (start, length, free) in [
        (0, 10, true),
        (20, 0, true),
        (19, 1, false),
        (0, 11, false),
        (0, 0, false),
    ] {
        assert_eq!(
            is_free(&other, &wish(LockMode::Exclusive, start, length)),
            free,
            "{start} {length}"
        );
        assert_eq!(
            is_free(&other, &wish(LockMode::Shared, start, length)),
            free,
            "{start} {length}"
        );
    }
    held.downgrade().unwrap();
    assert!(is_free(&other, &whole(LockMode::Shared)));
    assert!(!is_free(&other, &whole(LockMode::Exclusive)));
    assert_eq!(
        test_lock(&other, Span::WHOLE).unwrap(),
        Some(LockMode::Shared)
    );
    assert!(held.try_upgrade().unwrap());
    assert_eq!(
        test_lock(&other, Span::WHOLE).unwrap(),
        Some(LockMode::Exclusive)
    );
    assert!(held.release().unwrap());
    assert!(!held.release().unwrap());
    assert_eq!(test_lock(&other, Span::WHOLE).unwrap(), None);
    assert_eq!(
        code(&held.try_upgrade().unwrap_err()),
        "ERR_MEMMAP_LOCK_RELEASED"
    );
    assert_eq!(
        code(&held.downgrade().unwrap_err()),
        "ERR_MEMMAP_LOCK_RELEASED"
    );
}

#[test]
fn a_dropped_lock_is_released_and_leaves_the_ledger() {
    let (_dir, path) = file();
    let source = source(&path);
    let name = path.to_str().unwrap();
    let held = take(&source, &whole(LockMode::Exclusive));
    let mine = || {
        lines()
            .into_iter()
            .filter(|line| line.path.as_deref() == Some(name))
            .count()
    };
    assert_eq!(mine(), 1);
    drop(held);
    assert_eq!(mine(), 0);
    assert!(is_free(&source, &whole(LockMode::Exclusive)));
}

#[test]
fn one_who_waits_gets_the_lock_when_it_is_released() {
    let (_dir, path) = file();
    let source = source(&path);
    let held = take(&source, &whole(LockMode::Exclusive));
    let (request, ends) = wait(&source, whole(LockMode::Exclusive));
    assert!(ends.recv_timeout(Duration::from_millis(20)).is_err());
    held.release().unwrap();
    let next = ends.recv_timeout(LONG).unwrap().unwrap();
    assert_eq!(next.mode(), Some(LockMode::Exclusive));
    assert!(!request.cancel(), "it is settled");
    assert!(!is_free(&source, &whole(LockMode::Shared)));
}

#[test]
fn a_request_that_is_given_up_ends_at_once_and_what_it_waited_for_serves_the_next() {
    let (_dir, path) = file();
    let source = source(&path);
    let held = take(&source, &wish(LockMode::Exclusive, 3, 5));
    for _ in 0..500 {
        let (request, ends) = wait(&source, wish(LockMode::Exclusive, 3, 5));
        assert!(request.cancel());
        assert!(!request.cancel());
        assert_eq!(code(&ends.try_recv().unwrap().unwrap_err()), "ABORT_ERR");
    }
    let file = source.identity().unwrap();
    // Where no thread was free, each that becomes so looks at the next, and finds that nobody wants it.
    eventually("not one thread each", || waiter::asleep_for(file) <= 1);
    let (_request, ends) = wait(&source, wish(LockMode::Exclusive, 3, 5));
    held.release().unwrap();
    let next = ends.recv_timeout(LONG).unwrap().unwrap();
    next.release().unwrap();
    eventually("what nobody wants any more is released", || {
        is_free(&source, &whole(LockMode::Exclusive))
    });
}

#[test]
fn an_abandoned_wait_takes_nothing_from_others() {
    let (_dir, path) = file();
    let source = source(&path);
    let held = take(&source, &whole(LockMode::Exclusive));
    for start in 0..200 {
        let (request, _ends) = wait(&source, wish(LockMode::Exclusive, start, 1));
        request.cancel();
    }
    // All threads sleep for nobody; a request for another file must not stand behind them.
    let (_other_dir, other_path) = file();
    let other = self::source(&other_path);
    let other_held = take(&other, &whole(LockMode::Exclusive));
    let (_request, ends) = wait(&other, whole(LockMode::Exclusive));
    other_held.release().unwrap();
    ends.recv_timeout(LONG).unwrap().unwrap();
    held.release().unwrap();
    eventually("all threads end", || {
        is_free(&source, &whole(LockMode::Exclusive))
    });
}

#[test]
fn two_hundred_who_wait_all_get_their_turn() {
    let (_dir, path) = file();
    let source = source(&path);
    let held = take(&source, &whole(LockMode::Exclusive));
    let all: Vec<_> = (0..200)
        .map(|_| wait(&source, whole(LockMode::Exclusive)))
        .collect();
    held.release().unwrap();
    drop(held);
    let mut rest: Vec<_> = all.iter().collect();
    let began = Instant::now();
    while !rest.is_empty() {
        assert!(began.elapsed() < LONG, "{} still wait", rest.len());
        rest.retain(|(_, ends)| match ends.try_recv() {
            Ok(granted) => {
                let granted = granted.unwrap();
                assert!(!is_free(&source, &whole(LockMode::Shared)));
                granted.release().unwrap();
                false
            }
            Err(_) => true,
        });
        std::thread::yield_now();
    }
}

#[test]
fn a_shared_lock_becomes_exclusive_when_the_others_have_gone() {
    let (_dir, path) = file();
    let source = source(&path);
    let held = take(&source, &whole(LockMode::Shared));
    let other = take(&source, &whole(LockMode::Shared));
    assert!(!held.try_upgrade().unwrap());
    let (first, ends) = request();
    held.upgrade(None, &first);
    assert!(ends.recv_timeout(Duration::from_millis(20)).is_err());
    assert_eq!(held.mode(), Some(LockMode::Shared));

    let (again, refused) = request();
    held.upgrade(None, &again);
    assert_eq!(
        code(&refused.recv().unwrap().unwrap_err()),
        "ERR_MEMMAP_LOCK_DEADLOCK"
    );
    let (second, refused) = request();
    other.upgrade(None, &second);
    assert_eq!(
        code(&refused.recv().unwrap().unwrap_err()),
        "ERR_MEMMAP_LOCK_DEADLOCK"
    );

    other.release().unwrap();
    ends.recv_timeout(LONG).unwrap().unwrap();
    assert_eq!(held.mode(), Some(LockMode::Exclusive));
    assert!(!is_free(&source, &whole(LockMode::Shared)));
}

#[test]
fn an_upgrade_that_is_given_up_leaves_the_shared_lock_as_it_was() {
    let (_dir, path) = file();
    let source = source(&path);
    let held = take(&source, &whole(LockMode::Shared));
    let other = take(&source, &whole(LockMode::Shared));
    for _ in 0..50 {
        let (request, ends) = request();
        held.upgrade(None, &request);
        assert!(request.cancel());
        assert!(ends.recv().unwrap().is_err());
    }
    other.release().unwrap();
    // The kernel grants the exclusive lock that nobody wants any more, and it is given back.
    eventually("it is shared again", || {
        is_free(&source, &whole(LockMode::Shared))
    });
    assert_eq!(held.mode(), Some(LockMode::Shared));
    assert!(!is_free(&source, &whole(LockMode::Exclusive)));
}

#[test]
fn a_lock_that_is_released_during_its_upgrade_is_gone() {
    let (_dir, path) = file();
    let source = source(&path);
    let held = take(&source, &whole(LockMode::Shared));
    let other = take(&source, &whole(LockMode::Shared));
    let (request, ends) = request();
    held.upgrade(None, &request);
    held.release().unwrap();
    assert_eq!(
        code(&ends.recv_timeout(LONG).unwrap().unwrap_err()),
        "ERR_MEMMAP_LOCK_RELEASED"
    );
    assert!(
        other.try_upgrade().unwrap(),
        "the shared lock went at once, though a thread still waits"
    );
    other.release().unwrap();
    eventually("nothing is left", || {
        is_free(&source, &whole(LockMode::Exclusive))
    });
}

#[test]
#[cfg_attr(windows, ignore = "wine gives an open file's name to no other")]
fn a_lock_never_sits_on_a_file_that_was_replaced_while_it_was_waited_for() {
    let (dir, path) = file();
    let source = source(&path);
    let held = take(&source, &whole(LockMode::Exclusive));
    let (_request, ends) = wait(&source, whole(LockMode::Exclusive));
    let new = dir.path().join("new");
    std::fs::write(&new, "new").unwrap();
    std::fs::rename(&new, &path).unwrap();
    assert!(ends.recv_timeout(Duration::from_millis(20)).is_err());
    held.release().unwrap();
    ends.recv_timeout(LONG).unwrap().unwrap();
    assert_eq!(
        test_lock(&self::source(&path), Span::WHOLE).unwrap(),
        None,
        "the granted lock was dropped with the result"
    );
    let kept = take(&source, &whole(LockMode::Exclusive));
    assert!(!is_free(&self::source(&path), &whole(LockMode::Shared)));
    drop(kept);
}

#[test]
fn a_thread_that_ends_releases_what_it_has_and_waits_for_no_more() {
    let (_dir, path) = file();
    let source = source(&path);
    let mut mine = whole(LockMode::Exclusive);
    mine.thread = 4242;
    let held = take(&source, &mine);
    let (_request, ends) = wait(&source, mine);
    end_thread(4242);
    assert_eq!(held.mode(), None);
    assert!(ends.recv_timeout(LONG).unwrap().is_err());
    eventually("nothing is left", || {
        is_free(&source, &whole(LockMode::Exclusive))
    });
}

#[test]
fn a_thread_does_not_stand_still_for_itself() {
    let (_dir, path) = file();
    let source = source(&path);
    let held = take(&source, &wish(LockMode::Shared, 0, 10));
    let in_the_way = Blocking::start(&source, wish(LockMode::Exclusive, 5, 1));
    assert_eq!(code(&in_the_way.err().unwrap()), "ERR_MEMMAP_LOCK_DEADLOCK");
    let beside = Blocking::start(&source, wish(LockMode::Shared, 5, 1)).unwrap();
    beside.wait(LONG).unwrap().unwrap();

    let mut other = wish(LockMode::Exclusive, 0, 10);
    other.thread = 78;
    let blocking = Blocking::start(&source, other).unwrap();
    assert!(blocking.wait(Duration::from_millis(10)).is_none());
    held.release().unwrap();
    blocking.wait(LONG).unwrap().unwrap();
}

#[test]
fn a_thread_gets_what_is_free_though_it_waits_for_more() {
    let (_dir, path) = file();
    let source = source(&path);
    let mut others = wish(LockMode::Exclusive, 0, 5);
    others.thread = 78;
    let _held = take(&source, &others);
    let (_request, _ends) = wait(&source, wish(LockMode::Exclusive, 0, 10));
    let blocking = Blocking::start(&source, wish(LockMode::Exclusive, 6, 1)).unwrap();
    blocking.wait(LONG).unwrap().unwrap();
    let in_the_way = Blocking::start(&source, wish(LockMode::Exclusive, 4, 2));
    assert_eq!(code(&in_the_way.err().unwrap()), "ERR_MEMMAP_LOCK_DEADLOCK");
}

#[test]
fn a_thread_does_not_stand_still_for_a_request_of_its_own_that_came_later() {
    let (_dir, path) = file();
    let source = source(&path);
    let mut others = whole(LockMode::Exclusive);
    others.thread = 78;
    let held = take(&source, &others);
    let blocking = Blocking::start(&source, whole(LockMode::Exclusive)).unwrap();
    assert!(blocking.wait(Duration::from_millis(1)).is_none());
    let (request, _ends) = wait(&source, whole(LockMode::Exclusive));
    // It is in the ledger when it waits.
    let waiting = || {
        lines()
            .iter()
            .filter(|line| line.path.as_deref() == path.to_str())
            .count()
            == 3
    };
    eventually("both wait", waiting);
    let refused = blocking.wait(Duration::from_millis(1)).unwrap();
    assert_eq!(code(&refused.unwrap_err()), "ERR_MEMMAP_LOCK_DEADLOCK");
    request.cancel();
    held.release().unwrap();
    eventually("nothing is left", || {
        is_free(&source, &whole(LockMode::Exclusive))
    });
}

#[cfg(unix)]
#[test]
fn what_can_not_be_had_at_all_is_refused_for_that_reason_whosever_turn_it_is() {
    use std::os::fd::AsRawFd;
    let (_dir, path) = file();
    let reading = std::fs::File::open(&path).unwrap();
    let source = Source::of_descriptor(reading.as_raw_fd()).unwrap();
    let _held = take(&source, &whole(LockMode::Shared));
    // Another test's file may take the place of this one's turn.
    eventually("it is not its turn", || {
        fairness::end(source.identity().unwrap());
        try_lock(&source, &whole(LockMode::Shared), true)
            .unwrap()
            .is_none()
    });
    let refused = Blocking::start(&source, whole(LockMode::Exclusive));
    assert_eq!(refused.err().unwrap().errno(), Some(sys::EBADF));
    let (_request, ends) = wait(&source, whole(LockMode::Exclusive));
    assert_eq!(
        ends.recv_timeout(LONG).unwrap().unwrap_err().errno(),
        Some(sys::EBADF)
    );
}

#[test]
fn giving_up_at_the_last_moment_gives_the_lock_or_nothing() {
    let (_dir, path) = file();
    let source = source(&path);
    for _ in 0..100 {
        let mut other = whole(LockMode::Exclusive);
        other.thread = 78;
        // A thread that slept for one who gave up may have the lock for a moment yet.
        let (_, ends) = wait(&source, whole(LockMode::Exclusive));
        let held = ends.recv_timeout(LONG).expect("nothing is left").unwrap();
        let blocking = Blocking::start(&source, other).unwrap();
        held.release().unwrap();
        if let Some(late) = blocking.cancel() {
            assert_eq!(late.mode(), Some(LockMode::Exclusive));
        }
    }
    eventually("nothing is left", || {
        is_free(&source, &whole(LockMode::Exclusive))
    });
}

#[test]
fn what_was_granted_is_taken_back_before_anybody_has_heard_of_it() {
    let (_dir, path) = file();
    let source = source(&path);
    let (request, ends) = wait(&source, whole(LockMode::Exclusive));
    // It may have to wait: its file can have the number of one that another test just let go.
    let granted = ends.recv_timeout(LONG).unwrap().unwrap();
    assert!(!request.cancel(), "it was granted");
    assert!(!is_free(&source, &whole(LockMode::Shared)));
    request.take_back();
    assert!(is_free(&source, &whole(LockMode::Exclusive)));
    assert_eq!(granted.mode(), None);

    let held = take(&source, &whole(LockMode::Exclusive));
    let (request, _ends) = wait(&source, whole(LockMode::Exclusive));
    request.take_back();
    request.cancel();
    request.take_back();
    assert_eq!(held.mode(), Some(LockMode::Exclusive));
}

#[test]
fn refusals_say_which_lock_and_who_has_it() {
    let (_dir, path) = file();
    let source = source(&path);
    let _held = take(&source, &wish(LockMode::Exclusive, 8, 8));
    let error = busy(&source, &wish(LockMode::Shared, 10, 2), None);
    assert_eq!(code(&error), "ERR_MEMMAP_LOCK_BUSY");
    let text = error.to_string();
    assert!(
        text.contains("2 bytes at offset 10") && text.contains("thread 77"),
        "{text}"
    );
    let error = busy(&source, &wish(LockMode::Shared, 100, 2), Some(250));
    let text = error.to_string();
    assert!(
        text.contains("250 ms") && text.contains("another process"),
        "{text}"
    );
}

#[test]
fn errors_of_the_system_are_explained() {
    let explained = |errno, mode| error::explain(Error::system(errno, "fcntl"), mode).to_string();
    for (errno, mode, word) in [
        (sys::EBADF, LockMode::Exclusive, "opened for writing"),
        (sys::EBADF, LockMode::Shared, "opened for reading"),
        (sys::ENOLCK, LockMode::Shared, "no more locks"),
        (sys::EIO, LockMode::Shared, "not held"),
        (sys::EDEADLK, LockMode::Shared, "ERR_MEMMAP_LOCK_DEADLOCK"),
    ] {
        let text = explained(errno, mode);
        assert!(text.contains(word), "{text}");
    }
    let lost = error::explain_held(Error::system(sys::EIO, "fcntl"), LockMode::Shared);
    assert_eq!(code(&lost), "ERR_MEMMAP_LOCK_LOST");
}

#[test]
fn what_is_no_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let wish = whole(LockMode::Shared);
    let error = try_lock(&source(dir.path()), &wish, false).unwrap_err();
    assert_eq!(code(&error), "ERR_MEMMAP_UNSUPPORTED");
    let missing = try_lock(&source(&dir.path().join("none")), &wish, false).unwrap_err();
    assert_eq!(missing.errno(), Some(sys::ENOENT));
}

#[cfg(unix)]
#[test]
fn a_file_is_created_for_its_owner_alone_if_that_is_asked_for() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new.lock");
    let source = Source::of_path(path.to_str().unwrap().into(), true);
    let _held = take(&source, &whole(LockMode::Exclusive));
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn flock_locks_whole_files_and_refuses_what_would_lose_the_lock() {
    let (_dir, path) = file();
    let source = source(&path);
    let open = || {
        let description = source.describe(LockMode::Shared).unwrap();
        description.use_whole();
        Arc::new(description)
    };
    let (one, other) = (open(), open());
    assert!(
        one.lock(Some(LockMode::Exclusive), Span::WHOLE, false)
            .unwrap()
    );
    assert!(
        !other
            .lock(Some(LockMode::Shared), Span::WHOLE, false)
            .unwrap()
    );
    let held = Held::enter(&source, &whole(LockMode::Exclusive), one);
    assert_eq!(held.method(), Method::Whole);
    assert_eq!(
        code(&held.downgrade().unwrap_err()),
        "ERR_MEMMAP_UNSUPPORTED"
    );
    held.release().unwrap();
    assert!(
        other
            .lock(Some(LockMode::Shared), Span::WHOLE, false)
            .unwrap()
    );
    let held = Held::enter(&source, &whole(LockMode::Shared), other);
    assert_eq!(
        code(&held.try_upgrade().unwrap_err()),
        "ERR_MEMMAP_UNSUPPORTED"
    );
    assert_eq!(held.mode(), Some(LockMode::Shared));
    let range = open().lock(Some(LockMode::Shared), Span::new(0, 1).unwrap(), false);
    assert_eq!(code(&range.unwrap_err()), "ERR_MEMMAP_UNSUPPORTED");
}
