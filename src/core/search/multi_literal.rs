//! Several strings of bytes at once.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, Input, MatchKind};
use memchr::memmem;

use super::Match;
use crate::core::error::{Error, Result};

/// Several strings of bytes, none of them empty.
#[derive(Debug)]
pub struct Many {
    automaton: AhoCorasick,
    needles: Vec<Vec<u8>>,
    longest: usize,
}

impl Many {
    /// Makes the search ready.
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

    /// As [`super::Pattern::first`].
    #[must_use]
    pub fn first(&self, hay: &[u8], from: usize, limit: usize) -> Option<Match> {
        let end = hay.len().min(limit.saturating_add(self.longest - 1));
        if from > end {
            return None;
        }
        let found = self.automaton.find(Input::new(hay).span(from..end))?;
        (found.start() < limit).then(|| Match {
            start: found.start(),
            end: found.end(),
            needle: found.pattern().as_u32(),
        })
    }

    /// As [`super::Pattern::last`].
    #[must_use]
    pub fn last(&self, hay: &[u8], from: usize, limit: usize) -> Option<Match> {
        let found = self
            .needles
            .iter()
            .enumerate()
            .filter_map(|(number, needle)| {
                let end = hay.len().min(limit.saturating_add(needle.len() - 1));
                let start = from + memmem::rfind(hay.get(from..end)?, needle)?;
                Some(Match {
                    start,
                    end: start + needle.len(),
                    needle: number as u32,
                })
            });
        // Of two at the same place the one named first.
        found.reduce(|best, next| if next.start > best.start { next } else { best })
    }
}
