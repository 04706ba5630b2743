//! The memory mapper: regions of mapped memory, what happens when their pages can't be
//! delivered, and the ledger of all that is mapped. Nothing here knows Node.

pub mod advice;
mod copies;
pub mod error;
pub mod evict;
pub mod fault;
pub mod file;
pub mod flush;
pub mod flush_queue;
pub mod foreign;
pub mod grow;
pub mod job;
pub mod kind;
pub mod ledger;
pub mod limits;
pub mod lines;
pub mod lock;
pub mod mapping;
pub mod memlock;
pub mod open;
mod pages;
pub mod places;
pub mod pool;
pub mod populate;
pub mod ranges;
pub mod region;
pub mod replace;
pub mod residency;
pub mod resize;
pub mod scan;
pub mod sys;
pub mod table;

pub use error::{Error, Result};
