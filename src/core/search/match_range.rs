//! The range of bytes that a search found.

/// The range of a match, in bytes from the start of the haystack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// The offset of the first byte.
    pub start: usize,
    /// The offset after the last byte.
    pub end: usize,
    /// The index of the needle in the list of needles; 0 for a pattern without a list.
    pub needle: u32,
}

impl Match {
    /// Returns the offset at which the search for the next match begins: after this match, and one
    /// byte further if this match is empty.
    #[must_use]
    pub fn next_start(&self) -> usize {
        if self.end > self.start {
            self.end
        } else {
            self.end + 1
        }
    }
}
