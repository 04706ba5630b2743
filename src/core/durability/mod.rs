//! Durability: flushing mappings, and replacing files atomically.

pub mod flush;
pub mod flush_queue;
pub mod replace_file;
