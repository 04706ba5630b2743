//! Mapping a file or anonymous memory as a request says.
//!
//! The order of the steps matters, because another process can replace or change the file at any
//! moment. The kind is checked before the file is opened, since opening a device or a FIFO has
//! effects, and again on the open descriptor. The size is checked before and after mapping.

use std::sync::Arc;

use super::backing::{Backing, FileBacking, RegionRequest};
use super::opened_file::{OpenedFile, resolve_length};
use super::request::{Request, Source};
use crate::core::error::{Error, Result};
use crate::core::limits;
use crate::core::mapping::advice::{self, Advice};
use crate::core::mapping::map_region::Anonymous;
use crate::core::mapping::mapping::{Mapping, Parts, RegionOptions};
use crate::core::mapping::mode::Mode;
use crate::core::mapping::registry::{self, Description};
use crate::core::residency::{advise, populate};
use crate::core::sys;

/// Maps a file. Can block on a disk.
pub fn open(request: Request) -> Result<Mapping> {
    let name = request.name();
    open_source(request, name.clone())
        .map_err(|error| limits::explain_descriptors(error).at(name.as_deref()))
}

fn open_source(request: Request, name: Option<String>) -> Result<Mapping> {
    let advice = request.advice.as_deref().map(advice::advice).transpose()?;
    let Request {
        mode,
        offset,
        length: wanted,
        ..
    } = request;
    let is_strict = request.strict && mode == Mode::Read;
    let (opened, path) = match request.source {
        Source::Path(path) => (
            OpenedFile::from_path(&path, mode, wanted.is_some())?,
            Some(path),
        ),
        Source::Descriptor(fd) => (
            OpenedFile::from_descriptor(fd, mode, wanted.is_some())?,
            None,
        ),
    };
    let mapped = (|| {
        let size = opened.prepare_size(mode, request.size, offset, wanted)?;
        let length = resolve_length(offset, wanted, size)?;
        opened.check_reserve(request.reserve)?;
        if length == 0 {
            opened.check_empty()?;
        }
        map(New {
            backing: Backing::File(FileBacking {
                file: Arc::clone(&opened.file),
                kind: opened.kind,
                offset,
                access: mode.access(is_strict),
            }),
            description: Description {
                path: name,
                label: request.label,
                gc_owned: request.gc_owned,
                thread: request.thread,
                stack: request.stack,
                ..Description::default()
            },
            options: RegionOptions {
                no_reserve: request.no_reserve.unwrap_or(mode == Mode::Read),
                abort: request.abort_on_fault,
                transparent_huge: request.huge_pages,
                advice,
                huge: None,
            },
            mode,
            is_strict,
            length,
            room: request.reserve,
            wanted,
            size,
            populate: request.populate,
        })
    })();
    if let (Some(path), Err(_)) = (&path, &mapped) {
        opened.remove_if_created(path);
    }
    mapped
}

/// Maps memory without a file. `memory` has the length; the length of `description` is ignored.
pub fn anonymous(memory: &Anonymous, populate: bool, description: Description) -> Result<Mapping> {
    map(New {
        backing: Backing::Anonymous,
        description,
        options: RegionOptions {
            no_reserve: memory.no_reserve,
            abort: memory.abort,
            huge: memory.huge,
            transparent_huge: memory.transparent_huge,
            advice: None,
        },
        mode: Mode::ReadWrite,
        is_strict: false,
        length: memory.length as u64,
        room: memory.room as u64,
        wanted: None,
        size: 0,
        populate,
    })
}

/// A mapping to create.
struct New {
    backing: Backing,
    /// The description for the registry; [`map`] sets the mode, the offset and the length.
    description: Description,
    options: RegionOptions,
    mode: Mode,
    is_strict: bool,
    /// The length in bytes, which the backing has.
    length: u64,
    /// The bytes of address space to reserve for growing.
    room: u64,
    /// The length that the caller gave.
    wanted: Option<u64>,
    /// The size of the file in bytes; 0 for anonymous memory.
    size: u64,
    populate: bool,
}

/// Maps the backing, and gives the pages the requested advice.
fn map(new: New) -> Result<Mapping> {
    let id = registry::next_id();
    let room = address_space(new.room)?;
    let region = if new.length == 0 && room == 0 {
        None
    } else {
        let request = RegionRequest {
            length: address_space(new.length)?,
            room,
            id,
            name: new.description.path.as_deref(),
        };
        Some(Arc::new(new.backing.map_first(&request, &new.options)?))
    };
    let offset = new.backing.offset();
    let mapping = Mapping::new(Parts {
        id,
        description: Description {
            mode: new.mode.letters(),
            offset,
            length: new.length,
            ..new.description
        },
        region,
        file: new.backing.file().cloned(),
        options: new.options,
        mode: new.mode,
        is_strict: new.is_strict,
        offset,
        length: new.length,
        wanted: new.wanted,
        size: new.size,
    });
    if new.options.transparent_huge {
        advise_all(&mapping, advice::advice("hugepage")?)?;
    }
    if let Some(advice) = new.options.advice {
        advise_all(&mapping, advice)?;
    }
    if new.populate {
        populate::populate_all(&mapping)?;
    }
    Ok(mapping)
}

fn advise_all(mapping: &Mapping, advice: Advice) -> Result<()> {
    let region = mapping.region()?;
    region.map_or(Ok(()), |region| {
        advise::advise_all(mapping, &region, advice)
    })
}

fn address_space(bytes: u64) -> Result<usize> {
    usize::try_from(bytes).map_err(|_| Error::system(sys::ENOMEM, "mmap"))
}
