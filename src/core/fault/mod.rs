//! Handling of pages that the system cannot deliver.

pub mod foreign_memory;
pub mod handler;
mod message_buffer;
pub mod record;
pub mod region_table;
pub mod slot;
