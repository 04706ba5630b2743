//! Pending flushes of one file, which are joined while they wait.
//!
//! While one flush of a file runs, the flushes that arrive wait. When it has ended, waiting flushes
//! whose ranges are near each other are joined to one flush. A request is answered only by a flush
//! that began after the request was made and that covers its range.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::core::error::Result;
use crate::core::file::flush_level::{Flushed, Level};
use crate::core::poison::IgnorePoison;
use crate::core::thread_pool;

/// Ranges that are at most this many bytes apart are flushed together. A disk writes about this
/// much in the time that it needs to empty its cache. Writing dirty pages between the ranges
/// therefore costs no more than a second flush.
const NEAR: u64 = 1 << 20;

/// A request to flush that waits in the queue of its file.
pub trait Pending: Send {
    /// Returns the mapping, the level and the range to flush.
    fn request(&self) -> Request;

    /// Flushes a range of the mapping that covers the request. Must not panic.
    fn flush(&self, range: &Range<u64>) -> Result<Flushed>;

    /// Answers the request with the result of a flush that covers it.
    fn settle(self: Box<Self>, result: &Result<Flushed>);
}

/// The mapping, the level and the range that a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The number of the mapping.
    pub mapping: u64,
    /// The level of durability.
    pub level: Level,
    /// The range of the mapping, in bytes.
    pub range: Range<u64>,
}

/// The flushes of an open file: at most one runs at a time.
#[derive(Default)]
pub struct PendingFlushes {
    queue: Mutex<Queue>,
    running: Mutex<()>,
}

#[derive(Default)]
struct Queue {
    pending: Vec<Box<dyn Pending>>,
    /// Whether a thread of the pool works on the queue.
    is_served: bool,
}

impl std::fmt::Debug for PendingFlushes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PendingFlushes")
            .field("pending", &self.queue().pending.len())
            .finish_non_exhaustive()
    }
}

impl PendingFlushes {
    /// Waits until no other flush of the file runs. No other begins until the guard is dropped.
    pub fn begin(&self) -> MutexGuard<'_, ()> {
        self.running.lock().ignore_poison()
    }

    /// Adds a request, which is flushed and answered on a thread of the pool.
    pub fn add(self: &Arc<Self>, pending: Box<dyn Pending>) {
        let mut queue = self.queue();
        queue.pending.push(pending);
        if queue.is_served {
            return;
        }
        queue.is_served = true;
        drop(queue);
        let flushes = Arc::clone(self);
        thread_pool::run(move || flushes.serve());
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().ignore_poison()
    }

    fn serve(&self) {
        loop {
            let mut queue = self.queue();
            if queue.pending.is_empty() {
                queue.is_served = false;
                return;
            }
            let pending = std::mem::take(&mut queue.pending);
            drop(queue);
            flush_joined(pending);
        }
    }
}

fn flush_joined(pending: Vec<Box<dyn Pending>>) {
    let requests: Vec<_> = pending.iter().map(|each| each.request()).collect();
    let mut pending: Vec<Option<Box<dyn Pending>>> = pending.into_iter().map(Some).collect();
    for (range, members) in join(&requests) {
        let mut members = members.iter().filter_map(|&index| pending[index].take());
        let Some(first) = members.next() else {
            continue;
        };
        let result = first.flush(&range);
        first.settle(&result);
        members.for_each(|each| each.settle(&result));
    }
}

/// Joins requests for the same mapping and level whose ranges are near each other. Returns for
/// each group the range that covers it and the indexes of its members. Groups are in the order of
/// their first requests.
fn join(requests: &[Request]) -> Vec<(Range<u64>, Vec<usize>)> {
    let mut order: Vec<usize> = (0..requests.len()).collect();
    order.sort_unstable_by_key(|&index| {
        let request = &requests[index];
        (request.mapping, request.level, request.range.start)
    });
    let mut groups: Vec<(Range<u64>, Vec<usize>)> = Vec::new();
    for index in order {
        let request = &requests[index];
        if let Some((covered, members)) = groups.last_mut() {
            let last = &requests[members[0]];
            let is_same = (request.mapping, request.level) == (last.mapping, last.level);
            let is_near = request.range.start.saturating_sub(covered.end) <= NEAR;
            // At this level every flush covers the whole file.
            if is_same && (is_near || request.level == Level::All) {
                covered.end = covered.end.max(request.range.end);
                members.push(index);
                continue;
            }
        }
        groups.push((request.range.clone(), vec![index]));
    }
    groups.sort_unstable_by_key(|(_, members)| members.iter().min().copied());
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_request_is_covered_by_one_group_and_groups_are_apart(
            wanted in prop::collection::vec((0_u64..3, 0_usize..3, 0_u64..40, 0_u64..20), 0..40)
        ) {
            let levels = [Level::Barrier, Level::Data, Level::All];
            let requests: Vec<_> = wanted
                .into_iter()
                .map(|(mapping, level, start, length)| {
                    let start = start * NEAR / 2;
                    Request {
                        mapping,
                        level: levels[level],
                        range: start..start + length * NEAR / 4,
                    }
                })
                .collect();
            let groups = join(&requests);
            let mut seen: Vec<usize> = Vec::new();
            let key = |index: usize| (requests[index].mapping, requests[index].level);
            for (range, members) in &groups {
                for &index in members {
                    prop_assert_eq!(key(index), key(members[0]));
                    let requested = &requests[index].range;
                    prop_assert!(range.start <= requested.start && requested.end <= range.end);
                }
                seen.extend(members);
            }
            let oldest: Vec<_> = groups.iter().map(|group| group.1.iter().min()).collect();
            prop_assert!(oldest.is_sorted());
            for (index, (range, members)) in groups.iter().enumerate() {
                for (other, others) in &groups[index + 1..] {
                    let same = key(members[0])
                        == key(others[0]);
                    let gap = if range.start < other.start {
                        other.start.saturating_sub(range.end)
                    } else {
                        range.start.saturating_sub(other.end)
                    };
                    prop_assert!(!same || gap > NEAR);
                }
            }
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..requests.len()).collect::<Vec<_>>());
        }
    }
}
