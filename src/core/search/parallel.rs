//! A scan of a long range, in chunks, on several threads, with the result of a serial one.
//!
//! Each chunk is scanned as if a search began at its start. Where a match of the chunk before
//! reaches into it, that was wrong: the serial search enters the chunk later. From there both
//! searches are followed until they agree on a match; from then on they agree for ever, since the
//! next match depends on nothing but where the search stands.
//!
//! Where a match can be very long, chunks can't be searched by themselves. That shows at the end
//! of each; then one thread searches the range from the start.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::{Match, Pattern};
use crate::core::cancel::Job;
use crate::core::error::Result;
use crate::core::sys;

/// Chunks are large enough that a thread's start costs nothing, small enough to hear of a
/// cancellation soon, and cut at multiples of a huge page.
pub const CHUNK: usize = 4 << 20;

/// How many threads there can be, on this machine.
#[must_use]
pub fn available_threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Runs `work` for every chunk of `0..length` on up to `threads` threads, this one among them. The
/// results come in order. `work` is told the chunk's bounds.
pub fn in_chunks<T: Send>(
    length: usize,
    chunk: usize,
    threads: usize,
    job: &Job,
    work: impl Fn(usize, usize) -> T + Sync,
) -> Result<Vec<T>> {
    let work = |start, end| Some(work(start, end));
    Ok(try_in_chunks(length, chunk, threads, job, work)?.unwrap_or_default())
}

