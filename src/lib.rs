//! The native half of memmap.
//!
//! [`core`] is a memory mapper in plain Rust that does not depend on Node. `binding` exposes it to
//! JavaScript through Node-API, and contains no logic of its own.

#![deny(unsafe_op_in_unsafe_fn, missing_docs)]

pub mod core;
// The binding registers itself with Node, which a test binary does not contain.
#[cfg(not(test))]
mod binding;
