//! Search for several needles at once.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, Input, MatchKind};
use memchr::memmem;

use super::match_range::Match;
use crate::core::error::{Error, Result};

/// Several needles of at least one byte each, compiled.
#[derive(Debug)]
pub struct MultiLiteral {
    automaton: AhoCorasick,
    needles: Vec<Vec<u8>>,
    /// The length of the longest needle in bytes.
    longest: usize,
}

impl MultiLiteral {
    /// Compiles a list of needles.
    pub fn new(needles: &[Vec<u8>]) -> Result<Self> {
        let automaton = AhoCorasickBuilder::new()
            .match_kind(MatchKind::LeftmostFirst)
            .build(needles)
            .map_err(|error| {
                Error::rule(
                    "ERR_INVALID_ARG_VALUE",
                    format!("Too many needles: {error}"),
                )
            })?;
        let longest = needles.iter().map(Vec::len).max().unwrap_or(0);
        Ok(Self {
            automaton,
            needles: needles.to_vec(),
            longest,
        })
    }

    /// Does what [`super::Pattern::first`] describes.
    #[must_use]
    pub fn first(&self, haystack: &[u8], from: usize, limit: usize) -> Option<Match> {
        let end = haystack.len().min(limit.saturating_add(self.longest - 1));
        if from > end {
            return None;
        }
        let found = self.automaton.find(Input::new(haystack).span(from..end))?;
        (found.start() < limit).then(|| Match {
            start: found.start(),
            end: found.end(),
            needle: found.pattern().as_u32(),
        })
    }

    /// Does what [`super::Pattern::last`] describes.
    #[must_use]
    pub fn last(&self, haystack: &[u8], from: usize, limit: usize) -> Option<Match> {
        let found = self
            .needles
            .iter()
            .enumerate()
            .filter_map(|(number, needle)| {
                let end = haystack.len().min(limit.saturating_add(needle.len() - 1));
                let start = from + memmem::rfind(haystack.get(from..end)?, needle)?;
                Some(Match {
                    start,
                    end: start + needle.len(),
                    needle: number as u32,
                })
            });
        // Of two needles at the same offset, the one listed first matches.
        found.reduce(|best, next| if next.start > best.start { next } else { best })
    }
}
