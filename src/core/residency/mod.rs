//! Which pages are in memory, and how they get there and out.

pub mod evict;
pub mod lock_pages;
pub mod populate;
pub mod residency;
