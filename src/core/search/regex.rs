//! Regular expressions over bytes.
//!
//! The automata are the `regex` crate's own (`regex-automata`), taken directly because they can
//! be told where a search ends while they see what lies behind.

use std::time::{Duration, Instant};

use regex_automata::Input;
use regex_automata::meta;
use regex_syntax::hir::{Class, Hir, HirKind};

use super::Match;
use super::regex_interruptible::{Stepwise, Watch};
use crate::core::cancel::Job;
use crate::core::error::{Error, Result};

/// A regular expression in the syntax of the `regex` crate.
#[derive(Debug)]
pub struct Regex {
    engine: meta::Regex,
    reach: Reach,
    /// For ranges in which a match can be very long; none where no match can be.
    stepwise: Option<Stepwise>,
}

/// A match that starts in a chunk ends no further behind the chunk than this, or the range is not
/// searched by chunks: each would look at all that follows it.
const FAR: usize = 4 << 20;

/// The first part that a search goes through in one go, and how long one may take until the next
/// is no larger.
const PART: usize = 4 << 10;
const PATIENCE: Duration = Duration::from_millis(5);

/// How far behind its start a match can end: this bounds what has to be searched for a match that
/// starts in a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Reach {
    /// So many bytes.
    Bytes(usize),
    /// Up to a byte that no match contains: the flag of such a byte is false.
    While(Box<[bool; 256]>),
    /// Anywhere.
    Anywhere,
}

impl Regex {
    /// Makes the search ready.
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
        // As JavaScript has it, there is no empty match between the bytes of a character.
        let config = meta::Config::new().utf8_empty(true);
        let regex = meta::Builder::new().configure(config).build_from_hir(&hir);
        let engine = regex.map_err(|error| invalid(&error))?;
        let reach = reach(&hir);
        let stepwise = match reach {
            Reach::Bytes(_) => None,
            Reach::While(_) | Reach::Anywhere => Some(Stepwise::new(&hir)),
        };
        Ok(Self {
            engine,
            reach,
            stepwise: stepwise.transpose().map_err(|error| invalid(&error))?,
        })
    }

    /// As [`super::Pattern::is_local`].
    #[must_use]
    pub fn is_local(&self, hay: &[u8], limit: usize) -> bool {
        match &self.reach {
            Reach::Bytes(_) => true,
            Reach::While(contained) => {
                let end = hay.len().min(limit.saturating_add(FAR));
                let near = hay.get(limit..end).unwrap_or_default();
                end == hay.len() || near.iter().any(|&byte| !contained[usize::from(byte)])
            }
            Reach::Anywhere => false,
        }
    }

    /// As [`super::Pattern::walk`].
    pub fn walk(
        &self,
        hay: &[u8],
        from: usize,
        limit: usize,
        watch: Watch<'_>,
        found: impl FnMut(Match) -> bool,
    ) -> Result<usize> {
        match &self.stepwise {
            Some(stepwise) => stepwise.scan(hay, from, limit, watch, found),
            None => Ok(self.scan(hay, from, limit, &Job::default(), found)),
        }
    }

    /// As [`super::Pattern::scan`].
    ///
    /// A few expressions take a millisecond for a byte. So it goes by parts, small ones at first,
    /// and asks before each whether it is still wanted.
    pub fn scan(
        &self,
        hay: &[u8],
        from: usize,
        limit: usize,
        job: &Job,
        mut found: impl FnMut(Match) -> bool,
    ) -> usize {
        let mut at = from;
        let mut size = PART;
        while at < limit && job.check().is_ok() {
            let start = Instant::now();
            let stop = self.end_of_part(hay, at, size).min(limit);
            let end = self.end(hay, stop);
            while at < stop {
                match self.next(hay, at, end).filter(|one| one.start < stop) {
                    None => at = stop,
                    Some(one) => {
                        at = one.next();
                        if !found(one) {
                            return at;
                        }
                    }
                }
            }
            if start.elapsed() < PATIENCE {
                size = size.saturating_mul(2);
            } else {
                size = PART.max(size / 2);
            }
        }
        at.max(limit)
    }

    /// Where a part ends that begins at `at` and has some `size` bytes: where a match that starts
    /// in it need not be followed any further, if there is such a place.
    fn end_of_part(&self, hay: &[u8], at: usize, size: usize) -> usize {
        let end = match &self.reach {
            Reach::Bytes(bytes) => at.saturating_add(size.max(*bytes)),
            Reach::While(_) => self.end(hay, at.saturating_add(size)),
            Reach::Anywhere => usize::MAX,
        };
        end.max(at + 1)
    }

    fn next(&self, hay: &[u8], from: usize, end: usize) -> Option<Match> {
        let found = self
            .engine
            .search(&Input::new(hay).span(from.min(end)..end))?;
        Some(Match {
            start: found.start(),
            end: found.end(),
            needle: 0,
        })
    }

    /// Where every match that starts before `limit` has ended.
    fn end(&self, hay: &[u8], limit: usize) -> usize {
        match &self.reach {
            Reach::Bytes(bytes) => limit.saturating_add(*bytes).min(hay.len()),
            Reach::While(contained) => hay
                .get(limit..)
                .and_then(|rest| rest.iter().position(|&byte| !contained[usize::from(byte)]))
                .map_or(hay.len(), |place| limit + place),
            Reach::Anywhere => hay.len(),
        }
    }
}

