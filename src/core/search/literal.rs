//! Search for one needle.

use memchr::arch::all::packedpair::Pair;
use memchr::memmem;

use super::match_range::Match;
use super::simd::dispatch;
use super::simd::needle::Needle;

/// A needle of at least one byte, compiled.
#[derive(Debug)]
pub struct Literal {
    needle: Vec<u8>,
    /// The two bytes that are rarest in texts.
    pair: Option<Pair>,
    finder: memmem::Finder<'static>,
    can_overlap: bool,
}

impl Literal {
    /// Compiles a needle.
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

    /// Returns the length of the needle in bytes.
    #[must_use]
    pub fn length(&self) -> usize {
        self.needle.len()
    }

    /// Reports whether the needle can overlap itself, as `aa` does in `aaa`.
    #[must_use]
    pub fn can_overlap(&self) -> bool {
        self.can_overlap
    }

    /// Does what [`super::Pattern::scan`] describes.
    pub fn scan(
        &self,
        haystack: &[u8],
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
        let bytes = self.searched_bytes(haystack, from, limit);
        if let [byte] = self.needle[..] {
            memchr::memchr_iter(byte, bytes).all(|offset| take(from + offset));
        } else {
            dispatch::find_each(bytes, &self.simd_needle(), |offset| take(from + offset));
        }
        if is_over { next } else { next.max(limit) }
    }

    /// Counts the matches that start in `from..limit`. The needle must not be able to overlap
    /// itself.
    #[must_use]
    pub fn count(&self, haystack: &[u8], from: usize, limit: usize) -> u64 {
        let bytes = self.searched_bytes(haystack, from, limit);
        if let [byte] = self.needle[..] {
            return dispatch::count_byte(bytes, byte);
        }
        let mut count = 0;
        dispatch::find_each(bytes, &self.simd_needle(), |_| {
            count += 1;
            true
        });
        count
    }

    /// Does what [`super::Pattern::first`] describes.
    #[must_use]
    pub fn first(&self, haystack: &[u8], from: usize, limit: usize) -> Option<Match> {
        self.finder
            .find(self.searched_bytes(haystack, from, limit))
            .map(|offset| self.match_at(from + offset))
    }

    /// Does what [`super::Pattern::last`] describes.
    #[must_use]
    pub fn last(&self, haystack: &[u8], from: usize, limit: usize) -> Option<Match> {
        memmem::rfind(self.searched_bytes(haystack, from, limit), &self.needle)
            .map(|offset| self.match_at(from + offset))
    }

    fn simd_needle(&self) -> Needle<'_> {
        Needle {
            bytes: &self.needle,
            pair: self.pair,
            finder: &self.finder,
        }
    }

    fn match_at(&self, start: usize) -> Match {
        Match {
            start,
            end: start + self.needle.len(),
            needle: 0,
        }
    }

    /// Returns the bytes that contain every match that starts in `from..limit`.
    fn searched_bytes<'a>(&self, haystack: &'a [u8], from: usize, limit: usize) -> &'a [u8] {
        let end = haystack
            .len()
            .min(limit.saturating_add(self.needle.len() - 1));
        haystack.get(from..end).unwrap_or_default()
    }
}

/// Reports whether a proper prefix of the needle is also a suffix of it. Computes the failure table
/// of Knuth, Morris and Pratt, of which only the last entry is used.
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
    fn a_border_is_a_prefix_that_is_also_a_suffix() {
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
