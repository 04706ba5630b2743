//! The fault guard: a page that the system can't deliver becomes zeros and a record, not the
//! end of the process.
//!
//! [`handle_trap`] runs in a signal handler: atomics and system calls only. What it does to a page:
//!
//! | what is wrong | replacement |
//! | --- | --- |
//! | the region was revoked (closed, but somebody still contains the address) | this page: zeros |
//! | the file ends before the page | from this page to the end: zeros |
//! | the page can't be delivered otherwise (I/O error, no block for a hole) | this page: zeros |
//! | the page can be read, but there is no block to store into | a private copy of it |
//! | a store into a read-only page of a shared file | a private copy of it |
//! | a store into a read-only private page | the same page, writable |
//!
//! A replaced page never reaches the file any more, which is why every later call on the
//! mapping reports the fault.

use std::sync::Mutex;
use std::sync::atomic::Ordering;

use crate::core::error::Result;
use crate::core::fault::record::Reason;
use crate::core::fault::region_table;
use crate::core::fault::slot::{Busy, PageKind};
use crate::core::limits;
use crate::core::poison::IgnorePoison;
use crate::core::sys::file_kind::Kind;
use crate::core::sys::{self, FaultAction, Replacement, Trap};

static NOTIFIER: sys::Notifier = sys::Notifier::closed();

/// Somebody who wants to know of faults: called on a thread of ours with the mapping's number.
type Listener = Box<dyn Fn(u64) + Send>;
static LISTENERS: Mutex<Vec<(u64, Listener)>> = Mutex::new(Vec::new());

fn listeners() -> std::sync::MutexGuard<'static, Vec<(u64, Listener)>> {
    LISTENERS.lock().ignore_poison()
}

/// Puts the guard in front of all other handlers. True if one had been put in front of it since
/// it was last looked at: libuv does that for `process.on('SIGBUS')`, and faults of ours would
/// come back to its handler for ever.
pub fn install_guard() -> Result<bool> {
    static STARTED: Mutex<bool> = Mutex::new(false);
    let mut started = STARTED.lock().ignore_poison();
    if !*started {
        sys::pin_library();
        // Page size and its like are asked once before a handler needs them.
        sys::page_size();
        NOTIFIER.open()?;
        start_reporter()?;
        *started = true;
    }
    Ok(sys::install_fault_handler(handle_trap)?)
}

/// The thread that carries faults out of the signal handler.
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

/// Adds a listener under a key of its owner's choice.
pub fn listen(key: u64, listener: impl Fn(u64) + Send + 'static) {
    listeners().push((key, Box::new(listener)));
}

/// Removes what was added under `key`; when this returns it isn't running any more.
pub fn stop_listening(key: u64) {
    listeners().retain(|(k, _)| *k != key);
}

/// Judges a trap at `address`. Runs in a signal handler.
fn handle_trap(address: usize, trap: Trap) -> FaultAction {
    let Some(slot) = region_table::find(address) else {
        return FaultAction::PassOn;
    };
    let page = address & !(slot.page_size() - 1);
    // One replacement at a time: whoever comes second lets the instruction fault again.
    if slot
        .replacing
        .compare_exchange(0, page, Ordering::SeqCst, Ordering::SeqCst)
        .is_err()
    {
        return FaultAction::Retry;
    }
    let verdict = diagnose(&slot, page, trap)
        .map_or(FaultAction::Retry, |remedy| apply(&slot, page, &remedy));
    slot.replacing.store(0, Ordering::SeqCst);
    verdict
}

/// What is wrong with a page, and what to put in its first.
struct Remedy {
    reason: Reason,
    /// The end of what is to be replaced.
    end: usize,
    how: How,
}

#[derive(Clone, Copy)]
enum How {
    Zeros,
    /// A private copy of the file's page, or zeros where there is none.
    PrivateCopy,
    /// The same page, writable.
    MakeWritable,
}

