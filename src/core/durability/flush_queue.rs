//! Flushes on a thread of the pool. Flushes of the same file that wait at the same time are joined.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::core::durability::flush;
use crate::core::error::{Error, Result};
use crate::core::file::flush_level::{Flushed, Level};
use crate::core::file::pending_flushes::{Pending, Request};
use crate::core::mapping::mapping::Mapping;
use crate::core::thread_pool;

/// Receives the result of a flush.
pub type Settle = Box<dyn FnOnce(Result<Flushed>) + Send>;

/// A request to flush a range of a mapping.
struct Ticket {
    mapping: Arc<Mapping>,
    level: Level,
    range: Range<u64>,
    settle: Settle,
}

impl Ticket {
    /// Flushes the range without joining it with others, and delivers the result.
    fn settle_alone(self) {
        let result = self.flush(&self.range);
        (self.settle)(result);
    }
}

impl Pending for Ticket {
    fn request(&self) -> Request {
        Request {
            mapping: self.mapping.registration().id,
            level: self.level,
            range: self.range.clone(),
        }
    }

    fn flush(&self, range: &Range<u64>) -> Result<Flushed> {
        run(&self.mapping, self.level, range)
    }

    fn settle(self: Box<Self>, result: &Result<Flushed>) {
        let result = result.clone().map(|flushed| Flushed {
            bytes: self.range.end - self.range.start,
            ..flushed
        });
        (self.settle)(result);
    }
}

/// Flushes a range on a thread of the pool, together with others that wait at the same time.
pub fn start(mapping: &Arc<Mapping>, level: Level, offset: u64, length: u64, settle: Settle) {
    let is_queued = level != Level::Schedule && flush::writes(mapping, level, length);
    let queued = mapping.file().ok().flatten().filter(|_| is_queued);
    let ticket = Ticket {
        mapping: Arc::clone(mapping),
        level: level.here(),
        range: offset..offset.saturating_add(length),
        settle,
    };
    match queued {
        Some(file) if mapping.check_range(offset, length).is_ok() => {
            file.flushes().add(Box::new(ticket));
        }
        // This flush need not wait for others. If its range is invalid, `flush` returns the error.
        _ => thread_pool::run(move || ticket.settle_alone()),
    }
}

fn run(mapping: &Mapping, level: Level, range: &Range<u64>) -> Result<Flushed> {
    // A resize may have cut off the end of the range since the request.
    let length = range.end.min(mapping.length()).saturating_sub(range.start);
    // The caller waits for a result, even if the flush panics.
    catch_unwind(AssertUnwindSafe(|| {
        flush::flush(mapping, level, range.start, length)
    }))
    .unwrap_or_else(|_| {
        Err(Error::rule(
            "ERR_INTERNAL_ASSERTION",
            "A flush panicked: this is a bug in the library",
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::mapping::mode::Mode;
    use crate::core::open::{Request, Source, open};
    use std::sync::mpsc::channel;
    use std::time::Duration;

    #[test]
    fn all_waiting_flushes_are_answered_each_with_its_own_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let mut request = Request::new(Source::Path(dir.path().join("f")), Mode::CreateNew);
        request.size = Some(8 << 20);
        let mapping = Arc::new(open(request).unwrap());
        let (sender, receiver) = channel();
        let file = mapping.region().unwrap().unwrap().file().unwrap();
        let running = file.flushes().begin();
        for index in 0..100_u64 {
            let sender = sender.clone();
            let settle = Box::new(move |result: Result<Flushed>| {
                sender.send((index, result.unwrap().bytes)).unwrap();
            });
            start(&mapping, Level::Data, index * 80_000, index + 1, settle);
        }
        drop(sender);
        assert!(receiver.recv_timeout(Duration::from_millis(50)).is_err());
        drop(running);
        let mut answers: Vec<_> = receiver.iter().collect();
        answers.sort_unstable();
        assert_eq!(
            answers,
            (0..100).map(|index| (index, index + 1)).collect::<Vec<_>>()
        );
    }
}
