//! The fault guard: replaces a page that the system cannot deliver and records the fault, so that
//! the process goes on.
//!
//! [`handle_trap`] runs in a signal handler, so it uses only atomics and system calls. It replaces
//! pages as follows:
//!
//! | problem | replacement |
//! | --- | --- |
//! | the region was revoked (closed, but its address is still in use) | zeros for this page |
//! | the file ends before the page | zeros from this page to the end of the region |
//! | the page cannot be delivered (I/O error, no block for a hole) | zeros for this page |
//! | the page can be read, but the disk has no block to store it | a private copy of the page |
//! | a store into a read-only page of a shared file | a private copy of the page |
//! | a store into a read-only private page | the same page, writable |
//!
//! Stores into a replaced page never reach the file. Therefore every later call on the mapping
//! reports the fault.

use std::sync::Mutex;
use std::sync::atomic::Ordering;

use crate::core::error::Result;
use crate::core::fault::message_buffer::MessageBuffer;
use crate::core::fault::record::Reason;
use crate::core::fault::region_table;
use crate::core::fault::slot::{Busy, PageKind};
use crate::core::limits;
use crate::core::poison::IgnorePoison;
use crate::core::sys::file_kind::Kind;
use crate::core::sys::{self, FaultAction, Replacement, Trap};

static NOTIFIER: sys::Notifier = sys::Notifier::closed();

/// Called with the number of a mapping after a fault, on the reporting thread.
type Listener = Box<dyn Fn(u64) + Send>;
static LISTENERS: Mutex<Vec<(u64, Listener)>> = Mutex::new(Vec::new());

fn listeners() -> std::sync::MutexGuard<'static, Vec<(u64, Listener)>> {
    LISTENERS.lock().ignore_poison()
}

/// Installs the guard, so that it runs before all other signal handlers. Returns true if another
/// handler had replaced it since the last call. libuv does that for `process.on('SIGBUS')`, and its
/// handler would then be called for the same fault without end.
pub fn install_guard() -> Result<bool> {
    static STARTED: Mutex<bool> = Mutex::new(false);
    let mut started = STARTED.lock().ignore_poison();
    if !*started {
        sys::pin_library();
        // Makes the system call here, because a handler reads the stored page size.
        sys::page_size();
        NOTIFIER.open()?;
        start_reporter()?;
        *started = true;
    }
    Ok(sys::install_fault_handler(handle_trap)?)
}

/// Starts the thread that calls the listeners, which a signal handler cannot do.
fn start_reporter() -> Result<()> {
    std::thread::Builder::new()
        .name("memmap-faults".into())
        .stack_size(64 * 1024)
        .spawn(|| {
            sys::block_signals();
            while NOTIFIER.wait() {
                for id in region_table::take_faulted() {
                    for (_, listener) in &*listeners() {
                        listener(id);
                    }
                }
            }
        })
        .map(drop)
        .map_err(|error| crate::core::Error::from_io(&error, "pthread_create"))
}

/// Adds a listener under a key that the caller chooses.
pub fn listen(key: u64, listener: impl Fn(u64) + Send + 'static) {
    listeners().push((key, Box::new(listener)));
}

/// Removes the listeners with a key. After this function returns, they do not run any more.
pub fn stop_listening(key: u64) {
    listeners().retain(|(k, _)| *k != key);
}

/// Handles a trap at `address`. Runs in a signal handler.
fn handle_trap(address: usize, trap: Trap) -> FaultAction {
    let Some(slot) = region_table::find(address) else {
        return FaultAction::PassOn;
    };
    let page = address & !(slot.page_size() - 1);
    // At most one handler replaces pages of a region at a time. The others let the instruction
    // fault again.
    if slot
        .replacing
        .compare_exchange(0, page, Ordering::SeqCst, Ordering::SeqCst)
        .is_err()
    {
        return FaultAction::Retry;
    }
    let action = diagnose(&slot, page, trap)
        .map_or(FaultAction::Retry, |remedy| apply(&slot, page, &remedy));
    slot.replacing.store(0, Ordering::SeqCst);
    action
}

/// The reason of a fault, and the replacement for the page.
struct Remedy {
    reason: Reason,
    /// The end address of the range to replace.
    end: usize,
    how: How,
}

#[derive(Clone, Copy)]
enum How {
    Zeros,
    /// A private copy of the file's page, or zeros if the file has no such page.
    PrivateCopy,
    /// The same page, writable.
    MakeWritable,
}