/// What is wrong with a page; nothing, if it is all right by now: another thread may have
/// replaced it since we trapped, and doing so again would discard what was stored there.
fn diagnose(slot: &Busy, page: usize, trap: Trap) -> Option<Remedy> {
    let next = page + slot.page_size();
    let is_readable = sys::is_readable(page);
    // A load can't be reported from a store here, but where a store works a load does too.
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
    // The file's size comes first: the kernel looks at the protection before it looks at the
    // file, so a store behind the end into a page that is read-only too is a is_forbidden one.
    if is_past_end(slot, page) {
        // What lies behind an earlier cut was replaced then and may have been written to.
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
        // What the file can be read from can be delivered, so the page must be protected. Taking
        // an I/O error for that would replace the page by one that fails again, for ever.
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
    // A page that can be read all the same keeps its bytes.
    let how = if is_readable {
        How::PrivateCopy
    } else {
        How::Zeros
    };
    match why_undeliverable(slot, page) {
        // The file was cut and had grown again when its size was asked: which end is behind it
        // now is not known, so only this page goes.
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
        // Devices have no size in their status.
        && sys::fstat(slot.fd()).is_ok_and(|file| {
            file.kind == Kind::Regular && file.size <= slot.file_offset(page)
        })
}

/// Why the system could not deliver a page, or nothing if by now it can.
fn why_undeliverable(slot: &Busy, page: usize) -> Option<Reason> {
    /// Nothing wrong so many times in a row is something wrong after all.
    const MAX_UNEXPLAINED_TRAPS: u32 = 1000;
    if slot.kind() == PageKind::Anonymous {
        // Without a file there is nothing to fail but the supply of huge pages, and the memory.
        let is_huge = slot.page_size() > sys::page_size();
        return Some(if is_huge { Reason::NoSpace } else { Reason::Io });
    }
    let (fd, offset) = (slot.fd(), slot.file_offset(page));
    match sys::has_byte(fd, offset) {
        Ok(true) => {}
        Ok(false) => return Some(Reason::Truncated),
        Err(_) => return Some(Reason::Io),
    }
    // The file has the page, so there may be no block for it: asking for one says exactly. A
    // descriptor for reading can't ask, and some file systems don't answer.
    match sys::allocate_page(fd, offset, slot.page_size()) {
        Err(error) if matches!(error.errno(), Some(sys::ENOSPC | sys::EDQUOT)) => {
            return Some(Reason::NoSpace);
        }
        Err(_) if sys::file_system(fd).is_ok_and(|fs| fs.is_full) => return Some(Reason::NoSpace),
        _ => {}
    }
    // Of another page than the last time it is the first of a row: a file that is cut and grows
    // again all the time poses many of them in a long life.
    if slot.unexplained_page.swap(page, Ordering::Relaxed) != page {
        slot.unexplained_traps.store(0, Ordering::Relaxed);
    }
    let unexplained_traps = slot.unexplained_traps.fetch_add(1, Ordering::Relaxed);
    (unexplained_traps >= MAX_UNEXPLAINED_TRAPS).then_some(Reason::Io)
}

fn apply(slot: &Busy, page: usize, remedy: &Remedy) -> FaultAction {
    // Before anything is replaced: the process is to die of the very access that trapped.
    if slot.aborts() && !slot.is_revoked() {
        report_abort(slot, page, remedy.reason);
        return FaultAction::Terminate;
    }
    // Where there is no room for more areas the whole region gets what the page would have got;
    // of a shared one a private copy, so that what can be read stays.
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
            // SAFETY: the pages lie in a region whose slot we hold busy.
            unsafe { sys::replace_pages(start, end - start, copy) }.is_ok()
                || zeros(slot, start, end)
        }
        // SAFETY: as above. A private page may be written to without anybody else seeing it.
        How::MakeWritable => unsafe { sys::protect_pages(start, end - start, true) }.is_ok(),
    };
    if !done {
        return FaultAction::PassOn;
    }
    slot.unexplained_traps.store(0, Ordering::Relaxed);
    // The first store into a page that gets its own memory only then is no fault.
    if remedy.reason == Reason::ReadOnly && slot.copies_lazily() {
        return FaultAction::Retry;
    }
    slot.record(page, remedy.reason);
    NOTIFIER.notify();
    FaultAction::Retry
}

/// Puts zeros in the place of `start..end`. Where the process has no mapping to spare for the
/// areas, the whole rest of the region goes.
fn zeros(slot: &Busy, start: usize, end: usize) -> bool {
    [end, slot.end()].into_iter().any(|end| {
        // SAFETY: the range lies in a region whose slot we hold busy.
        unsafe { sys::replace_pages(start, end - start, Replacement::Zeros) }.is_ok()
    })
}

/// Says on standard error why the process ends. No allocation: it is still a signal handler.
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

/// A message of text in fixed memory; what doesn't fit is cut.
struct MessageBuffer {
    bytes: [u8; 1024],
    length: usize,
}

impl MessageBuffer {
    fn new() -> Self {
        Self {
            bytes: [0; 1024],
            length: 0,
        }
    }

    fn text(&mut self, text: &[u8]) -> &mut Self {
        let room = &mut self.bytes[self.length..];
        let count = text.len().min(room.len());
        room[..count].copy_from_slice(&text[..count]);
        self.length += count;
        self
    }

    fn number(&mut self, mut number: u64) -> &mut Self {
        let mut digits = [0_u8; 20];
        let mut start = digits.len();
        loop {
            start -= 1;
            digits[start] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.text(&digits[start..])
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::fault::slot::Claim;

    #[test]
    fn only_one_page_that_traps_for_nothing_again_and_again_is_taken_for_broken() {
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

    #[test]
    fn a_line_takes_numbers_and_cuts_what_does_not_fit() {
        let mut message = MessageBuffer::new();
        message.text(b"a").number(0).text(b" ").number(u64::MAX);
        assert_eq!(message.bytes(), b"a0 18446744073709551615");
        message.text(&[b'x'; 2000]);
        assert_eq!(message.bytes().len(), 1024);
    }
}
