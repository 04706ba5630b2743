//! The file behind a mapping, and the blocks that it is given.

pub mod allocate;
pub mod flush_level;
pub mod pending_flushes;
pub mod shared_file;
