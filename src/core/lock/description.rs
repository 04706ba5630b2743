//! Open file descriptions, which own locks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

use super::error;
use super::request::LockRange;
use crate::core::error::Result;
use crate::core::poison::IgnorePoison;
use crate::core::sys::{self, Access, LockMode};

/// Device and inode: the identity of a file, under whatever name.
pub(super) type FileId = (u64, u64);

/// The kind of the system's locks that a file is locked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LockMethod {
    /// Locks of byte ranges, owned by an open file description or a handle.
    Range,
    /// Locks of whole files by `flock`.
    Whole,
}

impl LockMethod {
    /// Returns the name that JavaScript sees.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Range => sys::RANGE_LOCKS,
            Self::Whole => "flock",
        }
    }
}

/// An open file description that is used for one lock only. Closing it releases the lock.
#[derive(Debug)]
pub(super) struct Description {
    fd: sys::Handle,
    pub(super) file: FileId,
    access: Access,
    /// Whether the file turned out to have no locks of ranges.
    is_whole: AtomicBool,
    /// Held while the lock is changed, where that takes several steps.
    changing: Mutex<()>,
}

impl Description {
    pub(super) fn new(fd: sys::Handle, access: Access) -> Result<Self> {
        let status = sys::fstat(sys::raw(&fd))?;
        Ok(Self {
            fd,
            file: (status.device, status.inode),
            access,
            is_whole: AtomicBool::new(false),
            changing: Mutex::new(()),
        })
    }

    /// Returns the raw handle, for calls that only look at the file.
    pub(super) fn fd(&self) -> sys::RawHandle {
        sys::raw(&self.fd)
    }

    /// Returns the kind of lock that this file is locked with, as far as is known.
    pub(super) fn method(&self) -> LockMethod {
        if self.is_whole.load(Ordering::Relaxed) {
            LockMethod::Whole
        } else {
            LockMethod::Range
        }
    }

    /// Keeps other threads from changing the lock, on systems where a change takes several steps.
    fn exclude_other_changes(&self) -> Option<MutexGuard<'_, ()>> {
        (!sys::CHANGES_LOCKS_ATOMICALLY).then(|| self.changing.lock().ignore_poison())
    }

    /// Sets, changes or removes the lock. Returns false if another lock conflicts; with `blocks`
    /// the thread sleeps until none does.
    pub(super) fn lock(
        &self,
        mode: Option<LockMode>,
        range: LockRange,
        blocks: bool,
    ) -> Result<bool> {
        let fd = self.fd();
        if self.method() == LockMethod::Whole {
            return self.lock_whole(mode, range, blocks);
        }
        let _changing = self.exclude_other_changes();
        match sys::lock_range(fd, mode, range.offset(), range.length(), blocks) {
            Err(error) if sys::is_lock_refused(&error) => {
                if range != LockRange::WHOLE {
                    return Err(error::whole_only(fd));
                }
                self.use_whole();
                self.lock_whole(mode, range, blocks)
            }
            result => Ok(result?),
        }
    }

    /// Locks by `flock` from now on, as on a file system without locks of ranges.
    pub(super) fn use_whole(&self) {
        self.is_whole.store(true, Ordering::Relaxed);
    }

    fn lock_whole(&self, mode: Option<LockMode>, range: LockRange, blocks: bool) -> Result<bool> {
        let fd = self.fd();
        if range != LockRange::WHOLE {
            return Err(error::whole_only(fd));
        }
        sys::lock_whole_file(fd, mode, blocks).map_err(|error| {
            if sys::is_lock_refused(&error) {
                error::no_locks(fd, &error.into())
            } else {
                error.into()
            }
        })
    }

    /// Reports whether no lock of another description conflicts. Returns false where the system
    /// cannot tell.
    pub(super) fn is_available(&self, mode: LockMode, range: LockRange) -> bool {
        let test = || sys::test_range(self.fd(), mode, range.offset(), range.length());
        self.method() == LockMethod::Range && matches!(test(), Ok(None))
    }

    /// Removes the lock. Where that fails, closing the description removes it.
    pub(super) fn unlock(&self, range: LockRange) {
        let _ = self.lock(None, range, false);
    }

    /// Reports whether a lock of one description can be used in place of a lock of the other.
    pub(super) fn is_interchangeable(&self, other: &Self) -> bool {
        self.file == other.file && self.access == other.access && self.method() == other.method()
    }

    /// Changes the mode of the lock, which stays held throughout. Returns false if another lock
    /// conflicts.
    pub(super) fn change(&self, mode: LockMode, range: LockRange, blocks: bool) -> Result<bool> {
        if self.method() == LockMethod::Whole {
            return Err(error::cannot_change());
        }
        let _changing = self.exclude_other_changes();
        let (offset, length) = (range.offset(), range.length());
        Ok(sys::lock_range(
            self.fd(),
            Some(mode),
            offset,
            length,
            blocks,
        )?)
    }
}
