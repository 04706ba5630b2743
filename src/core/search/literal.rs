//! One string of bytes.

use memchr::arch::all::packedpair::Pair;
use memchr::memmem;

use super::{Match, simd};

/// A string of bytes, not empty.
#[derive(Debug)]
pub struct Literal {
    needle: Vec<u8>,
    pair: Option<Pair>,
    finder: memmem::Finder<'static>,
    can_overlap: bool,
}

impl Literal {
    /// Makes the search ready.
    #[must_use]
    pub fn new(needle: Vec<u8>) -> Self {
        let finder = memmem::Finder::new(&needle).into_owned();
        let can_overlap = has_border(&needle);
        Self {
            pair: Pair::new(&needle),
            finder,
            can_overlap,
            needle,
        }
    }

    /// In bytes.
    #[must_use]
    pub fn length(&self) -> usize {
        self.needle.len()
    }

    /// Whether it can overlap itself, as `aa` does in `aaa`.
    #[must_use]
    pub fn can_overlap(&self) -> bool {
        self.can_overlap
    }

    /// As [`super::Pattern::scan`].
    pub fn scan(
        &self,
        hay: &[u8],
        from: usize,
        limit: usize,
        mut found: impl FnMut(Match) -> bool,
    ) -> usize {
        let mut next = from;
        let mut is_over = false;
        let mut take = |start: usize| {
            next = start + self.needle.len();
            is_over = !found(Match {
                start,
                end: next,
                needle: 0,
            });
            !is_over
        };
        let bytes = self.part(hay, from, limit);
        if let [byte] = self.needle[..] {
            memchr::memchr_iter(byte, bytes).all(|place| take(from + place));
        } else {
            simd::each(bytes, &self.prepared(), |place| take(from + place));
        }
        if is_over { next } else { next.max(limit) }
    }

    /// How many matches start in `from..limit`, where they can't overlap.
    #[must_use]
    pub fn count(&self, hay: &[u8], from: usize, limit: usize) -> u64 {
        let bytes = self.part(hay, from, limit);
        if let [byte] = self.needle[..] {
            return simd::count_byte(bytes, byte);
        }
        let mut count = 0;
        simd::each(bytes, &self.prepared(), |_| {
            count += 1;
            true
        });
        count
    }

    /// As [`super::Pattern::first`].
    #[must_use]
    pub fn first(&self, hay: &[u8], from: usize, limit: usize) -> Option<Match> {
        self.finder
            .find(self.part(hay, from, limit))
            .map(|place| self.at(from + place))
    }

    /// As [`super::Pattern::last`].
    #[must_use]
    pub fn last(&self, hay: &[u8], from: usize, limit: usize) -> Option<Match> {
        memmem::rfind(self.part(hay, from, limit), &self.needle).map(|place| self.at(from + place))
    }

    fn prepared(&self) -> simd::Needle<'_> {
        simd::Needle {
            bytes: &self.needle,
            pair: self.pair,
            finder: &self.finder,
        }
    }

    fn at(&self, start: usize) -> Match {
        Match {
            start,
            end: start + self.needle.len(),
            needle: 0,
        }
    }

    /// The bytes in which a match that starts in `from..limit` lies.
    fn part<'a>(&self, hay: &'a [u8], from: usize, limit: usize) -> &'a [u8] {
        let end = hay.len().min(limit.saturating_add(self.needle.len() - 1));
        hay.get(from..end).unwrap_or_default()
    }
}

/// Whether a beginning of the needle is also an end of it: Knuth, Morris and Pratt's table, of
/// which only the last entry counts.
fn has_border(needle: &[u8]) -> bool {
    let mut borders = vec![0; needle.len()];
    let mut length = 0;
    for i in 1..needle.len() {
        while length > 0 && needle[i] != needle[length] {
            length = borders[length - 1];
        }
        if needle[i] == needle[length] {
            length += 1;
        }
        borders[i] = length;
    }
    length > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders() {
        for (needle, expected) in [
            ("a", false),
            ("aa", true),
            ("aba", true),
            ("abab", true),
            ("abc", false),
            ("aab", false),
        ] {
            assert_eq!(has_border(needle.as_bytes()), expected, "{needle}");
        }
    }
}