fn reach(hir: &Hir) -> Reach {
    if let Some(bytes) = hir.properties().maximum_len() {
        return Reach::Bytes(bytes);
    }
    let mut contained = Box::new([false; 256]);
    note_contained(hir, &mut contained);
    if contained.iter().all(|&flag| flag) {
        Reach::Anywhere
    } else {
        Reach::While(contained)
    }
}

/// Notes which bytes a match can contain. Of characters beyond ASCII every byte is noted.
fn note_contained(hir: &Hir, contained: &mut [bool; 256]) {
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
        HirKind::Repetition(repetition) => note_contained(&repetition.sub, contained),
        HirKind::Capture(capture) => note_contained(&capture.sub, contained),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            for part in parts {
                note_contained(part, contained);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reach_of_an_expression_is_known() {
        let stops_at = |expression: &str, byte: u8| match Regex::new(expression).unwrap().reach {
            Reach::While(contained) => !contained[usize::from(byte)],
            _ => false,
        };
        assert_eq!(Regex::new("abc|de").unwrap().reach, Reach::Bytes(3));
        assert!(stops_at("a.*b", b'\n'));
        assert!(!stops_at("a.*b", b'x'));
        assert!(stops_at("[^x]*", b'x'));
        assert!(stops_at(r"foo\s+bar", b'c'));
        assert!(!stops_at(r"foo\s+bar", b'\n'));
        assert!(stops_at("(?:[a-c]é)+", b'd'));
        assert!(!stops_at("(?:[a-c]é)+", 0xa9));
        assert_eq!(Regex::new("(?s)a.*b").unwrap().reach, Reach::Anywhere);
        assert_eq!(Regex::new("(?s-u)a.*b").unwrap().reach, Reach::Anywhere);
    }

    fn first(regex: &Regex, hay: &[u8], from: usize, limit: usize) -> Option<Match> {
        let mut first = None;
        regex.scan(hay, from, limit, &Job::default(), |one| {
            first = Some(one);
            false
        });
        first
    }

    #[test]
    fn an_expression_that_is_slow_is_given_up_soon_when_it_is_not_wanted_any_more() {
        // Some 300 states at each byte: minutes for all of them.
        let regex = Regex::new("(?:[ab]{1,30}x?){1,10}y").unwrap();
        let hay = vec![b'a'; FAR];
        let job = Job::default();
        let scan = || regex.scan(&hay, 0, hay.len(), &job, |_| true);
        std::thread::scope(|scope| {
            let search = scope.spawn(scan);
            job.cancel();
            search.join().unwrap();
        });
    }

    #[test]
    fn parts_end_where_matches_do_and_none_is_empty() {
        let hay = b"aaa\nbbbbbb\nccc";
        let line = Regex::new("a.*b").unwrap();
        assert_eq!(line.end_of_part(hay, 0, 1), 3);
        assert_eq!(line.end_of_part(hay, 0, 4), 10);
        assert_eq!(line.end_of_part(hay, 3, 1), 10);
        assert_eq!(line.end_of_part(hay, 11, 1), 14);
        assert_eq!(line.end_of_part(hay, 14, 1), 15);
        assert_eq!(Regex::new("abc").unwrap().end_of_part(hay, 5, 1), 8);
    }

    #[test]
    fn an_expression_is_searched_no_further_than_it_can_match() {
        let regex = Regex::new("a.*b").unwrap();
        let hay = b"xxa123b\nab";
        let found = first(&regex, hay, 0, 3).unwrap();
        assert_eq!((found.start, found.end), (2, 7));
        assert_eq!(first(&regex, hay, 3, 8), None);
    }

    #[test]
    fn a_chunk_is_searched_by_itself_where_its_last_match_ends_near() {
        let mut hay = vec![b'x'; FAR + 10];
        let line = Regex::new("a.*b").unwrap();
        assert!(!line.is_local(&hay, 0));
        assert!(line.is_local(&hay, 10));
        hay[FAR] = b'\n';
        assert!(!line.is_local(&hay, 0));
        assert!(line.is_local(&hay, 1));
        assert!(Regex::new("abc").unwrap().is_local(&hay, 0));
        assert!(!Regex::new("(?s)a.*b").unwrap().is_local(b"", 0));
    }

    #[test]
    fn there_is_no_empty_match_within_a_character() {
        let regex = Regex::new("x*").unwrap();
        let mut places = Vec::new();
        let hay = "aé".as_bytes();
        regex.scan(hay, 0, hay.len() + 1, &Job::default(), |found| {
            places.push(found.start);
            true
        });
        assert_eq!(places, [0, 1, 3]);
    }
}
