//! The file behind a mapping, and the blocks that it is given.

pub mod allocate;
pub mod shared_file;
