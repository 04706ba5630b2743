//! Which pages are in memory, and how they get there and out.

pub mod advise;
pub mod evict;
pub mod lock_pages;
pub mod populate;
pub mod residency;
