//! Search in bytes.
//!
//! Matches are those of JavaScript's `matchAll`: the leftmost match comes first, and no match
//! overlaps the match before it. After an empty match the search continues one byte further.
//!
//! A scan of `haystack[from..limit]` sees the whole haystack. A match must start within these
//! bounds but may end after them, and `^`, `$` and `\b` see the surrounding bytes. Therefore a long
//! range can be divided into chunks at any offset, and [`parallel`] joins the results of the chunks
//! into the result of a single scan.

mod chunk_join;
pub mod chunks;
mod delimited_ranges;
mod lazy_automata;
mod literal;
mod match_range;
mod multi_literal;
pub mod parallel;
mod pattern;
mod regex;
mod regex_interruptible;
mod simd;

pub use delimited_ranges::{RangeEnd, delimited_ranges};
pub use match_range::Match;
pub use pattern::Pattern;
pub use simd::byte_summary::ByteSummary;
pub use simd::dispatch::{byte_offsets, count_byte};
