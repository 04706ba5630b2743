//! Errors of locking, with their causes and remedies.

use super::request::{Holder, LockRequest};
use crate::core::error::Error;
use crate::core::sys::{self, LockMode};

/// Adds an explanation to an error of the system, or returns an error with a code of this library
/// where the system's error means that.
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
            "the system has no more locks available, or the lock service of the file server cannot \
             be reached",
        ),
        (Some(sys::EIO), _) => error.because(
            "the file server does not answer for its locks: assume that the lock is not held",
        ),
        (Some(sys::EDEADLK), _) => Error::rule(
            "ERR_MEMMAP_LOCK_DEADLOCK",
            "The system found that waiting for this lock would never end",
        ),
        _ => error,
    }
}

/// Explains an error that concerns a lock which was held when the error occurred.
pub(super) fn explain_held(error: Error, mode: LockMode) -> Error {
    if error.errno() == Some(sys::EIO) {
        return Error::rule(
            "ERR_MEMMAP_LOCK_LOST",
            "The lock was lost: the file server no longer knows it. Data that was read under it \
             may be out of date; take a new lock and read again",
        );
    }
    explain(error, mode)
}

/// Returns the error for the use of a lock after its release.
#[must_use]
pub fn released() -> Error {
    Error::rule(
        "ERR_MEMMAP_LOCK_RELEASED",
        "The lock has been released: take a new one",
    )
}

/// Returns the error for a lock that is not available. `waited` is the time-out in milliseconds,
/// or nothing if the request did not wait.
pub(super) fn busy(request: &LockRequest, holder: Holder, waited: Option<u64>) -> Error {
    let kind = match request.mode {
        LockMode::Shared => "A shared",
        LockMode::Exclusive => "An exclusive",
    };
    let holder = match holder {
        Holder::ThisProcess(thread) => {
            format!("this process holds a conflicting lock (thread {thread})")
        }
        Holder::OtherProcess => String::from("another process holds a conflicting lock"),
    };
    let (code, outcome) = match waited {
        Some(time) => (
            "ERR_MEMMAP_LOCK_TIMEOUT",
            format!("could not be taken within {time} ms"),
        ),
        None => (
            "ERR_MEMMAP_LOCK_BUSY",
            String::from("cannot be taken now; leave out 'timeout' to wait for it"),
        ),
    };
    let range = request.range.describe();
    Error::rule(code, format!("{kind} lock of {range} {outcome}: {holder}"))
}

/// Returns an error for a wait that would never end.
pub(super) fn deadlock(message: impl Into<String>) -> Error {
    Error::rule("ERR_MEMMAP_LOCK_DEADLOCK", message)
}

/// Returns the error for a lock of a range on a file that only has locks of the whole file.
pub(super) fn whole_only(fd: sys::RawHandle) -> Error {
    let system = sys::file_system_name(fd);
    Error::rule(
        "ERR_MEMMAP_UNSUPPORTED",
        format!(
            "The file is on {system}, which has no locks for byte ranges: lock the whole file, \
             with offset 0 and without a length"
        ),
    )
}

/// Returns the error for a file that cannot be locked at all.
pub(super) fn no_locks(fd: sys::RawHandle, error: &Error) -> Error {
    let system = sys::file_system_name(fd);
    Error::rule(
        "ERR_MEMMAP_UNSUPPORTED",
        format!("The file is on {system}, which has no locks ({error})"),
    )
}

/// Returns the error for testing a lock on a file that only has locks by `flock`.
pub(super) fn cannot_test(fd: sys::RawHandle) -> Error {
    let system = sys::file_system_name(fd);
    Error::rule(
        "ERR_MEMMAP_UNSUPPORTED",
        format!(
            "The file is on {system}, where flock locks whole files and cannot report the holder \
             of a lock: try to take the lock instead"
        ),
    )
}

/// Returns the error for a change of mode by `flock`, which releases a lock to change it.
pub(super) fn cannot_change() -> Error {
    Error::rule(
        "ERR_MEMMAP_UNSUPPORTED",
        "This file is locked by flock, which can lose the lock while its mode changes: release it \
         and take a new one",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_are_explained() {
        for (errno, mode, word) in [
            (sys::EBADF, LockMode::Exclusive, "opened for writing"),
            (sys::EBADF, LockMode::Shared, "opened for reading"),
            (sys::ENOLCK, LockMode::Shared, "no more locks"),
            (sys::EIO, LockMode::Shared, "not held"),
            (sys::EDEADLK, LockMode::Shared, "ERR_MEMMAP_LOCK_DEADLOCK"),
        ] {
            let text = explain(Error::system(errno, "fcntl"), mode).to_string();
            assert!(text.contains(word), "{text}");
        }
        let lost = explain_held(Error::system(sys::EIO, "fcntl"), LockMode::Shared).to_string();
        assert!(lost.contains("ERR_MEMMAP_LOCK_LOST"), "{lost}");
    }
}
