//! The memory mapper: regions of mapped memory, what happens when their pages can't be
//! delivered, and the ledger of all that is mapped. Nothing here knows Node.

pub mod cancel;
pub mod copy;
pub mod durability;
pub mod error;
pub mod fault;
pub mod file;
pub mod limits;
pub mod lines;
pub mod lock;
pub(crate) mod mappable;
pub mod mapping;
pub mod open;
pub(crate) mod poison;
pub mod range_set;
pub mod residency;
pub mod resize;
pub mod search;
pub mod sys;
pub mod thread_pool;
pub mod waiter;

pub use error::{Error, Result};