/// Finds out why a page trapped. Returns nothing if the page can be accessed now: another thread
/// may have replaced it since the trap, and a second replacement would discard what was stored
/// since.
fn diagnose(slot: &Busy, page: usize, trap: Trap) -> Option<Remedy> {
    let next = page + slot.page_size();
    let is_readable = sys::is_readable(page);
    // The trap may be a load or a store. Where a store works, a load works too.
    if is_readable && (slot.is_revoked() || sys::is_writable(page)) {
        return None;
    }
    if slot.is_revoked() {
        return Some(Remedy {
            reason: Reason::Closed,
            end: next,
            how: How::Zeros,
        });
    }
    // The size of the file is checked first. The kernel checks the protection before the file, so a
    // store after the end of the file into a read-only page traps as forbidden.
    if is_past_end(slot, page) {
        // The pages from `dead_from` on were replaced by an earlier fault, and may hold stores
        // since.
        let end = slot.dead_from.swap(page, Ordering::SeqCst).min(slot.end());
        return Some(Remedy {
            reason: Reason::Truncated,
            end,
            how: How::Zeros,
        });
    }
    let is_forbidden = match trap {
        Trap::Forbidden => is_readable,
        Trap::Undeliverable => false,
        // If the file has the page, the system can deliver it, so the page must be protected. Zeros
        // in place of a protected page would trap again, without end.
        Trap::Unclear => is_deliverable(slot, page),
    };
    if is_forbidden {
        let how = match slot.kind() {
            PageKind::SharedFile => How::PrivateCopy,
            PageKind::PrivateFile | PageKind::Anonymous => How::MakeWritable,
        };
        return Some(Remedy {
            reason: Reason::ReadOnly,
            end: next,
            how,
        });
    }
    // A page that can be read keeps its bytes.
    let how = if is_readable {
        How::PrivateCopy
    } else {
        How::Zeros
    };
    match why_undeliverable(slot, page) {
        // The file was truncated and had grown again when its size was read. Its shortest length is
        // not known, so only this page is replaced.
        Some(Reason::Truncated) => Some(Remedy {
            reason: Reason::Truncated,
            end: next,
            how: How::Zeros,
        }),
        Some(reason) => Some(Remedy {
            reason,
            end: next,
            how,
        }),
        None => None,
    }
}

fn is_deliverable(slot: &Busy, page: usize) -> bool {
    slot.kind() == PageKind::Anonymous
        || sys::has_byte(slot.fd(), slot.file_offset(page)).unwrap_or(false)
}

fn is_past_end(slot: &Busy, page: usize) -> bool {
    slot.kind() != PageKind::Anonymous
        // The status of a device has no size.
        && sys::fstat(slot.fd()).is_ok_and(|file| {
            file.kind == Kind::Regular && file.size <= slot.file_offset(page)
        })
}

/// Returns the reason why the system could not deliver a page, or nothing if it can now.
fn why_undeliverable(slot: &Busy, page: usize) -> Option<Reason> {
    /// After this many consecutive traps without a reason, the page counts as broken.
    const MAX_UNEXPLAINED_TRAPS: u32 = 1000;
    if slot.kind() == PageKind::Anonymous {
        // Anonymous memory fails only if no huge page is free, or if the memory is broken.
        let is_huge = slot.page_size() > sys::page_size();
        return Some(if is_huge { Reason::NoSpace } else { Reason::Io });
    }
    let (fd, offset) = (slot.fd(), slot.file_offset(page));
    match sys::has_byte(fd, offset) {
        Ok(true) => {}
        Ok(false) => return Some(Reason::Truncated),
        Err(_) => return Some(Reason::Io),
    }
    // The file has the page, so the disk may have no block for it. Allocating one shows that,
    // except with a descriptor that is open only for reading, and on some file systems.
    match sys::allocate_page(fd, offset, slot.page_size()) {
        Err(error) if matches!(error.errno(), Some(sys::ENOSPC | sys::EDQUOT)) => {
            return Some(Reason::NoSpace);
        }
        Err(_) if sys::file_system(fd).is_ok_and(|fs| fs.is_full) => return Some(Reason::NoSpace),
        _ => {}
    }
    // Only traps of the same page count as consecutive. A file that is truncated and grows again
    // many times causes unexplained traps of many pages.
    if slot.unexplained_page.swap(page, Ordering::Relaxed) != page {
        slot.unexplained_traps.store(0, Ordering::Relaxed);
    }
    let unexplained_traps = slot.unexplained_traps.fetch_add(1, Ordering::Relaxed);
    (unexplained_traps >= MAX_UNEXPLAINED_TRAPS).then_some(Reason::Io)
}

