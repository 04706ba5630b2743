//! Opening: turns a request into a mapping.

mod backing;
mod map;
mod mappable;
mod opened_file;
mod read_small;
mod request;

pub(in crate::core) use backing::{Backing, FileBacking, RegionRequest};
pub use map::{anonymous, open};
pub use read_small::{SMALL, read_small};
pub use request::{Request, Source};
