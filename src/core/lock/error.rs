//! What the errors of locking mean, and what to do about them.

use super::super::error::Error;
use super::super::sys::{self, LockMode};
use super::Wish;
use super::registry::Party;

/// The system's number with an explanation, or a rule of ours where that is what it means.
pub(super) fn explain(error: Error, mode: LockMode) -> Error {
    match (error.errno(), mode) {
        (Some(sys::EBADF), LockMode::Exclusive) => error.because(
            "an exclusive lock needs a file opened for writing: map it with mode 'r+', or lock its \
             path with fileLock()",
        ),
        (Some(sys::EBADF), LockMode::Shared) => {
            error.because("a shared lock needs a file opened for reading")
        }
        (Some(sys::ENOLCK), _) => error.because(
            "the system has no more locks to give, or the lock service of the file server can't be \
             reached",
        ),
        (Some(sys::EIO), _) => error.because(
            "the file server doesn't answer for its locks: take it that the lock is not held",
        ),
        (Some(sys::EDEADLK), _) => Error::rule(
            "ERR_MEMMAP_LOCK_DEADLOCK",
            "The system found that waiting for this lock would never end",
        ),
        _ => error,
    }
}

/// What an error means for a lock that was held when it came.
pub(super) fn explain_held(error: Error, mode: LockMode) -> Error {
    if error.errno() == Some(sys::EIO) {
        return Error::rule(
            "ERR_MEMMAP_LOCK_LOST",
            "The lock was lost: the file server has forgotten it. What was read under it may be \
             out of date; take a new lock and read again",
        );
    }
    explain(error, mode)
}

/// Use after release.
#[must_use]
pub fn released() -> Error {
    Error::rule(
        "ERR_MEMMAP_LOCK_RELEASED",
        "The lock has been released: take a new one",
    )
}

/// `waited` is in milliseconds, if there was any waiting.
pub(super) fn busy(wish: &Wish, holder: Party, waited: Option<u64>) -> Error {
    let kind = match wish.mode {
        LockMode::Shared => "A shared",
        LockMode::Exclusive => "An exclusive",
    };
    let holder = match holder {
        Party::This(thread) => format!("this process has one there (thread {thread})"),
        Party::Other => String::from("another process has one there"),
    };
    let (code, rest) = match waited {
        Some(time) => (
            "ERR_MEMMAP_LOCK_TIMEOUT",
            format!("could not be had within {time} ms"),
        ),
        None => (
            "ERR_MEMMAP_LOCK_BUSY",
            String::from("can't be had now; leave out 'timeout' to wait for it"),
        ),
    };
    let span = wish.span.words();
    Error::rule(code, format!("{kind} lock of {span} {rest}: {holder}"))
}

pub(super) fn deadlock(message: impl Into<String>) -> Error {
    Error::rule("ERR_MEMMAP_LOCK_DEADLOCK", message)
}

/// The file has no locks over ranges, and this is one.
pub(super) fn whole_only(fd: sys::RawHandle) -> Error {
    let system = sys::file_system_name(fd);
    Error::rule(
        "ERR_MEMMAP_UNSUPPORTED",
        format!(
            "The file lies on {system}, which has no locks over ranges of bytes: lock the \
             whole file, with offset 0 and without a length"
        ),
    )
}

/// The file has no locks at all.
pub(super) fn no_locks(fd: sys::RawHandle, error: &Error) -> Error {
    let system = sys::file_system_name(fd);
    Error::rule(
        "ERR_MEMMAP_UNSUPPORTED",
        format!("The file lies on {system}, which has no locks ({error})"),
    )
}

pub(super) fn cannot_test(fd: sys::RawHandle) -> Error {
    let system = sys::file_system_name(fd);
    Error::rule(
        "ERR_MEMMAP_UNSUPPORTED",
        format!(
            "The file lies on {system}, where only whole files are locked, by flock, and flock does \
             not tell who has one: try to take it instead"
        ),
    )
}

/// `flock` lets go of a lock to change it.
pub(super) fn cannot_change() -> Error {
    Error::rule(
        "ERR_MEMMAP_UNSUPPORTED",
        "This file is locked by flock, which would lose the lock while it changes its mode: release \
         it and take a new one",
    )
}
