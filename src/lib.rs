//! The native half of memmap.
//!
//! [`core`] is a memory mapper in plain Rust that knows nothing of Node; `binding` binds it to
//! JavaScript through Node-API and decides nothing.

#![deny(unsafe_op_in_unsafe_fn, missing_docs)]

pub mod core;
// The glue registers itself with Node, which a test binary hasn't got.
#[cfg(not(test))]
mod binding;
