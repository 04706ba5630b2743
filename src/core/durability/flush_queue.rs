//! Flushes that wait for their turn, and join while they wait.
//!
//! While one flush of a file runs, those that arrive wait; when it has ended, those of them that
//! are near each other become one. A request is answered only by a flush that began after it was
//! made and covers its range.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::core::durability::flush::{self, Flushed, Level};
use crate::core::error::{Error, Result};
use crate::core::mapping::mapping::Mapping;
use crate::core::poison::IgnorePoison;
use crate::core::thread_pool;

/// Ranges that are at most this many bytes apart are flushed as one. In the time that a disk
/// takes to empty its cache it writes about that much, so what else is dirty in between costs no
/// more than a second flush would.
const NEAR: u64 = 1 << 20;

/// Tells whoever asked.
pub type Settle = Box<dyn FnOnce(Result<Flushed>) + Send>;

/// A request to flush.
pub struct Ticket {
    /// Of what.
    pub mapping: Arc<Mapping>,
    /// How far.
    pub level: Level,
    /// Which bytes of it; they have been checked to be there.
    pub range: Range<u64>,
    /// Called once.
    pub settle: Settle,
}

impl Ticket {
    /// Flushes it by itself.
    pub fn settle_alone(self) {
        let result = run(&self.mapping, self.level, &self.range);
        (self.settle)(result);
    }

    fn settle_within(self, result: &Result<Flushed>) {
        let result = result.clone().map(|flushed| Flushed {
            bytes: self.range.end - self.range.start,
            ..flushed
        });
        (self.settle)(result);
    }
}

/// The flushes of an open file.
#[derive(Default)]
pub struct Queue {
    waiting: Mutex<Waiting>,
    turn: Mutex<()>,
}

#[derive(Default)]
struct Waiting {
    tickets: Vec<Ticket>,
    is_served: bool,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let waiting = self.lock().tickets.len();
        f.debug_struct("Queue").field("waiting", &waiting).finish()
    }
}

impl Queue {
    /// Waits until no other flush of the file runs. None does as long as what it gives lives.
    pub fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().ignore_poison()
    }

    /// Flushes what a ticket asks for, on a thread of ours.
    pub fn add(self: &Arc<Self>, ticket: Ticket) {
        let mut waiting = self.lock();
        waiting.tickets.push(ticket);
        if waiting.is_served {
            return;
        }
        waiting.is_served = true;
        drop(waiting);
        let queue = Arc::clone(self);
        thread_pool::run(move || queue.serve());
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().ignore_poison()
    }

    fn serve(&self) {
        loop {
            let mut waiting = self.lock();
            if waiting.tickets.is_empty() {
                waiting.is_served = false;
                return;
            }
            let tickets = std::mem::take(&mut waiting.tickets);
            drop(waiting);
            serve_round(tickets);
        }
    }
}

/// Flushes a range on a thread of ours, together with others that wait at the same time.
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
        Some(file) if mapping.check_range(offset, length).is_ok() => file.flushes().add(ticket),
        // At once, and whatever is wrong with it is said there.
        _ => thread_pool::run(move || ticket.settle_alone()),
    }
}

fn serve_round(tickets: Vec<Ticket>) {
    let wanted: Vec<_> = tickets
        .iter()
        .map(|ticket| {
            (
                ticket.mapping.entry().id,
                ticket.level,
                ticket.range.clone(),
            )
        })
        .collect();
    let mut tickets: Vec<Option<Ticket>> = tickets.into_iter().map(Some).collect();
    for (range, members) in join(&wanted) {
        let mut members = members.iter().filter_map(|&index| tickets[index].take());
        let Some(first) = members.next() else {
            continue;
        };
        let result = run(&first.mapping, first.level, &range);
        first.settle_within(&result);
        members.for_each(|ticket| ticket.settle_within(&result));
    }
}