/// The same for work that may turn out not to be done by chunks: where `work` gives nothing for
/// one, no other is begun, and there is no result.
fn try_in_chunks<T: Send>(
    length: usize,
    chunk: usize,
    threads: usize,
    job: &Job,
    work: impl Fn(usize, usize) -> Option<T> + Sync,
) -> Result<Option<Vec<T>>> {
    let count = length.div_ceil(chunk);
    let next = AtomicUsize::new(0);
    let is_given_up = AtomicBool::new(false);
    let run = || -> Result<Vec<(usize, T)>> {
        let mut done = Vec::new();
        loop {
            job.check()?;
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count || is_given_up.load(Ordering::Relaxed) {
                return Ok(done);
            }
            let (start, end) = (index * chunk, length.min((index + 1) * chunk));
            let Some(result) = work(start, end) else {
                is_given_up.store(true, Ordering::Relaxed);
                return Ok(done);
            };
            done.push((index, result));
            job.add((end - start) as u64);
        }
    };
    let mut results = thread::scope(|scope| -> Result<Vec<_>> {
        let helpers: Vec<_> = (1..threads.clamp(1, count.max(1)))
            // Where no thread can be started, the others do its work.
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
    if is_given_up.into_inner() {
        return Ok(None);
    }
    results.sort_unstable_by_key(|(index, _)| *index);
    Ok(Some(
        results.into_iter().map(|(_, result)| result).collect(),
    ))
}

/// The same for chunks that can be searched by themselves; nothing if one can't be.
fn in_local_chunks<T: Send>(
    pattern: &Pattern,
    hay: &[u8],
    range: (usize, usize),
    threads: usize,
    job: &Job,
    work: impl Fn(usize, usize) -> T + Sync,
) -> Result<Option<Vec<T>>> {
    let (base, end) = range;
    try_in_chunks(end - base, CHUNK, threads, job, |from, limit| {
        let is_local = pattern.is_local(hay, base + limit);
        is_local.then(|| work(base + from, base + limit))
    })
}

/// Searches without chunks, and calls `found` for each match that starts in `from..limit`. The
/// result is where the search stands afterwards.
fn serially(
    pattern: &Pattern,
    hay: &[u8],
    range: (usize, usize),
    job: &Job,
    found: impl FnMut(Match) -> bool,
) -> Result<usize> {
    let mut told = job.done().max(range.0 as u64);
    let mut watch = |at: usize| {
        // What was done before it showed that chunks don't do is told of already.
        job.add((at as u64).saturating_sub(told));
        told = told.max(at as u64);
        job.check()
    };
    pattern.walk(hay, range.0, range.1, &mut watch, found)
}

/// What a chunk says to the next.
struct Counted {
    count: u64,
    /// Where the search stands at the end of the chunk.
    next: usize,
}

/// How many matches there are.
pub fn count(pattern: &Pattern, hay: &[u8], threads: usize, job: &Job) -> Result<u64> {
    let places = places(pattern, hay);
    let chunks = in_local_chunks(pattern, hay, (0, places), threads, job, |from, limit| {
        if let (Pattern::Literal(literal), false) = (pattern, pattern.can_overlap()) {
            return Counted {
                count: literal.count(hay, from, limit),
                next: limit,
            };
        }
        let mut count = 0;
        let next = pattern.scan(hay, from, limit, job, |_| {
            count += 1;
            true
        });
        Counted { count, next }
    })?;
    let mut total = 0;
    let Some(chunks) = chunks else {
        serially(pattern, hay, (0, places), job, |_| {
            total += 1;
            true
        })?;
        return Ok(total);
    };
    let mut next = 0;
    for (index, chunk) in chunks.into_iter().enumerate() {
        job.check()?;
        let (from, limit) = (index * CHUNK, places.min((index + 1) * CHUNK));
        if next <= from {
            (total, next) = (total + chunk.count, chunk.next);
            continue;
        }
        let joined = join(pattern, hay, (from, next, limit), job);
        total += chunk.count + joined.serial.len() as u64 - joined.wrong as u64;
        next = joined.next.unwrap_or(chunk.next);
    }
    job.check()?;
    Ok(total)
}

/// How a chunk's own scan and the serial search come together.
struct Joined {
    /// The serial search's matches before they agree.
    serial: Vec<Match>,
    /// How many of the chunk's own first matches are none.
    wrong: usize,
    /// Where the serial search stands at the end, if they never agreed in this chunk.
    next: Option<usize>,
}

/// Follows the chunk's own search from `from` and the serial one from `entry`.
fn join(
    pattern: &Pattern,
    hay: &[u8],
    (from, entry, limit): (usize, usize, usize),
    job: &Job,
) -> Joined {
    let mut joined = Joined {
        serial: Vec::new(),
        wrong: 0,
        next: None,
    };
    let mut own = pattern.first(hay, from, limit, job);
    let mut at = entry;
    loop {
        let Some(serial) = pattern.first(hay, at, limit, job) else {
            // What the chunk found from here on overlaps something that the serial search took.
            while let Some(found) = own {
                joined.wrong += 1;
                own = pattern.first(hay, found.next(), limit, job);
            }
            joined.next = Some(at.max(limit));
            return joined;
        };
        while let Some(found) = own.filter(|found| found.start < serial.start) {
            joined.wrong += 1;
            own = pattern.first(hay, found.next(), limit, job);
        }
        if own == Some(serial) {
            return joined;
        }
        at = serial.next();
        joined.serial.push(serial);
    }
}

/// A chunk gives no more matches than this: a needle that is found in every byte must not fill
/// the memory.
const MOST_MATCHES: usize = 1 << 16;

/// The matches that start in `entry..limit`, where the search stands at `entry`, and where it
/// stands afterwards. That may be before `limit`, where there were very many. Of each match `keep`
/// makes what is wanted of it.
pub fn matches<T: Copy + Send>(
    pattern: &Pattern,
    hay: &[u8],
    (entry, limit): (usize, usize),
    threads: usize,
    job: &Job,
    keep: impl Fn(Match) -> T + Sync,
) -> Result<(Vec<T>, usize)> {
    let base = entry.min(limit);
    let scan = |from: usize, limit: usize| {
        let mut found = Vec::new();
        let next = pattern.scan(hay, from, limit, job, |one| {
            found.push(keep(one));
            found.len() < MOST_MATCHES
        });
        (found, next)
    };
    let chunks = in_local_chunks(pattern, hay, (base, limit), threads, job, scan)?;
    let mut all = Vec::new();
    let Some(chunks) = chunks else {
        let next = serially(pattern, hay, (base, limit), job, |one| {
            all.push(keep(one));
            all.len() < MOST_MATCHES
        })?;
        return Ok((all, next));
    };
    let mut next = entry;
    for (index, (found, own_next)) in chunks.into_iter().enumerate() {
        job.check()?;
        let (from, limit) = (base + index * CHUNK, limit.min(base + (index + 1) * CHUNK));
        let is_cut = own_next < limit;
        if next <= from {
            if all.is_empty() {
                all = found;
            } else {
                all.extend(found);
            }
            next = own_next;
        } else if !is_cut {
            let joined = join(pattern, hay, (from, next, limit), job);
            all.extend(joined.serial.into_iter().map(&keep));
            all.extend(&found[joined.wrong..]);
            next = joined.next.unwrap_or(own_next);
        }
        if is_cut {
            return Ok((all, next));
        }
    }
    job.check()?;
    Ok((all, next.max(limit)))
}

/// The first match.
pub fn first(pattern: &Pattern, hay: &[u8], threads: usize, job: &Job) -> Result<Option<Match>> {
    let places = places(pattern, hay);
    // Chunks behind one that has a match need not be looked at.
    let best = AtomicUsize::new(usize::MAX);
    let found = in_local_chunks(pattern, hay, (0, places), threads, job, |from, limit| {
        if from > best.load(Ordering::Relaxed) {
            return None;
        }
        let found = pattern.first(hay, from, limit, job)?;
        best.fetch_min(found.start, Ordering::Relaxed);
        Some(found)
    })?;
    if let Some(found) = found {
        return Ok(found.into_iter().flatten().next());
    }
    let mut first = None;
    serially(pattern, hay, (0, places), job, |one| {
        first = Some(one);
        false
    })?;
    Ok(first)
}

/// The last place where the pattern starts.
pub fn last(pattern: &Pattern, hay: &[u8], threads: usize, job: &Job) -> Result<Option<Match>> {
    let places = places(pattern, hay);
    if matches!(pattern, Pattern::Regex(_)) {
        // Which matches there are depends on all before them.
        let mut last = None;
        let mut at = 0;
        while at < places {
            let limit = places.min(at.saturating_add(CHUNK * 16));
            let (found, next) = matches(pattern, hay, (at, limit), threads, job, |one| one)?;
            last = found.last().copied().or(last);
            at = next;
        }
        return Ok(last);
    }
    let best = AtomicUsize::new(0);
    let count = places.div_ceil(CHUNK);
    let found = in_chunks(places, CHUNK, threads, job, |from, _| {
        // From the end to the start: the chunks are numbered from the front.
        let index = count - 1 - from / CHUNK;
        let (from, limit) = (index * CHUNK, places.min((index + 1) * CHUNK));
        if limit <= best.load(Ordering::Relaxed) {
            return None;
        }
        let found = pattern.last(hay, from, limit)?;
        best.fetch_max(found.start, Ordering::Relaxed);
        Some(found)
    })?;
    Ok(found.into_iter().flatten().next())
}

/// In how many places of a range a match can start: an empty one also behind the last byte.
fn places(pattern: &Pattern, hay: &[u8]) -> usize {
    match pattern {
        Pattern::Empty | Pattern::Regex(_) => hay.len() + 1,
        Pattern::Literal(_) | Pattern::Many(_) => hay.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    /// A serial search, one match after the other.
    fn one_by_one(pattern: &Pattern, hay: &[u8]) -> Vec<Match> {
        let mut all = Vec::new();
        let mut at = 0;
        while let Some(found) = pattern.first(hay, at, places(pattern, hay), &Job::default()) {
            all.push(found);
            at = found.next();
        }
        all
    }

    /// The same by chunks of a few bytes, joined.
    fn by_chunks(pattern: &Pattern, hay: &[u8], chunk: usize) -> Vec<Match> {
        let places = places(pattern, hay);
        let job = &Job::default();
        let mut all = Vec::new();
        let mut next = 0;
        for from in (0..places).step_by(chunk) {
            let limit = places.min(from + chunk);
            let mut own = Vec::new();
            let own_next = pattern.scan(hay, from, limit, job, |found| {
                own.push(found);
                true
            });
            if next <= from {
                all.extend(own);
                next = own_next;
                continue;
            }
            let joined = join(pattern, hay, (from, next, limit), job);
            all.extend(joined.serial);
            all.extend(&own[joined.wrong..]);
            next = joined.next.unwrap_or(own_next);
        }
        all
    }

    static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
        let needles = |list: &[&str]| -> Pattern {
            let list: Vec<Vec<u8>> = list.iter().map(|n| n.as_bytes().to_vec()).collect();
            Pattern::of_needles(&list).unwrap()
        };
        let mut all = vec![
            needles(&[""]),
            needles(&["a"]),
            needles(&["aa"]),
            needles(&["aba"]),
            needles(&["ab"]),
            needles(&["ab", "b", "bab"]),
            needles(&["aab", "a", "ba"]),
        ];
        for expression in [
            "a*", "a+b", "b|ab", "(?s)a.*b", "a.*b", "^a", "(?m)^b", "b$", r"\ba", "", "a{2,3}",
            "x*",
        ] {
            all.push(Pattern::of_regex(expression).unwrap());
        }
        all
    });

    proptest! {
        #[test]
        fn chunks_of_any_size_give_what_a_serial_search_gives(
            hay in prop::collection::vec(prop::sample::select(b"ab\n ".to_vec()), 0..120),
            chunk in 1_usize..40,
        ) {
            for pattern in &*PATTERNS {
                let expected = one_by_one(pattern, &hay);
                if pattern.is_local(&hay, 0) {
                    prop_assert_eq!(&by_chunks(pattern, &hay, chunk), &expected, "{:?}", pattern);
                }
                let job = Job::default();
                prop_assert_eq!(count(pattern, &hay, 2, &job).unwrap(), expected.len() as u64);
                prop_assert_eq!(first(pattern, &hay, 2, &job).unwrap(), expected.first().copied());
            }
        }
    }

    #[test]
    fn a_large_range_on_many_threads_gives_what_one_gives() {
        let hay: Vec<u8> = (0..CHUNK * 3 + 77)
            .map(|i| if i % 7 < 4 { b'a' } else { b'b' })
            .collect();
        for needle in ["aa", "ab", "a", "aaaabbb"] {
            let pattern = Pattern::of_needles(&[needle.as_bytes().to_vec()]).unwrap();
            let job = Job::default();
            let expected = one_by_one(&pattern, &hay);
            assert_eq!(
                count(&pattern, &hay, 4, &job).unwrap(),
                expected.len() as u64
            );
            assert_eq!(job.done(), hay.len() as u64);
            let (mut all, mut next) = (Vec::new(), 0);
            while next < hay.len() {
                let (more, at) =
                    matches(&pattern, &hay, (next, hay.len()), 4, &job, |one| one).unwrap();
                assert!(at > next);
                all.extend(more);
                next = at;
            }
            assert!(all == expected);
            assert_eq!(
                first(&pattern, &hay, 4, &job).unwrap(),
                expected.first().copied()
            );
            let last_place = (0..hay.len())
                .rev()
                .find(|&i| hay[i..].starts_with(needle.as_bytes()));
            assert_eq!(
                last(&pattern, &hay, 4, &job).unwrap().map(|m| m.start),
                last_place
            );
        }
    }

    #[test]
    fn a_line_longer_than_chunks_is_searched_once_and_can_be_cancelled() {
        // Each `a` begins what could be a match up to the end of the line.
        let mut hay = vec![b'a'; CHUNK * 2 + CHUNK / 4];
        hay[CHUNK / 2] = b'\n';
        let pattern = Pattern::of_regex("a.*b").unwrap();
        let job = Job::default();
        *hay.last_mut().unwrap() = b'b';
        let expected = Match {
            start: CHUNK / 2 + 1,
            end: hay.len(),
            needle: 0,
        };
        assert_eq!(count(&pattern, &hay, 2, &job).unwrap(), 1);
        assert!(job.done() > CHUNK as u64 && job.done() <= hay.len() as u64);
        let found = matches(&pattern, &hay, (0, CHUNK), 2, &job, |one| one).unwrap();
        assert_eq!(found, (vec![expected], hay.len()));
        job.cancel();
        assert!(count(&pattern, &hay, 2, &job).is_err());
    }

    #[test]
    fn a_cancelled_scan_ends_with_an_error() {
        let job = Job::default();
        job.cancel();
        let pattern = Pattern::of_needles(&[b"a".to_vec()]).unwrap();
        assert!(count(&pattern, &vec![b'a'; CHUNK * 4], 2, &job).is_err());
    }
}
