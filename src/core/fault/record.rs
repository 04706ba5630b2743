//! Faults that the process survived: their reasons and their number.

use std::sync::atomic::{AtomicU64, Ordering};

/// The number of faults of all regions since the process started, released regions included.
static TOTAL: AtomicU64 = AtomicU64::new(0);

/// The reason why a page could not be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// The file ends before the page.
    Truncated = 1,
    /// The disk has no free block for the page, or the system no free huge page.
    NoSpace = 2,
    /// The system failed to read the page, or the memory is broken.
    Io = 3,
    /// A store into a page that is read-only.
    ReadOnly = 4,
    /// An access after close.
    Closed = 5,
}

impl Reason {
    /// Returns the name that JavaScript sees.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::NoSpace => "nospace",
            Self::Io => "io",
            Self::ReadOnly => "readonly",
            Self::Closed => "closed",
        }
    }

    pub(super) fn from_number(number: u64) -> Self {
        match number {
            1 => Self::Truncated,
            2 => Self::NoSpace,
            4 => Self::ReadOnly,
            5 => Self::Closed,
            _ => Self::Io,
        }
    }
}

/// A fault that was survived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The offset in the mapping, in bytes: the start of the page, or 0 if the page starts before
    /// the mapping.
    pub offset: u64,
    /// The reason.
    pub reason: Reason,
}

impl Fault {
    /// Returns offset and reason in one number, as a slot stores them.
    pub(super) fn packed(&self) -> u64 {
        self.offset << 8 | self.reason as u64
    }
}

/// Counts a fault. Safe to call in a signal handler.
pub(super) fn count_fault() {
    TOTAL.fetch_add(1, Ordering::AcqRel);
}

/// Returns the number of faults in the whole process. While the number stays the same, no mapping
/// has had another fault.
#[must_use]
pub fn fault_total() -> u64 {
    TOTAL.load(Ordering::Acquire)
}

/// Returns the counter that [`fault_total`] reads.
#[must_use]
pub fn fault_counter() -> &'static AtomicU64 {
    &TOTAL
}
