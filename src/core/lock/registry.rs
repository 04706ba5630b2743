//! The ledger of locks: all that this process holds, and all that it waits for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use super::super::error::Result;
use super::error;
use super::held_lock::Held;
use super::lockable_file::{FileId, Method};
use super::waiter::Request;
use super::{LockMode, Span, Wish};
use crate::core::poison::IgnorePoison;

/// Whether a lock is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Somebody of this process has it.
    Held,
    /// Somebody of this process waits for it.
    Waiting,
    /// Somebody of this process has it shared and waits to have it exclusive.
    Upgrading,
}

impl State {
    /// The name that JavaScript sees.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Waiting => "waiting",
            Self::Upgrading => "upgrading",
        }
    }
}

/// A lock that is held or waited for.
#[derive(Debug, Clone)]
pub struct Line {
    /// A number that no other one has or had.
    pub id: u64,
    /// The file, as the user named it.
    pub path: Option<String>,
    /// What it is, or shall be.
    pub mode: LockMode,
    /// Which bytes of the file.
    pub span: Span,
    /// Whether it is there.
    pub state: State,
    /// By which of the system's locks.
    pub method: Method,
    /// The thread of JavaScript.
    pub thread: u32,
    /// Where it was asked for.
    pub stack: Option<String>,
    pub(super) file: FileId,
}

/// Who a line belongs to.
#[derive(Debug)]
pub(super) enum Owner {
    Lock(Weak<Held>),
    Request(Weak<Request>),
}

/// Who has a lock that is in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// A thread of JavaScript of this process.
    This(u32),
    /// Somebody else.
    Other,
}

static LINES: Mutex<BTreeMap<u64, (Line, Owner)>> = Mutex::new(BTreeMap::new());

fn book() -> MutexGuard<'static, BTreeMap<u64, (Line, Owner)>> {
    LINES.lock().ignore_poison()
}

/// Writes a line, with a number of its own.
pub(super) fn enter(mut line: Line, owner: Owner) -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    line.id = NEXT.fetch_add(1, Ordering::Relaxed);
    let id = line.id;
    book().insert(id, (line, owner));
    id
}

/// Strikes a line out.
pub(super) fn leave(id: u64) {
    book().remove(&id);
}

/// Changes a line, if it is still there.
pub(super) fn change(id: u64, change: impl FnOnce(&mut Line)) {
    if let Some((line, _)) = book().get_mut(&id) {
        change(line);
    }
}

/// All lines, oldest first.
#[must_use]
pub fn lines() -> Vec<Line> {
    book().values().map(|(line, _)| line.clone()).collect()
}

fn is_in_the_way(line: &Line, file: FileId, mode: LockMode, span: Span) -> bool {
    line.mode.excludes(mode) && line.file == file && line.span.overlaps(span)
}

/// An error if a lock that the asking thread has, or waits for by another request than `asking`,
/// is in the way: it can't let go of it while it stands still.
pub(super) fn check_own(file: FileId, wish: &Wish, asking: &Arc<Request>) -> Result<()> {
    let own = book().values().any(|(line, owner)| {
        let is_asking = matches!(owner, Owner::Request(one) if one.as_ptr() == Arc::as_ptr(asking));
        let is_own = line.thread == wish.thread && !is_asking;
        is_own && is_in_the_way(line, file, wish.mode, wish.span)
    });
    if own {
        return Err(error::deadlock(
            "This thread has, or waits for, a lock that is in the way of this one, and could never \
             release it while it stands still: release it first, or await lock() instead",
        ));
    }
    Ok(())
}

/// Whether somebody of this process holds a part of a range and waits to have it exclusive.
pub(super) fn is_being_upgraded(file: FileId, span: Span) -> bool {
    book().values().any(|(line, _)| {
        line.state == State::Upgrading && line.file == file && line.span.overlaps(span)
    })
}

/// Who has a lock that is in the way, other than the one with this number, as far as this process
/// knows.
pub(super) fn who_is_in_the_way(file: FileId, wish: &Wish, own: u64) -> Party {
    book()
        .values()
        .find(|(line, _)| {
            let is_held = line.state == State::Held && line.id != own;
            is_held && is_in_the_way(line, file, wish.mode, wish.span)
        })
        .map_or(Party::Other, |(line, _)| Party::This(line.thread))
}

/// A thread of JavaScript has ended: its locks are released, and it waits for none any more.
pub fn end_thread(thread: u32) {
    let mut locks: Vec<Arc<Held>> = Vec::new();
    let mut requests: Vec<Arc<Request>> = Vec::new();
    for (line, owner) in book().values() {
        if line.thread != thread {
            continue;
        }
        match owner {
            Owner::Lock(lock) => locks.extend(lock.upgrade()),
            Owner::Request(request) => requests.extend(request.upgrade()),
        }
    }
    // Without the book, into which both of them write.
    for request in requests {
        request.cancel();
    }
    for lock in locks {
        // Whoever could be told of a failure is gone.
        let _ = lock.release();
    }
}
