//! The registry of locks: all locks that this process holds or waits for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use super::description::{Description, FileId, LockMethod};
use super::error;
use super::lockable_file::LockableFile;
use super::request::{Holder, LockRange, LockRequest};
use crate::core::error::Result;
use crate::core::poison::IgnorePoison;
use crate::core::sys::LockMode;

/// Whether a lock is held or waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockState {
    /// This process holds it.
    Held,
    /// This process waits for it.
    Waiting,
    /// This process holds it as a shared lock and waits for it to become exclusive.
    Upgrading,
}

impl LockState {
    /// Returns the name that JavaScript sees.
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
pub struct Entry {
    /// A number that no other entry has or had.
    pub id: u64,
    /// The name that the user gave the file.
    pub path: Option<String>,
    /// The mode that is held, or that is waited for.
    pub mode: LockMode,
    /// The bytes of the file.
    pub range: LockRange,
    /// Whether it is held or waited for.
    pub state: LockState,
    /// The kind of the system's locks.
    pub method: LockMethod,
    /// The number of the JavaScript thread.
    pub thread: u32,
    /// The stack of the call that requested it, if stacks are recorded.
    pub stack: Option<String>,
    file: FileId,
}

impl Entry {
    /// Makes an entry, which gets its number when it is added.
    pub(super) fn new(
        file: &LockableFile,
        request: &LockRequest,
        description: &Description,
        state: LockState,
    ) -> Self {
        Self {
            id: 0,
            path: file.name().map(str::to_owned),
            mode: request.mode,
            range: request.range,
            state,
            method: description.method(),
            thread: request.thread,
            stack: request.stack.clone(),
            file: description.file,
        }
    }

    fn conflicts(&self, file: FileId, mode: LockMode, range: LockRange) -> bool {
        self.mode.excludes(mode) && self.file == file && self.range.overlaps(range)
    }
}

/// The owner of an entry: a lock or a request, which ends with its JavaScript thread.
pub(super) trait Abandon: std::fmt::Debug + Send + Sync {
    /// Releases the lock, or cancels the request. No caller is left to receive an error.
    fn abandon(&self);
}

type Entries = BTreeMap<u64, (Entry, Weak<dyn Abandon>)>;

static ENTRIES: Mutex<Entries> = Mutex::new(BTreeMap::new());

fn lock_entries() -> MutexGuard<'static, Entries> {
    ENTRIES.lock().ignore_poison()
}

/// A handle of an entry in the registry. Dropping it removes the entry.
#[derive(Debug)]
pub struct Registration(u64);

impl Registration {
    /// Adds an entry under a new number.
    pub(super) fn new(mut entry: Entry, owner: Weak<dyn Abandon>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        entry.id = id;
        lock_entries().insert(id, (entry, owner));
        Self(id)
    }

    /// Returns the number of the entry.
    pub(super) fn id(&self) -> u64 {
        self.0
    }

    /// Changes the mode of the entry, if it is still there.
    pub(super) fn set_mode(&self, mode: LockMode) {
        if let Some((entry, _)) = lock_entries().get_mut(&self.0) {
            entry.mode = mode;
        }
    }

    /// Removes the entry.
    pub(super) fn end(&self) {
        lock_entries().remove(&self.0);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.end();
    }
}

/// Returns all entries, oldest first.
#[must_use]
pub fn entries() -> Vec<Entry> {
    let entries = lock_entries();
    entries.values().map(|(entry, _)| entry.clone()).collect()
}

/// Fails with `ERR_MEMMAP_LOCK_DEADLOCK` if the requesting thread holds a conflicting lock, or
/// waits for one by a request other than `asking`. A thread cannot release a lock while it blocks.
pub(super) fn check_self_deadlock(
    file: FileId,
    request: &LockRequest,
    asking: &Arc<impl Abandon>,
) -> Result<()> {
    let is_deadlock = lock_entries().values().any(|(entry, owner)| {
        let is_asking = std::ptr::addr_eq(owner.as_ptr(), Arc::as_ptr(asking));
        let is_own = entry.thread == request.thread && !is_asking;
        is_own && entry.conflicts(file, request.mode, request.range)
    });
    if is_deadlock {
        return Err(error::deadlock(
            "This thread holds, or waits for, a lock that conflicts with this one, and could not \
             release it while it blocks: release that lock first, or await lock() instead",
        ));
    }
    Ok(())
}

/// Reports whether this process holds a lock that overlaps a range and waits to become exclusive.
pub(super) fn is_upgrade_pending(file: FileId, range: LockRange) -> bool {
    lock_entries().values().any(|(entry, _)| {
        entry.state == LockState::Upgrading && entry.file == file && entry.range.overlaps(range)
    })
}

/// Returns the holder of a lock that conflicts with a request, as far as this process knows. The
/// lock with the number `except` does not count.
pub(super) fn conflicting_holder(file: FileId, request: &LockRequest, except: u64) -> Holder {
    let entries = lock_entries();
    let conflict = entries.values().find(|(entry, _)| {
        let is_held = entry.state == LockState::Held && entry.id != except;
        is_held && entry.conflicts(file, request.mode, request.range)
    });
    conflict.map_or(Holder::OtherProcess, |(entry, _)| {
        Holder::ThisProcess(entry.thread)
    })
}

/// Releases the locks of a JavaScript thread that has ended, and cancels its requests.
pub fn end_thread(thread: u32) {
    let (mut locks, mut requests) = (Vec::new(), Vec::new());
    for (entry, owner) in lock_entries().values() {
        if entry.thread == thread {
            let owners = match entry.state {
                LockState::Held => &mut locks,
                LockState::Waiting | LockState::Upgrading => &mut requests,
            };
            owners.extend(owner.upgrade());
        }
    }
    // Both change the registry, so it must not be locked here. A released lock must not go to a
    // request of the same thread, so requests are cancelled first.
    for owner in requests.into_iter().chain(locks) {
        owner.abandon();
    }
}
