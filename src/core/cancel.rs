//! A long piece of work: how far it is, and whether it is still wanted.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::error::{Error, Result};

/// Shared by who does the work and who waits for it.
#[derive(Debug, Default)]
pub struct Job {
    is_cancelled: AtomicBool,
    done: AtomicU64,
}

impl Job {
    /// Not wanted any more: the work ends with an error soon.
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Release);
    }

    /// An error if it is not wanted any more. Asked between blocks of work.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled.load(Ordering::Acquire) {
            return Err(Error::rule("ABORT_ERR", "The operation was aborted"));
        }
        Ok(())
    }

    /// Counts bytes that are done.
    pub fn add(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::AcqRel);
    }

    /// Bytes that are done.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Acquire)
    }
}
