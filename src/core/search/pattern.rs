//! Patterns: compiled needles and regular expressions.

use super::lazy_automata::OnStep;
use super::literal::Literal;
use super::match_range::Match;
use super::multi_literal::MultiLiteral;
use super::regex::Regex;
use crate::core::cancel::CancelToken;
use crate::core::error::{Error, Result};

/// A compiled pattern.
#[derive(Debug)]
pub enum Pattern {
    /// The empty needle, which matches at each offset.
    Empty,
    /// One needle.
    Literal(Box<Literal>),
    /// Several needles. Of two needles that start at the same offset, the one listed first matches.
    MultiLiteral(MultiLiteral),
    /// A regular expression in the syntax of the `regex` crate.
    Regex(Box<Regex>),
}

impl Pattern {
    /// Compiles a pattern of one needle or of several. An empty needle in a list of several is an
    /// error, because the needles listed after it could never be found.
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
            several => MultiLiteral::new(several).map(Self::MultiLiteral),
        }
    }

    /// Compiles a regular expression.
    pub fn of_regex(expression: &str) -> Result<Self> {
        Regex::new(expression).map(|regex| Self::Regex(Box::new(regex)))
    }

    /// Returns the length in bytes that all matches have, or `None` if their lengths can differ.
    #[must_use]
    pub fn match_length(&self) -> Option<usize> {
        match self {
            Self::Empty => Some(0),
            Self::Literal(literal) => Some(literal.length()),
            Self::MultiLiteral(_) | Self::Regex(_) => None,
        }
    }

    /// Calls `found` for every match that starts in `from..limit`, in order, until `found` returns
    /// false. Returns the offset at which the search would continue.
    ///
    /// After `token` is cancelled the scan may stop early; then its matches and its result mean
    /// nothing.
    pub fn scan(
        &self,
        haystack: &[u8],
        from: usize,
        limit: usize,
        token: &CancelToken,
        mut found: impl FnMut(Match) -> bool,
    ) -> usize {
        match self {
            Self::Literal(literal) => return literal.scan(haystack, from, limit, found),
            Self::Regex(regex) => return regex.scan(haystack, from, limit, token, found),
            Self::Empty | Self::MultiLiteral(_) => {}
        }
        let mut next = from;
        while let Some(one) = self.first(haystack, next, limit, token) {
            next = one.next_start();
            if !found(one) {
                return next;
            }
        }
        next.max(limit)
    }

    /// Returns the first match that starts in `from..limit`. After `token` is cancelled the result
    /// means nothing.
    #[must_use]
    pub fn first(
        &self,
        haystack: &[u8],
        from: usize,
        limit: usize,
        token: &CancelToken,
    ) -> Option<Match> {
        if from >= limit {
            return None;
        }
        match self {
            Self::Empty => Some(Match {
                start: from,
                end: from,
                needle: 0,
            }),
            Self::Literal(literal) => literal.first(haystack, from, limit),
            Self::MultiLiteral(literals) => literals.first(haystack, from, limit),
            Self::Regex(regex) => {
                let mut first = None;
                regex.scan(haystack, from, limit, token, |one| {
                    first = Some(one);
                    false
                });
                first
            }
        }
    }

    /// Returns the last occurrence of a needle that starts in `from..limit`. It may overlap other
    /// occurrences, as in `Buffer.lastIndexOf`. For a regular expression, returns the last of the
    /// matches that a scan from `from` finds.
    #[must_use]
    pub fn last(&self, haystack: &[u8], from: usize, limit: usize) -> Option<Match> {
        if from >= limit {
            return None;
        }
        match self {
            Self::Empty => Some(Match {
                start: limit - 1,
                end: limit - 1,
                needle: 0,
            }),
            Self::Literal(literal) => literal.last(haystack, from, limit),
            Self::MultiLiteral(literals) => literals.last(haystack, from, limit),
            Self::Regex(regex) => {
                let mut last = None;
                regex.scan(haystack, from, limit, &CancelToken::default(), |found| {
                    last = Some(found);
                    true
                });
                last
            }
        }
    }

    /// Reports whether two occurrences can share a byte. If they can, the matches depend on the
    /// offset at which the search began.
    #[must_use]
    pub fn can_overlap(&self) -> bool {
        match self {
            Self::Empty => false,
            Self::Literal(literal) => literal.can_overlap(),
            Self::MultiLiteral(_) | Self::Regex(_) => true,
        }
    }

    /// Reports whether the chunk that ends at `limit` can be searched without reading everything
    /// after it.
    #[must_use]
    pub fn is_chunkable(&self, haystack: &[u8], limit: usize) -> bool {
        match self {
            Self::Regex(regex) => regex.is_chunkable(haystack, limit),
            _ => true,
        }
    }

    /// Does the same as [`Pattern::scan`] where chunks are not possible. The search may read
    /// everything after `limit`, and continues at the next match or after the end of the haystack.
    /// `on_step` is called at intervals with the offset of the search; an error that it returns
    /// ends the search.
    pub fn scan_interruptible(
        &self,
        haystack: &[u8],
        from: usize,
        limit: usize,
        on_step: OnStep<'_>,
        found: impl FnMut(Match) -> bool,
    ) -> Result<usize> {
        match self {
            Self::Regex(regex) => regex.scan_interruptible(haystack, from, limit, on_step, found),
            _ => Ok(self.scan(haystack, from, limit, &CancelToken::default(), found)),
        }
    }
}
