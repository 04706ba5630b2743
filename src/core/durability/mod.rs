//! How bytes get to the disk for good.

pub mod flush;
pub mod flush_queue;
pub mod replace_file;
