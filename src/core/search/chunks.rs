//! Work on a long range in chunks, on several threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::core::cancel::CancelToken;
use crate::core::error::Result;
use crate::core::sys;

/// The bytes of a chunk. A chunk is large enough that the start of a thread costs nothing in
/// comparison, and small enough that a cancellation takes effect soon. Chunks begin at multiples
/// of a huge page.
pub const CHUNK: usize = 4 << 20;

/// Returns the number of threads that this machine runs at the same time.
#[must_use]
pub fn available_threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Calls `work` with the bounds of every chunk of `0..length`, on up to `threads` threads including
/// this one. Returns the results in the order of the chunks.
pub fn in_chunks<T: Send>(
    length: usize,
    chunk: usize,
    threads: usize,
    token: &CancelToken,
    work: impl Fn(usize, usize) -> T + Sync,
) -> Result<Vec<T>> {
    let work = |start, end| Some(work(start, end));
    Ok(try_in_chunks(length, chunk, threads, token, work)?.unwrap_or_default())
}

/// Does the same for work that may turn out not to be possible in chunks. After `work` returns
/// `None` for a chunk, no other chunk is begun, and the result is `None`.
pub fn try_in_chunks<T: Send>(
    length: usize,
    chunk: usize,
    threads: usize,
    token: &CancelToken,
    work: impl Fn(usize, usize) -> Option<T> + Sync,
) -> Result<Option<Vec<T>>> {
    let count = length.div_ceil(chunk);
    let next = AtomicUsize::new(0);
    let is_abandoned = AtomicBool::new(false);
    let run = || -> Result<Vec<(usize, T)>> {
        let mut done = Vec::new();
        loop {
            token.check()?;
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count || is_abandoned.load(Ordering::Relaxed) {
                return Ok(done);
            }
            let (start, end) = (index * chunk, length.min((index + 1) * chunk));
            let Some(result) = work(start, end) else {
                is_abandoned.store(true, Ordering::Relaxed);
                return Ok(done);
            };
            done.push((index, result));
            token.add((end - start) as u64);
        }
    };
    let mut results = thread::scope(|scope| -> Result<Vec<_>> {
        let helpers: Vec<_> = (1..threads.clamp(1, count.max(1)))
            // If a thread cannot be started, the others do its work.
            .map_while(|_| {
                let helper = || {
                    sys::block_signals();
                    run()
                };
                thread::Builder::new().spawn_scoped(scope, helper).ok()
            })
            .collect();
        let mut results = run()?;
        for helper in helpers {
            match helper.join() {
                Ok(more) => results.extend(more?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(results)
    })?;
    if is_abandoned.into_inner() {
        return Ok(None);
    }
    results.sort_unstable_by_key(|(index, _)| *index);
    Ok(Some(
        results.into_iter().map(|(_, result)| result).collect(),
    ))
}
