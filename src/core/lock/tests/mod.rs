//! Tests of locking as a whole, and what they have in common.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::{
    HeldLock, LockMode, LockRange, LockRequest, LockableFile, PendingLock, try_lock, wait_for,
};
use crate::core::error::{Error, Result};

mod acquire;
mod blocking;
mod retry;
mod upgrade;
mod waiting;

/// A time-out that only a bug exceeds.
const LONG: Duration = Duration::from_secs(20);

fn request(mode: LockMode, offset: u64, length: u64) -> LockRequest {
    LockRequest {
        mode,
        range: LockRange::new(offset, length).unwrap(),
        thread: 77,
        stack: None,
    }
}

fn whole(mode: LockMode) -> LockRequest {
    request(mode, 0, 0)
}

/// A request of another JavaScript thread than `request` makes.
fn of_other_thread(request: LockRequest) -> LockRequest {
    LockRequest {
        thread: 78,
        ..request
    }
}

fn temporary_file() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    std::fs::write(&path, "contents").unwrap();
    (dir, path)
}

fn lockable(path: &Path) -> Arc<LockableFile> {
    LockableFile::of_path(path.to_str().unwrap().into(), false)
}

fn take(file: &Arc<LockableFile>, request: &LockRequest) -> Arc<HeldLock> {
    try_lock(file, request, false)
        .unwrap()
        .expect("the lock is free")
}

fn is_free(file: &Arc<LockableFile>, request: &LockRequest) -> bool {
    try_lock(file, request, false).unwrap().is_some()
}

type Results = Receiver<Result<Arc<HeldLock>>>;

fn pending() -> (Arc<PendingLock>, Results) {
    let (sender, results) = channel();
    let pending = PendingLock::new(move |result| {
        let _ = sender.send(result);
    });
    (pending, results)
}

fn wait(file: &Arc<LockableFile>, request: LockRequest) -> (Arc<PendingLock>, Results) {
    let (pending, results) = pending();
    wait_for(file, request, &pending, true);
    (pending, results)
}

fn code(error: &Error) -> &str {
    match error {
        Error::Rule { code, .. } => code,
        Error::System { .. } => "system",
    }
}

/// Waits until a condition holds. Tests run at the same time and share the threads that sleep for
/// locks, so a condition may need some time.
fn eventually(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < LONG, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
