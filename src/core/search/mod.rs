//! Searching bytes: what a match is, and how the next one is found.
//!
//! Matches are those of JavaScript's `matchAll`: leftmost first, none overlapping the one before.
//! After an empty match the search goes on one byte further.
//!
//! A scan works on `hay[from..limit]` with the whole of `hay` in sight: a match must start there,
//! but may end behind, and `^`, `$` and `\b` see the bytes around. So a long range can be cut into
//! chunks anywhere, and [`parallel`] puts their results together as if it had not been cut.

mod delimited_ranges;
mod literal;
mod multi_literal;
pub mod parallel;
mod regex;
mod regex_interruptible;
mod simd;

pub use delimited_ranges::{Ends, delimited_ranges};
pub use simd::{Seen, byte_offsets, count_byte};

use super::cancel::Job;
use super::error::{Error, Result};
use literal::Literal;
use multi_literal::Many;
use regex::Regex;
use regex_interruptible::Watch;

/// Where a pattern was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// Its first byte.
    pub start: usize,
    /// The byte behind its last.
    pub end: usize,
    /// Which one of several needles it is.
    pub needle: u32,
}

impl Match {
    /// Where the search for the next one begins.
    #[must_use]
    pub fn next(&self) -> usize {
        if self.end > self.start {
            self.end
        } else {
            self.end + 1
        }
    }
}

/// What to search for, made ready.
#[derive(Debug)]
pub enum Pattern {
    /// Nothing, which is found everywhere.
    Empty,
    /// A string of bytes.
    Literal(Box<Literal>),
    /// Any of several strings of bytes; of two that start at the same place the one named first.
    Many(Many),
    /// A regular expression in the syntax of the `regex` crate.
    Regex(Box<Regex>),
}

impl Pattern {
    /// A pattern for one needle or several. An empty needle among several is an error, as
    /// everything behind it in the list could never be found.
    pub fn of_needles(needles: &[Vec<u8>]) -> Result<Self> {
        match needles {
            [] => Err(Error::rule(
                "ERR_INVALID_ARG_VALUE",
                "There is no needle in the list",
            )),
            [needle] if needle.is_empty() => Ok(Self::Empty),
            [needle] => Ok(Self::Literal(Box::new(Literal::new(needle.clone())))),
            several if several.iter().any(Vec::is_empty) => Err(Error::rule(
                "ERR_INVALID_ARG_VALUE",
                "A needle in a list must not be empty",
            )),
            several => Many::new(several).map(Self::Many),
        }
    }

    /// A pattern for a regular expression.
    pub fn of_regex(expression: &str) -> Result<Self> {
        Regex::new(expression).map(|regex| Self::Regex(Box::new(regex)))
    }

    /// How long each match is, if all are of one length.
    #[must_use]
    pub fn length(&self) -> Option<usize> {
        match self {
            Self::Empty => Some(0),
            Self::Literal(literal) => Some(literal.length()),
            Self::Many(_) | Self::Regex(_) => None,
        }
    }

    /// Calls `found` for every match that starts in `from..limit`, in order, until it answers
    /// false. The result is where the search would go on; nothing that is right once the job is
    /// not wanted any more.
    pub fn scan(
        &self,
        hay: &[u8],
        from: usize,
        limit: usize,
        job: &Job,
        mut found: impl FnMut(Match) -> bool,
    ) -> usize {
        match self {
            Self::Literal(literal) => return literal.scan(hay, from, limit, found),
            Self::Regex(regex) => return regex.scan(hay, from, limit, job, found),
            Self::Empty | Self::Many(_) => {}
        }
        let mut at = from;
        while let Some(one) = self.first(hay, at, limit, job) {
            at = one.next();
            if !found(one) {
                return at;
            }
        }
        at.max(limit)
    }

    /// The first match that starts in `from..limit`, with the same reservation.
    #[must_use]
    pub fn first(&self, hay: &[u8], from: usize, limit: usize, job: &Job) -> Option<Match> {
        if from >= limit {
            return None;
        }
        match self {
            Self::Empty => Some(Match {
                start: from,
                end: from,
                needle: 0,
            }),
            Self::Literal(literal) => literal.first(hay, from, limit),
            Self::Many(many) => many.first(hay, from, limit),
            Self::Regex(regex) => {
                let mut first = None;
                regex.scan(hay, from, limit, job, |one| {
                    first = Some(one);
                    false
                });
                first
            }
        }
    }

    /// The last place in `from..limit` where a needle starts; overlapping matters, as it does for
    /// `Buffer.lastIndexOf`. Of a regular expression the last of its matches.
    #[must_use]
    pub fn last(&self, hay: &[u8], from: usize, limit: usize) -> Option<Match> {
        if from >= limit {
            return None;
        }
        match self {
            Self::Empty => Some(Match {
                start: limit - 1,
                end: limit - 1,
                needle: 0,
            }),
            Self::Literal(literal) => literal.last(hay, from, limit),
            Self::Many(many) => many.last(hay, from, limit),
            Self::Regex(regex) => {
                let mut last = None;
                regex.scan(hay, from, limit, &Job::default(), |found| {
                    last = Some(found);
                    true
                });
                last
            }
        }
    }

    /// Whether two matches can touch the same byte, so that which ones count depends on where the
    /// search began.
    #[must_use]
    pub fn can_overlap(&self) -> bool {
        match self {
            Self::Empty => false,
            Self::Literal(literal) => literal.can_overlap(),
            Self::Many(_) | Self::Regex(_) => true,
        }
    }

    /// Whether a chunk of a range can be searched without going through all that follows it; the
    /// chunk ends at `limit`.
    #[must_use]
    pub fn is_local(&self, hay: &[u8], limit: usize) -> bool {
        match self {
            Self::Regex(regex) => regex.is_local(hay, limit),
            _ => true,
        }
    }

    /// As `scan`, for what is not local: the search may look at all that follows the limit, and
    /// stands where it found the next match, or behind the end. `watch` is told now and then
    /// where it is, and may end it.
    pub fn walk(
        &self,
        hay: &[u8],
        from: usize,
        limit: usize,
        watch: Watch<'_>,
        found: impl FnMut(Match) -> bool,
    ) -> Result<usize> {
        match self {
            Self::Regex(regex) => regex.walk(hay, from, limit, watch, found),
            _ => Ok(self.scan(hay, from, limit, &Job::default(), found)),
        }
    }
}
