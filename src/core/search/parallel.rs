//! A search of a long range on several threads, with the result of a serial search.
//!
//! Each chunk is scanned as if a search began at its start. That is wrong where a match of the chunk
//! before reaches into the chunk: there the serial search enters the chunk later. From the entry on,
//! both searches are followed until they find the same match. After that match they agree for ever,
//! since the next match depends only on the offset at which the search continues.
//!
//! Where a match can be very long, chunks cannot be searched independently. That shows at the end of
//! a chunk; then one thread searches the range from its start.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::chunk_join::join_chunk;
use super::chunks::{CHUNK, in_chunks, try_in_chunks};
use super::match_range::Match;
use super::pattern::Pattern;
use crate::core::cancel::CancelToken;
use crate::core::error::Result;

/// Calls `work` with the bounds of every chunk of a range. Returns `None` if a chunk cannot be searched
/// independently.
fn in_independent_chunks<T: Send>(
    pattern: &Pattern,
    haystack: &[u8],
    range: (usize, usize),
    threads: usize,
    token: &CancelToken,
    work: impl Fn(usize, usize) -> T + Sync,
) -> Result<Option<Vec<T>>> {
    let (base, end) = range;
    try_in_chunks(end - base, CHUNK, threads, token, |from, limit| {
        let is_chunkable = pattern.is_chunkable(haystack, base + limit);
        is_chunkable.then(|| work(base + from, base + limit))
    })
}

/// Searches a range on this thread, without chunks, and calls `found` for each match that starts in
/// it. Returns the offset at which the search would continue.
fn search_serially(
    pattern: &Pattern,
    haystack: &[u8],
    range: (usize, usize),
    token: &CancelToken,
    found: impl FnMut(Match) -> bool,
) -> Result<usize> {
    // The chunks that were searched before one of them turned out to be impossible have been
    // counted already.
    let mut counted = token.done().max(range.0 as u64);
    let mut on_step = |at: usize| {
        token.add((at as u64).saturating_sub(counted));
        counted = counted.max(at as u64);
        token.check()
    };
    pattern.scan_interruptible(haystack, range.0, range.1, &mut on_step, found)
}

/// The result of counting in a chunk.
struct ChunkCount {
    count: u64,
    /// The offset at which the search continues after the chunk.
    next: usize,
}

/// Counts the matches.
pub fn count(
    pattern: &Pattern,
    haystack: &[u8],
    threads: usize,
    token: &CancelToken,
) -> Result<u64> {
    let starts = start_count(pattern, haystack);
    let chunks = in_independent_chunks(
        pattern,
        haystack,
        (0, starts),
        threads,
        token,
        |from, limit| {
            if let (Pattern::Literal(literal), false) = (pattern, pattern.can_overlap()) {
                return ChunkCount {
                    count: literal.count(haystack, from, limit),
                    next: limit,
                };
            }
            let mut count = 0;
            let next = pattern.scan(haystack, from, limit, token, |_| {
                count += 1;
                true
            });
            ChunkCount { count, next }
        },
    )?;
    let mut total = 0;
    let Some(chunks) = chunks else {
        search_serially(pattern, haystack, (0, starts), token, |_| {
            total += 1;
            true
        })?;
        return Ok(total);
    };
    let mut next = 0;
    for (index, chunk) in chunks.into_iter().enumerate() {
        token.check()?;
        let (from, limit) = (index * CHUNK, starts.min((index + 1) * CHUNK));
        if next <= from {
            (total, next) = (total + chunk.count, chunk.next);
            continue;
        }
        let joined = join_chunk(pattern, haystack, (from, next, limit), token);
        total += chunk.count + joined.serial.len() as u64 - joined.wrong as u64;
        next = joined.next.unwrap_or(chunk.next);
    }
    token.check()?;
    Ok(total)
}

/// The limit of the matches that a chunk returns, so that a needle that is found at every byte does
/// not fill the memory.
const MAX_MATCHES: usize = 1 << 16;

