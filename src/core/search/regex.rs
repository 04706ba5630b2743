//! Regular expressions over bytes.
//!
//! The automata are those of the `regex` crate. They are used through `regex-automata`, because its
//! interface accepts an end of the search after which the automata still see the bytes.

use std::time::{Duration, Instant};

use regex_automata::Input;
use regex_automata::meta;
use regex_syntax::hir::{Class, Hir, HirKind};

use super::lazy_automata::OnStep;
use super::match_range::Match;
use super::regex_interruptible::InterruptibleRegex;
use crate::core::cancel::CancelToken;
use crate::core::error::{Error, Result};

/// A regular expression in the syntax of the `regex` crate, compiled.
#[derive(Debug)]
pub struct Regex {
    engine: meta::Regex,
    bound: EndBound,
    /// For ranges in which a match can be very long; absent if no match can be.
    interruptible: Option<InterruptibleRegex>,
}

/// The limit of the distance from the end of a chunk to the end of every match that starts in the
/// chunk. Beyond it, the range is not searched in chunks: each chunk would read everything after it.
const MAX_LOOKAHEAD: usize = 4 << 20;

/// The bytes of the first batch that is searched at once, and of the smallest.
const MIN_BATCH: usize = 4 << 10;
/// After a batch that took longer than this, the next batch is smaller.
const BATCH_TIME: Duration = Duration::from_millis(5);

/// A bound for the end of a match. It limits the bytes that must be searched for the matches that
/// start in a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
enum EndBound {
    /// A match has at most this many bytes.
    Length(usize),
    /// A match ends before the first byte that no match contains. The flags of such bytes are
    /// false.
    ForeignByte(Box<[bool; 256]>),
    /// A match can have any length and contain any byte.
    None,
}

impl Regex {
    /// Compiles an expression.
    pub fn new(expression: &str) -> Result<Self> {
        let invalid = |error: &dyn std::fmt::Display| {
            Error::rule(
                "ERR_INVALID_ARG_VALUE",
                format!("The expression can't be searched for: {error}"),
            )
        };
        let syntax = regex_syntax::ParserBuilder::new()
            .utf8(false)
            .build()
            .parse(expression);
        let hir = syntax.map_err(|error| invalid(&error))?;
        // As in JavaScript, there is no empty match between the bytes of a character.
        let config = meta::Config::new().utf8_empty(true);
        let regex = meta::Builder::new().configure(config).build_from_hir(&hir);
        let engine = regex.map_err(|error| invalid(&error))?;
        let bound = end_bound(&hir);
        let interruptible = match bound {
            EndBound::Length(_) => None,
            EndBound::ForeignByte(_) | EndBound::None => Some(InterruptibleRegex::new(&hir)),
        };
        Ok(Self {
            engine,
            bound,
            interruptible: interruptible.transpose().map_err(|error| invalid(&error))?,
        })
    }

    /// Does what [`super::Pattern::is_chunkable`] describes.
    #[must_use]
    pub fn is_chunkable(&self, haystack: &[u8], limit: usize) -> bool {
        match &self.bound {
            EndBound::Length(_) => true,
            EndBound::ForeignByte(contained) => {
                let end = haystack.len().min(limit.saturating_add(MAX_LOOKAHEAD));
                let near = haystack.get(limit..end).unwrap_or_default();
                end == haystack.len() || near.iter().any(|&byte| !contained[usize::from(byte)])
            }
            EndBound::None => false,
        }
    }

    /// Does what [`super::Pattern::scan_interruptible`] describes.
    pub fn scan_interruptible(
        &self,
        haystack: &[u8],
        from: usize,
        limit: usize,
        on_step: OnStep<'_>,
        found: impl FnMut(Match) -> bool,
    ) -> Result<usize> {
        match &self.interruptible {
            Some(regex) => regex.scan(haystack, from, limit, on_step, found),
            None => Ok(self.scan(haystack, from, limit, &CancelToken::default(), found)),
        }
    }

