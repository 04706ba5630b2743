//! What happens when a page cannot be delivered.

pub mod foreign_memory;
pub mod handler;
pub mod record;
pub mod region_table;
pub mod slot;