/// Returns what `keep` makes of each match that starts in `entry..limit`, and the offset at which the
/// search continues. That offset can be before `limit` where there are very many matches.
pub fn matches<T: Copy + Send>(
    pattern: &Pattern,
    haystack: &[u8],
    (entry, limit): (usize, usize),
    threads: usize,
    token: &CancelToken,
    keep: impl Fn(Match) -> T + Sync,
) -> Result<(Vec<T>, usize)> {
    let base = entry.min(limit);
    let scan = |from: usize, limit: usize| {
        let mut found = Vec::new();
        let next = pattern.scan(haystack, from, limit, token, |one| {
            found.push(keep(one));
            found.len() < MAX_MATCHES
        });
        (found, next)
    };
    let chunks = in_independent_chunks(pattern, haystack, (base, limit), threads, token, scan)?;
    let mut all = Vec::new();
    let Some(chunks) = chunks else {
        let next = search_serially(pattern, haystack, (base, limit), token, |one| {
            all.push(keep(one));
            all.len() < MAX_MATCHES
        })?;
        return Ok((all, next));
    };
    let mut next = entry;
    for (index, (found, own_next)) in chunks.into_iter().enumerate() {
        token.check()?;
        let (from, limit) = (base + index * CHUNK, limit.min(base + (index + 1) * CHUNK));
        let is_full = own_next < limit;
        if next <= from {
            if all.is_empty() {
                all = found;
            } else {
                all.extend(found);
            }
            next = own_next;
        } else if !is_full {
            let joined = join_chunk(pattern, haystack, (from, next, limit), token);
            all.extend(joined.serial.into_iter().map(&keep));
            all.extend(&found[joined.wrong..]);
            next = joined.next.unwrap_or(own_next);
        }
        if is_full {
            return Ok((all, next));
        }
    }
    token.check()?;
    Ok((all, next.max(limit)))
}

/// Returns the first match.
pub fn first(
    pattern: &Pattern,
    haystack: &[u8],
    threads: usize,
    token: &CancelToken,
) -> Result<Option<Match>> {
    let starts = start_count(pattern, haystack);
    // Chunks after one that has a match need no search.
    let best = AtomicUsize::new(usize::MAX);
    let found = in_independent_chunks(
        pattern,
        haystack,
        (0, starts),
        threads,
        token,
        |from, limit| {
            if from > best.load(Ordering::Relaxed) {
                return None;
            }
            let found = pattern.first(haystack, from, limit, token)?;
            best.fetch_min(found.start, Ordering::Relaxed);
            Some(found)
        },
    )?;
    if let Some(found) = found {
        return Ok(found.into_iter().flatten().next());
    }
    let mut first = None;
    search_serially(pattern, haystack, (0, starts), token, |one| {
        first = Some(one);
        false
    })?;
    Ok(first)
}

/// Returns the last occurrence of a needle, or the last match of a regular expression.
pub fn last(
    pattern: &Pattern,
    haystack: &[u8],
    threads: usize,
    token: &CancelToken,
) -> Result<Option<Match>> {
    let starts = start_count(pattern, haystack);
    if matches!(pattern, Pattern::Regex(_)) {
        // Each match depends on all matches before it.
        let mut last = None;
        let mut at = 0;
        while at < starts {
            let limit = starts.min(at.saturating_add(CHUNK * 16));
            let (found, next) = matches(pattern, haystack, (at, limit), threads, token, |one| one)?;
            last = found.last().copied().or(last);
            at = next;
        }
        return Ok(last);
    }
    let best = AtomicUsize::new(0);
    let count = starts.div_ceil(CHUNK);
    let found = in_chunks(starts, CHUNK, threads, token, |from, _| {
        // Searches the last chunk first.
        let index = count - 1 - from / CHUNK;
        let (from, limit) = (index * CHUNK, starts.min((index + 1) * CHUNK));
        if limit <= best.load(Ordering::Relaxed) {
            return None;
        }
        let found = pattern.last(haystack, from, limit)?;
        best.fetch_max(found.start, Ordering::Relaxed);
        Some(found)
    })?;
    Ok(found.into_iter().flatten().next())
}

/// Returns the number of offsets at which a match can start. An empty match can also start after the
/// last byte.
fn start_count(pattern: &Pattern, haystack: &[u8]) -> usize {
    match pattern {
        Pattern::Empty | Pattern::Regex(_) => haystack.len() + 1,
        Pattern::Literal(_) | Pattern::MultiLiteral(_) => haystack.len(),
    }
}

#[cfg(test)]
mod tests;
