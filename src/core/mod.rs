//! The memory mapper: mappings and their regions, the handling of faults, and the registry of all
//! live mappings. This module does not depend on Node.

pub mod cancel;
pub mod copy;
pub mod durability;
pub mod error;
pub mod fault;
pub mod file;
pub mod limits;
pub mod lines;
pub mod lock;
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
