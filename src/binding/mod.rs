//! The binding: each function converts its arguments, calls core and converts the result.

mod array_buffer;
mod cancel;
mod error;
mod lines;
mod lock;
mod lock_file;
mod lock_request;
mod mapping;
mod mapping_range;
mod number;
mod open;
mod process;
mod promise;
mod replace;
mod residency;
mod search;
