//! The fault guard: a page that the system can't deliver becomes zeros and a record, not the
//! end of the process.
//!
//! [`judge`] runs in a signal handler: atomics and system calls only. What it does to a page:
//!
//! | region  | trap | replacement |
//! | --- | --- | --- |
//! | revoked (closed, but somebody still holds the address) | any | this page: zeros |
//! | file | undeliverable, file ends before the page | from this page to the end: zeros |
//! | file | undeliverable otherwise (disk full, I/O error) | this page: zeros |
//! | shared file | forbidden store | this page: a private copy of the file's |
//! | private | forbidden store | the same page, made writable |
//!
//! A replaced page never reaches the file any more, which is why every later call on the
//! mapping reports the fault.

use std::sync::Mutex;

use super::error::Result;
use super::sys::{self, Replacement, Trap, Verdict};
use super::table::{self, Backing, Busy, Reason};

static BELL: sys::Bell = sys::Bell::silent();

/// Somebody who wants to know of faults: called on a thread of ours with the mapping's number.
type Listener = Box<dyn Fn(u64) + Send>;
static LISTENERS: Mutex<Vec<(u64, Listener)>> = Mutex::new(Vec::new());

fn listeners() -> std::sync::MutexGuard<'static, Vec<(u64, Listener)>> {
    LISTENERS
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Puts the guard in front of all other handlers. True if one had been put in front of it since
/// it was last looked at: libuv does that for `process.on('SIGBUS')`, and faults of ours would
/// come back to its handler for ever.
pub fn stand_guard() -> Result<bool> {
    static STARTED: Mutex<bool> = Mutex::new(false);
    let mut started = STARTED
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if !*started {
        sys::pin_library();
        // Page size and its like are asked once before a handler needs them.
        sys::page_size();
        BELL.hang()?;
        start_messenger()?;
        *started = true;
    }
    sys::guard_signals(judge)
}

/// The thread that carries faults out of the signal handler.
fn start_messenger() -> Result<()> {
    std::thread::Builder::new()
        .name("memmap-faults".into())
        .stack_size(64 * 1024)
        .spawn(|| {
            sys::block_signals();
            while BELL.wait() {
                for id in table::newly_faulted() {
                    for (_, listener) in &*listeners() {
                        listener(id);
                    }
                }
            }
        })
        .map(drop)
        .map_err(|error| super::Error::from_io(&error, "pthread_create"))
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
fn judge(address: usize, trap: Trap) -> Verdict {
    let Some(slot) = table::find(address) else {
        return Verdict::Foreign;
    };
    let page = address & !(sys::page_size() - 1);
    // One replacement at a time: whoever comes second lets the instruction fault again.
    if slot
        .replacing
        .compare_exchange(
            0,
            page,
            std::sync::atomic::Ordering::SeqCst,
            std::sync::atomic::Ordering::SeqCst,
        )
        .is_err()
    {
        return Verdict::Retry;
    }
    let verdict = replace(&slot, page, trap);
    slot.replacing.store(0, std::sync::atomic::Ordering::SeqCst);
    verdict
}

fn replace(slot: &Busy, page: usize, trap: Trap) -> Verdict {
    // Another thread may have replaced the page since we trapped; doing it again would discard
    // what was stored there meanwhile. (A forbidden store is into a page that can be read.)
    let readable = sys::is_readable(page);
    if readable && trap == Trap::Undeliverable {
        return Verdict::Retry;
    }
    if slot.is_revoked() {
        if readable {
            return Verdict::Retry;
        }
        return finish(
            slot,
            page,
            Reason::Closed,
            zeros(slot, page, page + sys::page_size()),
        );
    }
    let truncated = || {
        slot.backing() != Backing::Anonymous
            && sys::fstat(slot.fd()).is_ok_and(|file| file.size <= slot.file_offset(page))
    };
    match trap {
        Trap::Forbidden if readable => forbidden(slot, page),
        Trap::Forbidden => Verdict::Foreign,
        Trap::Undeliverable | Trap::Unclear if truncated() => {
            // What lies behind an earlier cut was replaced then and may have been written to.
            let end = slot
                .dead_from
                .swap(page, std::sync::atomic::Ordering::SeqCst);
            let end = end.min(slot.end());
            finish(slot, page, Reason::Truncated, zeros(slot, page, end))
        }
        Trap::Unclear => forbidden(slot, page),
        Trap::Undeliverable => {
            let full = sys::file_system(slot.fd()).is_ok_and(|fs| fs.is_full);
            let reason = if full { Reason::NoSpace } else { Reason::Io };
            finish(
                slot,
                page,
                reason,
                zeros(slot, page, page + sys::page_size()),
            )
        }
    }
}

/// A store into a page that is read-only: it goes to a page of its own.
fn forbidden(slot: &Busy, page: usize) -> Verdict {
    let size = sys::page_size();
    let done = if slot.backing() == Backing::SharedFile {
        let copy = Replacement::PrivateFile {
            fd: slot.fd(),
            offset: slot.file_offset(page),
        };
        // SAFETY: the page lies in a region whose slot we hold busy.
        unsafe { sys::replace_pages(page, size, copy) }.is_ok()
    } else {
        // SAFETY: as above. A private page may be written to without anybody else seeing it.
        unsafe { sys::protect_pages(page, size, true) }.is_ok()
    };
    finish(slot, page, Reason::ReadOnly, done)
}

/// Puts zeros in the place of `start..end`. Where the process has no mapping to spare for the
/// pieces, the whole rest of the region goes.
fn zeros(slot: &Busy, start: usize, end: usize) -> bool {
    [end, slot.end()].into_iter().any(|end| {
        // SAFETY: the range lies in a region whose slot we hold busy.
        unsafe { sys::replace_pages(start, end - start, Replacement::Zeros) }.is_ok()
    })
}

fn finish(slot: &Busy, page: usize, reason: Reason, done: bool) -> Verdict {
    if slot.aborts() && !slot.is_revoked() {
        report_abort(slot, page, reason);
        return Verdict::Die;
    }
    if !done {
        return Verdict::Foreign;
    }
    slot.record(page, reason);
    BELL.ring();
    Verdict::Retry
}

/// Says on standard error why the process ends. No allocation: it is still a signal handler.
fn report_abort(slot: &Busy, page: usize, reason: Reason) {
    let mut line = Line::new();
    line.text(b"memmap: fault (")
        .text(reason.name().as_bytes())
        .text(b") at offset ");
    line.number(slot.file_offset(page)).text(b" of ");
    match slot.name() {
        Some(name) => line.text(b"'").text(name.to_bytes()).text(b"'"),
        None => line.text(b"a file without a name"),
    };
    if let Ok(file) = sys::fstat(slot.fd()) {
        line.text(b", which has ")
            .number(file.size)
            .text(b" bytes now");
    }
    line.text(b"; onFault is 'abort'\n");
    sys::write_error(line.bytes());
}

/// A line of text in fixed memory; what doesn't fit is cut.
struct Line {
    bytes: [u8; 1024],
    length: usize,
}

impl Line {
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

    #[test]
    fn a_line_takes_numbers_and_cuts_what_does_not_fit() {
        let mut line = Line::new();
        line.text(b"a").number(0).text(b" ").number(u64::MAX);
        assert_eq!(line.bytes(), b"a0 18446744073709551615");
        line.text(&[b'x'; 2000]);
        assert_eq!(line.bytes().len(), 1024);
    }
}
