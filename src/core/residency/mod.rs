//! Residency of pages: reporting it, and loading, locking and evicting pages.

pub mod advise;
pub mod evict;
pub mod lock_pages;
pub mod populate;
pub mod residency;
