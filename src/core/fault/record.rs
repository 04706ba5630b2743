//! The faults that the process survived: why they happened, and how many there were.

use std::sync::atomic::{AtomicU64, Ordering};

/// Faults of all regions there ever were.
static TOTAL: AtomicU64 = AtomicU64::new(0);

/// Why a page could not be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// The file ends before the page.
    Truncated = 1,
    /// No block is free for the page.
    NoSpace = 2,
    /// The system failed to read it, or the memory is broken.
    Io = 3,
    /// A store into a page that is read-only.
    ReadOnly = 4,
    /// An access after close.
    Closed = 5,
}

impl Reason {
    /// The name that JavaScript sees.
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
    /// Where in the mapping, in bytes; the start of the page, but never before the mapping.
    pub offset: u64,
    /// Why.
    pub reason: Reason,
}

impl Fault {
    /// Both in one number, as a slot keeps it.
    pub(super) fn packed(&self) -> u64 {
        self.offset << 8 | self.reason as u64
    }
}

/// Counts a fault of any region.
pub(super) fn count_fault() {
    TOTAL.fetch_add(1, Ordering::AcqRel);
}

/// How many faults there were in the whole process. While it stays the same, no mapping needs
/// to be asked.
#[must_use]
pub fn fault_total() -> u64 {
    TOTAL.load(Ordering::Acquire)
}

/// Where that number is counted.
#[must_use]
pub fn fault_counter() -> &'static AtomicU64 {
    &TOTAL
}