    /// Does what [`super::Pattern::scan`] describes.
    ///
    /// A few expressions take a millisecond for each byte. Therefore the scan proceeds in batches,
    /// which are small at first, and checks before each batch whether `token` is cancelled.
    pub fn scan(
        &self,
        haystack: &[u8],
        from: usize,
        limit: usize,
        token: &CancelToken,
        mut found: impl FnMut(Match) -> bool,
    ) -> usize {
        let mut at = from;
        let mut size = MIN_BATCH;
        while at < limit && token.check().is_ok() {
            let start = Instant::now();
            let stop = self.batch_end(haystack, at, size).min(limit);
            let end = self.match_end_bound(haystack, stop);
            while at < stop {
                match self.next(haystack, at, end).filter(|one| one.start < stop) {
                    None => at = stop,
                    Some(one) => {
                        at = one.next_start();
                        if !found(one) {
                            return at;
                        }
                    }
                }
            }
            if start.elapsed() < BATCH_TIME {
                size = size.saturating_mul(2);
            } else {
                size = MIN_BATCH.max(size / 2);
            }
        }
        at.max(limit)
    }

    /// Returns the end of the batch of about `size` bytes that begins at `at`. If possible, that is an
    /// offset at which all matches that start in the batch have ended.
    fn batch_end(&self, haystack: &[u8], at: usize, size: usize) -> usize {
        let end = match &self.bound {
            EndBound::Length(bytes) => at.saturating_add(size.max(*bytes)),
            EndBound::ForeignByte(_) => self.match_end_bound(haystack, at.saturating_add(size)),
            EndBound::None => usize::MAX,
        };
        end.max(at + 1)
    }

    fn next(&self, haystack: &[u8], from: usize, end: usize) -> Option<Match> {
        let found = self
            .engine
            .search(&Input::new(haystack).span(from.min(end)..end))?;
        Some(Match {
            start: found.start(),
            end: found.end(),
            needle: 0,
        })
    }

    /// Returns an offset at which every match that starts before `limit` has ended.
    fn match_end_bound(&self, haystack: &[u8], limit: usize) -> usize {
        match &self.bound {
            EndBound::Length(bytes) => limit.saturating_add(*bytes).min(haystack.len()),
            EndBound::ForeignByte(contained) => haystack
                .get(limit..)
                .and_then(|rest| rest.iter().position(|&byte| !contained[usize::from(byte)]))
                .map_or(haystack.len(), |distance| limit + distance),
            EndBound::None => haystack.len(),
        }
    }
}

fn end_bound(hir: &Hir) -> EndBound {
    if let Some(bytes) = hir.properties().maximum_len() {
        return EndBound::Length(bytes);
    }
    let mut contained = Box::new([false; 256]);
    flag_contained(hir, &mut contained);
    if contained.iter().all(|&flag| flag) {
        EndBound::None
    } else {
        EndBound::ForeignByte(contained)
    }
}

