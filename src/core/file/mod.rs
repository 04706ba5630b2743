//! The file of a mapping: its descriptor, its blocks and its pending flushes.

pub mod allocate;
pub mod flush_level;
pub mod pending_flushes;
pub mod shared_file;
