//! What the search for the offsets of a byte learns about the bytes on the way.

/// A summary of the bytes that [`super::dispatch::byte_offsets`] searched.
#[derive(Debug, PartialEq, Eq)]
pub struct ByteSummary {
    /// The number of offsets that were written, which the length of the output limits.
    pub count: usize,
    /// Whether all bytes are ASCII.
    pub is_ascii: bool,
    /// Whether any byte is a carriage return.
    pub has_return: bool,
}