/// Joins what is near each other in the same mapping at the same level: the range that covers
/// them, and which they are. In the order of the first of each.
fn join(wanted: &[(u64, Level, Range<u64>)]) -> Vec<(Range<u64>, Vec<usize>)> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_unstable_by_key(|&index| {
        let (id, level, range) = &wanted[index];
        (*id, *level, range.start)
    });
    let mut groups: Vec<(Range<u64>, Vec<usize>)> = Vec::new();
    for index in order {
        let (id, level, range) = &wanted[index];
        if let Some((covered, members)) = groups.last_mut() {
            let (last_id, last_level, _) = &wanted[members[0]];
            let is_near = range.start.saturating_sub(covered.end) <= NEAR;
            // The whole file is flushed at that level anyway.
            if (id, level) == (last_id, last_level) && (is_near || *level == Level::All) {
                covered.end = covered.end.max(range.end);
                members.push(index);
                continue;
            }
        }
        groups.push((range.clone(), vec![index]));
    }
    groups.sort_unstable_by_key(|(_, members)| members.iter().min().copied());
    groups
}

fn run(mapping: &Mapping, level: Level, range: &Range<u64>) -> Result<Flushed> {
    // What a resize has cut off meanwhile has nothing left to flush.
    let length = range.end.min(mapping.length()).saturating_sub(range.start);
    // Somebody waits for an answer, whatever happens.
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
    use crate::core::open::{Mode, Request, Source, open};
    use proptest::prelude::*;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    proptest! {
        #[test]
        fn each_request_is_covered_by_one_group_and_groups_are_apart(
            wanted in prop::collection::vec((0_u64..3, 0_usize..3, 0_u64..40, 0_u64..20), 0..40)
        ) {
            let levels = [Level::Barrier, Level::Data, Level::All];
            let wanted: Vec<_> = wanted
                .into_iter()
                .map(|(id, level, start, length)| {
                    let start = start * NEAR / 2;
                    (id, levels[level], start..start + length * NEAR / 4)
                })
                .collect();
            let groups = join(&wanted);
            let mut seen: Vec<usize> = Vec::new();
            for (range, members) in &groups {
                let key = |index: usize| (wanted[index].0, wanted[index].1);
                for &index in members {
                    prop_assert_eq!(key(index), key(members[0]));
                    let one = &wanted[index].2;
                    prop_assert!(range.start <= one.start && one.end <= range.end);
                }
                seen.extend(members);
            }
            let oldest: Vec<_> = groups.iter().map(|group| group.1.iter().min()).collect();
            prop_assert!(oldest.is_sorted());
            for (index, (range, members)) in groups.iter().enumerate() {
                for (other, others) in &groups[index + 1..] {
                    let same = (wanted[members[0]].0, wanted[members[0]].1)
                        == (wanted[others[0]].0, wanted[others[0]].1);
                    let gap = if range.start < other.start {
                        other.start.saturating_sub(range.end)
                    } else {
                        range.start.saturating_sub(other.end)
                    };
                    prop_assert!(!same || gap > NEAR);
                }
            }
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..wanted.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn all_that_wait_are_answered_each_with_its_own_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let mut request = Request::new(Source::Path(dir.path().join("f")), Mode::CreateNew);
        request.size = Some(8 << 20);
        let mapping = Arc::new(open(request).unwrap());
        let (sender, receiver) = channel();
        let file = mapping.region().unwrap().unwrap().file().unwrap();
        let turn = file.flushes().turn();
        for index in 0..100_u64 {
            let sender = sender.clone();
            let settle = Box::new(move |result: Result<Flushed>| {
                sender.send((index, result.unwrap().bytes)).unwrap();
            });
            start(&mapping, Level::Data, index * 80_000, index + 1, settle);
        }
        drop(sender);
        assert!(receiver.recv_timeout(Duration::from_millis(50)).is_err());
        drop(turn);
        let mut answers: Vec<_> = receiver.iter().collect();
        answers.sort_unstable();
        assert_eq!(
            answers,
            (0..100).map(|index| (index, index + 1)).collect::<Vec<_>>()
        );
    }
}
