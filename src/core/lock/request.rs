//! Requests for locks: mode, range, thread, and the holder of a conflicting lock.

use crate::core::error::{Error, Result};
use crate::core::sys::LockMode;

/// The bytes that a lock covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LockRange {
    offset: u64,
    /// 0: everything from the offset on.
    length: u64,
}

/// One more than the last offset that a lock can cover. Files are never longer.
const MAX_END: u64 = 1 << 63;

impl LockRange {
    /// The whole file, however long it becomes.
    pub const WHOLE: Self = Self {
        offset: 0,
        length: 0,
    };

    /// Makes a range of `length` bytes from `offset` on. A length of 0 covers everything from there
    /// on, however long the file becomes. Fails with `ERR_OUT_OF_RANGE` if the range ends beyond
    /// 2^63.
    pub fn new(offset: u64, length: u64) -> Result<Self> {
        if offset >= MAX_END || length > MAX_END - offset {
            return Err(Error::rule(
                "ERR_OUT_OF_RANGE",
                format!(
                    "The range of {length} bytes at offset {offset} of the file ends beyond 2^63, \
                     the limit for files and locks"
                ),
            ));
        }
        // A range up to the last possible byte has one representation, so that equal ranges
        // compare as equal.
        let length = if length == MAX_END - offset {
            0
        } else {
            length
        };
        Ok(Self { offset, length })
    }

    /// Returns the offset of the first byte.
    #[must_use]
    pub fn offset(self) -> u64 {
        self.offset
    }

    /// Returns the number of bytes; 0 for everything from the offset on.
    #[must_use]
    pub fn length(self) -> u64 {
        self.length
    }

    fn end(self) -> u64 {
        if self.length == 0 {
            MAX_END
        } else {
            self.offset + self.length
        }
    }

    /// Reports whether two ranges have a byte in common.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.offset < other.end() && other.offset < self.end()
    }

    /// Returns the words for the range in a message.
    pub(super) fn describe(self) -> String {
        match (self.offset, self.length) {
            (0, 0) => String::from("the whole file"),
            (offset, 0) => format!("everything from byte {offset} of the file on"),
            (offset, length) => format!("{length} bytes at offset {offset} of the file"),
        }
    }
}

/// Which lock is requested, and by which thread.
#[derive(Debug, Clone)]
pub struct LockRequest {
    /// Shared or exclusive.
    pub mode: LockMode,
    /// The bytes to lock.
    pub range: LockRange,
    /// The number of the JavaScript thread that requests it.
    pub thread: u32,
    /// The stack of the call that requests it, if stacks are recorded.
    pub stack: Option<String>,
}

/// The holder of a lock that conflicts with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    /// A JavaScript thread of this process, by its number.
    ThisProcess(u32),
    /// Another process, as far as this process can tell.
    OtherProcess,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_range_ends_within_the_limit_for_files() {
        assert_eq!(LockRange::new(0, MAX_END).unwrap(), LockRange::WHOLE);
        assert_eq!(LockRange::new(MAX_END - 1, 1).unwrap().length(), 0);
        assert!(LockRange::new(MAX_END - 1, 0).is_ok());
        for (offset, length) in [
            (MAX_END, 0),
            (MAX_END - 1, 2),
            (1, MAX_END),
            (u64::MAX, u64::MAX),
            (0, MAX_END + 1),
        ] {
            assert!(LockRange::new(offset, length).is_err(), "{offset} {length}");
        }
    }

    proptest! {
        #[test]
        fn ranges_overlap_where_they_have_a_byte_in_common(
            a in 0_u64..20, m in 0_u64..20, b in 0_u64..20, n in 0_u64..20
        ) {
            let (one, other) = (LockRange::new(a, m).unwrap(), LockRange::new(b, n).unwrap());
            let has = |range: LockRange, byte: u64| {
                byte >= range.offset && (range.length == 0 || byte < range.offset + range.length)
            };
            let common = (0..100).any(|byte| has(one, byte) && has(other, byte));
            prop_assert_eq!(one.overlaps(other), common);
            prop_assert_eq!(other.overlaps(one), common);
        }
    }
}
