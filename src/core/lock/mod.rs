//! Advisory locks on files and on ranges of their bytes.
//!
//! Each lock has an open file description of its own, which the kernel takes for its owner: two
//! locks exclude each other whoever has them, in one process or in several, and one that opens or
//! closes the file elsewhere takes none away. A request is tried at once; one that has to wait
//! waits in the kernel, on a thread of ours ([`wait`]), in the kernel's order.

mod error;
mod fairness;
mod held_lock;
mod lockable_file;
mod registry;
mod retry;
mod waiter;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use super::error::{Error, Result};
use super::sys;
pub use super::sys::LockMode;
pub use error::released;
pub use held_lock::Held;
pub use lockable_file::{Method, Source};
pub use registry::{Line, State, end_thread, lines};
pub use waiter::{Request, waiting};

use lockable_file::Description;
use registry::Party;
use waiter::Claim;

/// The bytes that a lock covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    start: u64,
    /// 0: to infinity.
    length: u64,
}

/// One more than the last offset that a lock can cover: files are never longer.
const INFINITY: u64 = 1 << 63;

impl Span {
    /// Everything that the file is and will be.
    pub const WHOLE: Self = Self {
        start: 0,
        length: 0,
    };

    /// `length` bytes from `start` on; 0 of them are all, however long the file gets.
    pub fn new(start: u64, length: u64) -> Result<Self> {
        if start >= INFINITY || length > INFINITY - start {
            return Err(Error::rule(
                "ERR_OUT_OF_RANGE",
                format!(
                    "The range of {length} bytes at offset {start} of the file ends beyond 2^63, \
                     which no file and no lock reaches"
                ),
            ));
        }
        // What reaches to the last byte there can be has one name only.
        let length = if length == INFINITY - start {
            0
        } else {
            length
        };
        Ok(Self { start, length })
    }

    /// The first byte.
    #[must_use]
    pub fn start(self) -> u64 {
        self.start
    }

    /// How many bytes; 0 for all from the first on.
    #[must_use]
    pub fn length(self) -> u64 {
        self.length
    }

    fn end(self) -> u64 {
        if self.length == 0 {
            INFINITY
        } else {
            self.start + self.length
        }
    }

    /// Whether they have a byte in common.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end() && other.start < self.end()
    }

    /// Its words in a message.
    fn words(self) -> String {
        match (self.start, self.length) {
            (0, 0) => String::from("the whole file"),
            (start, 0) => format!("everything from byte {start} of the file on"),
            (start, length) => format!("{length} bytes at offset {start} of the file"),
        }
    }
}

/// What is asked for, and by whom.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Shared or exclusive.
    pub mode: LockMode,
    /// Which bytes.
    pub span: Span,
    /// The thread of JavaScript that asks.
    pub thread: u32,
    /// Where it was asked.
    pub stack: Option<String>,
}

/// Takes a lock if that can be done at once. One who will wait otherwise is `polite`: who has just
/// had locks of the file for a while lets others go first.
pub fn try_lock(source: &Arc<Source>, wish: &Wish, polite: bool) -> Result<Option<Arc<Held>>> {
    let attempt = || match attempt(source, wish, polite)? {
        Attempt::Held(held) => Ok(Some(held)),
        Attempt::Busy(description) => {
            source.put_back(Arc::new(description));
            Ok(None)
        }
    };
    source.explain(wish.mode, || {
        if polite {
            return attempt();
        }
        let file = || source.identity();
        retry::beside(wish.mode, wish.span, file, Option::is_none, attempt)
    })
}

enum Attempt {
    Held(Arc<Held>),
    /// It is taken; with what was opened to find out.
    Busy(Description),
}

/// Tries once, on the file that has the name at the time.
fn attempt(source: &Arc<Source>, wish: &Wish, polite: bool) -> Result<Attempt> {
    /// A file that is replaced more often than that while it is locked is at war.
    const MOST_REPLACEMENTS: usize = 1000;
    for _ in 0..MOST_REPLACEMENTS {
        let description = source.describe(wish.mode)?;
        if polite && !fairness::is_ours(description.file) {
            return Ok(Attempt::Busy(description));
        }
        if !description.lock(Some(wish.mode), wish.span, false)? {
            return Ok(Attempt::Busy(description));
        }
        if source.leads_to(&description)? {
            fairness::took(description.file, false);
            return Ok(Attempt::Held(Held::enter(
                source,
                wish,
                Arc::new(description),
            )));
        }
    }
    Err(Error::rule(
        "ERR_MEMMAP_LOCK_REPLACED",
        "The file at this path is replaced faster than it can be locked",
    ))
}

