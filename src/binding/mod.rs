//! The glue: each function converts its arguments, calls core and converts the answer.

mod array_buffer;
mod error;
mod lock;
mod mapping;
mod number;
mod open;
mod process;
mod promise;
mod replace;
mod residency;
mod search;
