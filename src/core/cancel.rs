//! Cancelling a long operation, and following its progress.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::error::{Error, Result};

/// A flag and a counter that the thread which works and the thread which waits for it share.
#[derive(Debug, Default)]
pub struct CancelToken {
    is_cancelled: AtomicBool,
    done: AtomicU64,
}

impl CancelToken {
    /// Asks the operation to end. It fails at its next [`CancelToken::check`].
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Release);
    }

    /// Fails with `ABORT_ERR` after [`CancelToken::cancel`]. A long operation calls it between
    /// blocks of work.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled.load(Ordering::Acquire) {
            return Err(Error::rule("ABORT_ERR", "The operation was aborted"));
        }
        Ok(())
    }

    /// Adds bytes to the progress.
    pub fn add(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::AcqRel);
    }

    /// Returns how many bytes the operation has processed.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Acquire)
    }
}