/// Starts waiting for a lock; the request is settled when it is there. Tries at once first where
/// `first` says that nobody did so yet.
pub fn wait_for(source: &Arc<Source>, wish: Wish, request: &Arc<Request>, first: bool) {
    let claim = Claim::new(source, wish, request);
    let attempted = source.explain(claim.wish.mode, || {
        if first {
            attempt(source, &claim.wish, true)
        } else {
            source.describe(claim.wish.mode).map(Attempt::Busy)
        }
    });
    match attempted {
        Ok(Attempt::Held(held)) => {
            claim.settle(Ok(held));
        }
        Ok(Attempt::Busy(description)) => waiter::start(claim, description),
        Err(error) => {
            claim.settle(Err(error));
        }
    }
}

/// A request that a thread waits for by itself, and what is settled of it.
pub struct Blocking {
    request: Arc<Request>,
    settled: Receiver<Result<Arc<Held>>>,
    source: Arc<Source>,
    file: lockable_file::FileId,
    wish: Wish,
}

impl Blocking {
    /// Starts waiting. An error at once if the calling thread of JavaScript itself is in the way:
    /// it could never let go while it waits.
    pub fn start(source: &Arc<Source>, wish: Wish) -> Result<Self> {
        let file = source.explain(wish.mode, || {
            let description = source.describe(wish.mode)?;
            let file = description.file;
            source.put_back(Arc::new(description));
            Ok(file)
        })?;
        let (sender, settled) = channel();
        let request = Request::new(move |result| {
            // Nobody listens any more where the thread was ended.
            let _ = sender.send(result);
        });
        match registry::check_own(file, &wish, &request) {
            Ok(()) => wait_for(source, wish.clone(), &request, false),
            // It may not have been tried yet, for politeness: what the system says of it comes
            // first.
            Err(deadlock) => match try_lock(source, &wish, false)? {
                Some(held) => {
                    request.settle(Ok(held));
                }
                None => return Err(deadlock.at(source.name())),
            },
        }
        Ok(Self {
            request,
            settled,
            source: Arc::clone(source),
            file,
            wish,
        })
    }

    /// Waits for a while; nothing if that was not enough. An error if another request of the same
    /// thread is in the way by now: one that was on its way to the ledger when this one started.
    #[must_use]
    pub fn wait(&self, time: std::time::Duration) -> Option<Result<Arc<Held>>> {
        /// Long beside what lies between a lock's line in the ledger and its delivery.
        const DELIVERY: std::time::Duration = std::time::Duration::from_millis(20);
        let check = || registry::check_own(self.file, &self.wish, &self.request);
        if let Ok(settled) = self.settled.recv_timeout(time) {
            return Some(settled);
        }
        check().err()?;
        // It may be the very lock that is waited for.
        if let Ok(settled) = self.settled.recv_timeout(DELIVERY) {
            return Some(settled);
        }
        let deadlock = check().err()?.at(self.source.name());
        Some(self.cancel().ok_or(deadlock))
    }

    /// Gives up; the lock, if it came at the last moment.
    #[must_use]
    pub fn cancel(&self) -> Option<Arc<Held>> {
        self.request.cancel();
        self.settled.try_recv().ok()?.ok()
    }
}

/// The strongest lock that anybody has in a range: a moment later it may be another.
pub fn test_lock(source: &Source, span: Span) -> Result<Option<LockMode>> {
    let test = || {
        source.with_any_descriptor(|fd| {
            // Only an exclusive lock is in the way of a shared one.
            for mode in [LockMode::Shared, LockMode::Exclusive] {
                let found = sys::test_range(fd, mode, span.start, span.length);
                match found {
                    Ok(None) => {}
                    Ok(found) => return Ok(found),
                    Err(error) if sys::is_lock_refused(&error) => {
                        return Err(error::cannot_test(fd));
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(None)
        })
    };
    let file = || source.identity();
    source.explain(LockMode::Shared, || {
        retry::beside(LockMode::Exclusive, span, file, Option::is_some, test)
    })
}

/// Why a request that was tried once was refused: somebody has a lock in its way.
#[must_use]
pub fn busy(source: &Source, wish: &Wish, waited: Option<u64>) -> Error {
    let holder = source.identity().map_or(Party::Other, |file| {
        registry::who_is_in_the_way(file, wish, 0)
    });
    error::busy(wish, holder, waited).at(source.name())
}

#[cfg(test)]
mod tests;