/// Sets the flags of the bytes that a match can contain. For characters beyond ASCII, sets the flags of
/// all bytes from 128 on.
fn flag_contained(hir: &Hir, contained: &mut [bool; 256]) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => {
            for &byte in &literal.0 {
                contained[usize::from(byte)] = true;
            }
        }
        HirKind::Class(Class::Unicode(class)) => {
            for range in class.ranges() {
                let (start, end) = (range.start() as usize, range.end() as usize);
                for flag in contained.iter_mut().take(128.min(end + 1)).skip(start) {
                    *flag = true;
                }
                if end >= 128 {
                    contained[128..].fill(true);
                }
            }
        }
        HirKind::Class(Class::Bytes(class)) => {
            for range in class.ranges() {
                contained[usize::from(range.start())..=usize::from(range.end())].fill(true);
            }
        }
        HirKind::Repetition(repetition) => flag_contained(&repetition.sub, contained),
        HirKind::Capture(capture) => flag_contained(&capture.sub, contained),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            for part in parts {
                flag_contained(part, contained);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_of_the_end_of_a_match_is_derived_from_the_expression() {
        let stops_at = |expression: &str, byte: u8| match Regex::new(expression).unwrap().bound {
            EndBound::ForeignByte(contained) => !contained[usize::from(byte)],
            _ => false,
        };
        assert_eq!(Regex::new("abc|de").unwrap().bound, EndBound::Length(3));
        assert!(stops_at("a.*b", b'\n'));
        assert!(!stops_at("a.*b", b'x'));
        assert!(stops_at("[^x]*", b'x'));
        assert!(stops_at(r"foo\s+bar", b'c'));
        assert!(!stops_at(r"foo\s+bar", b'\n'));
        assert!(stops_at("(?:[a-c]é)+", b'd'));
        assert!(!stops_at("(?:[a-c]é)+", 0xa9));
        assert_eq!(Regex::new("(?s)a.*b").unwrap().bound, EndBound::None);
        assert_eq!(Regex::new("(?s-u)a.*b").unwrap().bound, EndBound::None);
    }

    fn first(regex: &Regex, haystack: &[u8], from: usize, limit: usize) -> Option<Match> {
        let mut first = None;
        regex.scan(haystack, from, limit, &CancelToken::default(), |one| {
            first = Some(one);
            false
        });
        first
    }

    #[test]
    fn the_search_for_a_slow_expression_ends_soon_after_its_cancellation() {
        // The automaton has about 300 states at each byte. The whole search would take minutes.
        let regex = Regex::new("(?:[ab]{1,30}x?){1,10}y").unwrap();
        let haystack = vec![b'a'; MAX_LOOKAHEAD];
        let token = CancelToken::default();
        let scan = || regex.scan(&haystack, 0, haystack.len(), &token, |_| true);
        std::thread::scope(|scope| {
            let search = scope.spawn(scan);
            token.cancel();
            search.join().unwrap();
        });
    }

    #[test]
    fn batches_end_where_matches_end_and_are_not_empty() {
        let haystack = b"aaa\nbbbbbb\nccc";
        let line = Regex::new("a.*b").unwrap();
        assert_eq!(line.batch_end(haystack, 0, 1), 3);
        assert_eq!(line.batch_end(haystack, 0, 4), 10);
        assert_eq!(line.batch_end(haystack, 3, 1), 10);
        assert_eq!(line.batch_end(haystack, 11, 1), 14);
        assert_eq!(line.batch_end(haystack, 14, 1), 15);
        assert_eq!(Regex::new("abc").unwrap().batch_end(haystack, 5, 1), 8);
    }

    #[test]
    fn a_search_ends_where_no_match_can_extend_further() {
        let regex = Regex::new("a.*b").unwrap();
        let haystack = b"xxa123b\nab";
        let found = first(&regex, haystack, 0, 3).unwrap();
        assert_eq!((found.start, found.end), (2, 7));
        assert_eq!(first(&regex, haystack, 3, 8), None);
    }

    #[test]
    fn a_chunk_is_searched_independently_where_its_last_match_ends_soon() {
        let mut haystack = vec![b'x'; MAX_LOOKAHEAD + 10];
        let line = Regex::new("a.*b").unwrap();
        assert!(!line.is_chunkable(&haystack, 0));
        assert!(line.is_chunkable(&haystack, 10));
        haystack[MAX_LOOKAHEAD] = b'\n';
        assert!(!line.is_chunkable(&haystack, 0));
        assert!(line.is_chunkable(&haystack, 1));
        assert!(Regex::new("abc").unwrap().is_chunkable(&haystack, 0));
        assert!(!Regex::new("(?s)a.*b").unwrap().is_chunkable(b"", 0));
    }

    #[test]
    fn there_is_no_empty_match_within_a_character() {
        let regex = Regex::new("x*").unwrap();
        let mut starts = Vec::new();
        let haystack = "aé".as_bytes();
        regex.scan(
            haystack,
            0,
            haystack.len() + 1,
            &CancelToken::default(),
            |found| {
                starts.push(found.start);
                true
            },
        );
        assert_eq!(starts, [0, 1, 3]);
    }
}