fn apply(slot: &Busy, page: usize, remedy: &Remedy) -> FaultAction {
    // This comes before any replacement, so that the access that trapped ends the process.
    if slot.aborts() && !slot.is_revoked() {
        report_abort(slot, page, remedy.reason);
        return FaultAction::Terminate;
    }
    // If the process cannot have more areas of memory, the whole region gets the replacement. A
    // shared region gets a private copy instead of zeros, so that readable pages keep their bytes.
    let is_wide = remedy.reason != Reason::Truncated && !limits::may_split();
    let (start, end) = if is_wide {
        (slot.base(), slot.end())
    } else {
        (page, remedy.end)
    };
    let how = match remedy.how {
        How::Zeros if is_wide && slot.kind() == PageKind::SharedFile && !slot.is_revoked() => {
            How::PrivateCopy
        }
        how => how,
    };
    let done = match how {
        How::Zeros => zeros(slot, start, end),
        How::PrivateCopy => {
            let copy = Replacement::PrivateFile {
                fd: slot.fd(),
                offset: slot.file_offset(start),
            };
            // SAFETY: the pages lie in the region of the slot, which `slot` keeps from being
            // released.
            unsafe { sys::replace_pages(start, end - start, copy) }.is_ok()
                || zeros(slot, start, end)
        }
        // SAFETY: as above. Stores into a private page are not visible to other processes.
        How::MakeWritable => unsafe { sys::protect_pages(start, end - start, true) }.is_ok(),
    };
    if !done {
        return FaultAction::PassOn;
    }
    slot.unexplained_traps.store(0, Ordering::Relaxed);
    // If private pages get their memory by traps, the first store into a page is not a fault.
    if remedy.reason == Reason::ReadOnly && slot.copies_lazily() {
        return FaultAction::Retry;
    }
    slot.record(page, remedy.reason);
    NOTIFIER.notify();
    FaultAction::Retry
}

/// Replaces `start..end` by zeros. If that needs more areas of memory than the process can have,
/// replaces everything from `start` to the end of the region. Returns whether one of the two
/// worked.
fn zeros(slot: &Busy, start: usize, end: usize) -> bool {
    [end, slot.end()].into_iter().any(|end| {
        // SAFETY: the range lies in the region of the slot, which `slot` keeps from being released.
        unsafe { sys::replace_pages(start, end - start, Replacement::Zeros) }.is_ok()
    })
}

/// Writes to standard error why the process ends. Allocates no memory, because it runs in a signal
/// handler.
fn report_abort(slot: &Busy, page: usize, reason: Reason) {
    let mut message = MessageBuffer::new();
    message
        .text(b"memmap: fault (")
        .text(reason.name().as_bytes())
        .text(b") at offset ");
    message.number(slot.file_offset(page)).text(b" of ");
    match slot.name() {
        Some(name) => message.text(b"'").text(name.to_bytes()).text(b"'"),
        None => message.text(b"a file without a name"),
    };
    if let Ok(file) = sys::fstat(slot.fd()) {
        message
            .text(b", which has ")
            .number(file.size)
            .text(b" bytes now");
    }
    message.text(b"; onFault is 'abort'\n");
    sys::write_error(message.bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::fault::slot::Claim;

    #[test]
    fn a_page_counts_as_broken_after_many_consecutive_unexplained_traps() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(1 << 16).unwrap();
        let base = 0x60_0000_0000;
        let _handle = region_table::SlotHandle::claim(&Claim {
            base,
            length: 1 << 16,
            kind: PageKind::SharedFile,
            fd: sys::raw(&file),
            ..Claim::default()
        })
        .unwrap();
        let slot = region_table::find(base).unwrap();
        let page = sys::page_size();
        for round in 0..5000 {
            let other = base + round % 2 * page;
            assert_eq!(why_undeliverable(&slot, other), None, "round {round}");
        }
        let same: Vec<_> = (0..1002)
            .map(|_| why_undeliverable(&slot, base + 2 * page))
            .collect();
        assert!(same[..1000].iter().all(Option::is_none));
        assert_eq!(same[1001], Some(Reason::Io));
    }
}
