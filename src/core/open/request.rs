//! The request to map a file.

use std::path::PathBuf;

use crate::core::mapping::mode::Mode;
use crate::core::sys::Handle;

/// The file to map.
#[derive(Debug)]
pub enum Source {
    /// A path.
    Path(PathBuf),
    /// A descriptor of an open file, which the request owns.
    Descriptor(Handle),
}

/// A request to map a file.
#[derive(Debug)]
pub struct Request {
    /// The file to map.
    pub source: Source,
    /// The mode of the mapping.
    pub mode: Mode,
    /// Whether the pages of mode `r` are read-only for the processor too, so that a store faults.
    pub strict: bool,
    /// The offset in the file, in bytes.
    pub offset: u64,
    /// The length in bytes; `None` maps up to the end of the file.
    pub length: Option<u64>,
    /// The size in bytes to which the file is created or extended.
    pub size: Option<u64>,
    /// The bytes of address space to reserve, so that the mapping can grow in place.
    pub reserve: u64,
    /// Whether to map without reserving swap (`MAP_NORESERVE`); `None` leaves it to the mode.
    pub no_reserve: Option<bool>,
    /// Whether to bring all pages into memory before [`open`](super::open) returns.
    pub populate: bool,
    /// Whether to request transparent huge pages.
    pub huge_pages: bool,
    /// The name of the advice for the whole mapping.
    pub advice: Option<String>,
    /// Whether a fault ends the process.
    pub abort_on_fault: bool,
    /// A name for the registry.
    pub label: Option<String>,
    /// Whether the garbage collector closes the mapping by design.
    pub gc_owned: bool,
    /// The id of the JavaScript thread that opens the mapping.
    pub thread: u32,
    /// The JavaScript stack of the caller, for the registry.
    pub stack: Option<String>,
}

impl Request {
    /// Returns a request for a whole file, with the defaults of all other options.
    #[must_use]
    pub fn new(source: Source, mode: Mode) -> Self {
        Self {
            source,
            mode,
            strict: false,
            offset: 0,
            length: None,
            size: None,
            reserve: 0,
            no_reserve: None,
            populate: false,
            huge_pages: false,
            advice: None,
            abort_on_fault: false,
            label: None,
            gc_owned: false,
            thread: 0,
            stack: None,
        }
    }

    /// Returns the path as the caller gave it; `None` for a descriptor.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        match &self.source {
            Source::Path(path) => Some(path.to_string_lossy().into_owned()),
            Source::Descriptor(_) => None,
        }
    }
}
