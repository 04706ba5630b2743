//! The glue: each function converts its arguments, calls core and converts the answer.

mod buffer;
mod error;
mod lock;
mod mapping;
mod number;
mod open;
mod process;
mod replace;
mod residency;
mod scan;
mod task;
