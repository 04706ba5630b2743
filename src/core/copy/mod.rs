//! Bytes copied into and out of a mapping.

mod copy;
pub mod gather;
