//! Regular expressions over bytes.
//!
//! The automata are the `regex` crate's own (`regex-automata`), taken directly because they can
//! be told where a search ends while they see what lies behind.

use regex_automata::Input;
use regex_automata::meta;
use regex_syntax::hir::{Class, Hir, HirKind};

use super::Match;
use crate::core::error::{Error, Result};

/// A regular expression in the syntax of the `regex` crate.
#[derive(Debug)]
pub struct Regex {
    regex: meta::Regex,
    reach: Reach,
}

/// How far behind its start a match can end: this bounds what has to be searched for a match that
/// starts in a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// So many bytes.
    Bytes(usize),
    /// To the end of its line: it can't match a line feed.
    Line,
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
        // Empty matches may lie between the bytes of a character: these are bytes.
        let config = meta::Config::new().utf8_empty(false);
        let regex = meta::Builder::new().configure(config).build_from_hir(&hir);
        Ok(Self {
            regex: regex.map_err(|error| invalid(&error))?,
            reach: reach(&hir),
        })
    }

    /// Whether a chunk can be searched by itself.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.reach != Reach::Anywhere
    }

    /// As [`super::Pattern::first`].
    #[must_use]
    pub fn first(&self, hay: &[u8], from: usize, limit: usize) -> Option<Match> {
        let end = match self.reach {
            Reach::Bytes(bytes) => limit.saturating_add(bytes).min(hay.len()),
            Reach::Line => hay
                .get(limit..)
                .and_then(|rest| memchr::memchr(b'\n', rest))
                .map_or(hay.len(), |place| limit + place),
            Reach::Anywhere => hay.len(),
        };
        let found = self
            .regex
            .search(&Input::new(hay).span(from..end.max(from)))?;
        (found.start() < limit).then(|| Match {
            start: found.start(),
            end: found.end(),
            needle: 0,
        })
    }
}

fn reach(hir: &Hir) -> Reach {
    match hir.properties().maximum_len() {
        Some(bytes) => Reach::Bytes(bytes),
        None if can_match_line_feed(hir) => Reach::Anywhere,
        None => Reach::Line,
    }
}

fn can_match_line_feed(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => false,
        HirKind::Literal(literal) => literal.0.contains(&b'\n'),
        HirKind::Class(Class::Unicode(class)) => class
            .ranges()
            .iter()
            .any(|range| range.start() <= '\n' && '\n' <= range.end()),
        HirKind::Class(Class::Bytes(class)) => class
            .ranges()
            .iter()
            .any(|range| range.start() <= b'\n' && b'\n' <= range.end()),
        HirKind::Repetition(repetition) => can_match_line_feed(&repetition.sub),
        HirKind::Capture(capture) => can_match_line_feed(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().any(can_match_line_feed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reach_of_an_expression_is_known() {
        let reach_of = |expression| Regex::new(expression).unwrap().reach;
        assert_eq!(reach_of("abc|de"), Reach::Bytes(3));
        assert_eq!(reach_of("a.*b"), Reach::Line);
        assert_eq!(reach_of("[^x]*"), Reach::Anywhere);
        assert_eq!(reach_of("(?s)a.*b"), Reach::Anywhere);
        assert_eq!(reach_of(r"a\s+b"), Reach::Anywhere);
    }

    #[test]
    fn a_line_bounded_expression_is_cut_at_no_place_but_a_line_feed() {
        let regex = Regex::new("a.*b").unwrap();
        let hay = b"xxa123b\nab";
        let found = regex.first(hay, 0, 3).unwrap();
        assert_eq!((found.start, found.end), (2, 7));
        assert_eq!(regex.first(hay, 3, 8), None);
    }
}
