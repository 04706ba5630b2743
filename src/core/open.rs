//! Opening: from what the user asked for to a mapping.
//!
//! The order matters. The kind is looked at before the file is opened (opening a device or a
//! FIFO has effects), again on the open descriptor, and the size before and after mapping: what
//! lies at a path may change at any moment.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{Error, Result};
use super::fault::handler;
use super::file::allocate;
use super::file::shared_file::SharedFile;
use super::limits;
use super::mappable;
use super::mapping::advice::{self, Advice};
use super::mapping::map_region::{Anonymous, FileRange};
use super::mapping::mapping::{Mapping, Parts, RegionOptions};
use super::mapping::mode::Mode;
use super::mapping::region::Region;
use super::mapping::registry::{self, Description};
use super::residency::advise;
use super::residency::populate;
use super::sys::file_kind::Kind;
use super::sys::{self, Handle, OpenMode, PageAccess, Status, SysError};

/// What to map.
#[derive(Debug)]
pub enum Source {
    /// A path.
    Path(PathBuf),
    /// An open file; a descriptor of our own.
    Descriptor(Handle),
}

/// A request to map a file.
#[derive(Debug)]
pub struct Request {
    /// What.
    pub source: Source,
    /// How.
    pub mode: Mode,
    /// With mode `r`: pages are truly read-only, and a store is reported.
    pub strict: bool,
    /// Where in the file, in bytes.
    pub offset: u64,
    /// How many bytes; none for all up to the end.
    pub length: Option<u64>,
    /// Create or extend the file to this many bytes.
    pub size: Option<u64>,
    /// Set address space aside for this many bytes, to grow in place.
    pub reserve: u64,
    /// Without a promise of memory; none for what the mode does by itself.
    pub no_reserve: Option<bool>,
    /// Bring all pages in now.
    pub populate: bool,
    /// Ask for huge pages.
    pub huge_pages: bool,
    /// How it will be used.
    pub advice: Option<String>,
    /// End the process on a fault.
    pub abort_on_fault: bool,
    /// A name for the ledger.
    pub label: Option<String>,
    /// Whether the garbage collector ends it, by design.
    pub gc_owned: bool,
    /// The thread of JavaScript that asks.
    pub thread: u32,
    /// Where it was asked.
    pub stack: Option<String>,
}

impl Request {
    /// The whole of a file in a mode, nothing else asked for.
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

    /// The name of the file, as the user gave it.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        match &self.source {
            Source::Path(path) => Some(path.to_string_lossy().into_owned()),
            Source::Descriptor(_) => None,
        }
    }
}

/// Maps a file. May wait for a disk.
pub fn open(request: Request) -> Result<Mapping> {
    let name = request.name();
    map(request, name.clone())
        .map_err(|error| limits::explain_descriptors(error).at(name.as_deref()))
}

fn map(request: Request, name: Option<String>) -> Result<Mapping> {
    let advice = request.advice.as_deref().map(advice::advice).transpose()?;
    let Request {
        mode,
        offset,
        strict,
        ..
    } = request;
    let is_strict = strict && mode == Mode::Read;
    let (opened, path) = match request.source {
        Source::Path(path) => (
            open_path(&path, mode, request.length.is_some())?,
            Some(path),
        ),
        Source::Descriptor(fd) => (open_descriptor(fd, mode, request.length.is_some())?, None),
    };
    let file = Arc::clone(&opened.file);
    let mapped = (|| {
        let size = prepare_size(&opened, mode, request.size, offset, request.length)?;
        let length = resolve_length(offset, request.length, size)?;
        let id = registry::next_id();
        let description = Description {
            path: name.clone(),
            label: request.label,
            mode: mode.letters(),
            offset,
            length,
            thread: request.thread,
            gc_owned: request.gc_owned,
            stack: request.stack,
        };
        if opened.kind != Kind::Regular && request.reserve > 0 {
            let name = opened.kind.name();
            let message = format!("A {name} never grows: map it without 'reserve'");
            return Err(Error::not_mappable(name, message));
        }
        let options = RegionOptions {
            no_reserve: request.no_reserve.unwrap_or(mode == Mode::Read),
            abort: request.abort_on_fault,
            transparent_huge: request.huge_pages,
            advice,
            huge: None,
        };
        if length == 0 {
            check_mappable_at_all(&file)?;
        }
        let room = address_space(request.reserve)?;
        let region = if length == 0 && room == 0 {
            None
        } else {
            let access = mode.access(is_strict);
            let range = FileRange {
                file: Arc::clone(&file),
                offset,
                length: address_space(length)?,
                room,
                access,
                no_reserve: options.no_reserve,
            };
            handler::install_guard()?;
            let region = Region::of_file(&range, id, request.abort_on_fault, name.as_deref())
                .map_err(|error| explain(error, &file, access))?;
            if opened.kind == Kind::Regular && file.size()? < offset + length {
                return Err(Error::out_of_range(
                    "the file, which shrank while it was mapped,",
                    offset,
                    length,
                    file.size()?,
                ));
            }
            Some(Arc::new(region))
        };
        let mapping = Mapping::new(Parts {
            id,
            description,
            region,
            file: Some(file),
            options,
            mode,
            is_strict,
            offset,
            length,
            wanted: request.length,
            size,
        });
        if request.huge_pages {
            advise_all(&mapping, advice::advice("hugepage")?)?;
        }
        if let Some(advice) = advice {
            advise_all(&mapping, advice)?;
        }
        if request.populate {
            populate::populate_all(&mapping)?;
        }
        Ok(mapping)
    })();
    if let (Some(true), Some(path), Err(_)) = (opened.created, &path, &mapped) {
        sys::remove_if_same_file(path, opened.file.file());
    }
    mapped
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

/// Up to this many bytes reading a file costs less than the system calls and page faults of a
/// mapping.
pub const SMALL: usize = 64 * 1024;

thread_local! {
    /// One byte more, which tells of a file that is larger than it was said to be.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SMALL + 1].into());
}

/// Reads a whole file of at most [`SMALL`] bytes. Nothing if it is larger, empty, no regular file
/// or can't be read, all of which [`open`] says better.
///
/// Four system calls, each of which costs as much as copying some KiB: the size is that of the
/// path, and reading finds out whether the file that was opened has it too.
#[must_use]
pub fn read_small<T>(path: &Path, take: impl FnOnce(&[u8]) -> T) -> Option<T> {
    // As in `open_path`: opening wakes who waits at the other end of a FIFO.
    let status = sys::stat(path).ok()?;
    let size = usize::try_from(status.size).ok()?;
    if status.kind != Kind::Regular || size == 0 || size > SMALL {
        return None;
    }
    let fd = sys::open(path, OpenMode::Read).ok()?;
    SCRATCH.with_borrow_mut(|scratch| {
        let target = &mut scratch[..=size];
        let mut done = sys::read_at(sys::raw(&fd), target, 0).ok()?;
        // It is shorter than it was, or one of those that the kernel makes up and guesses the
        // size of.
        while done < size {
            match sys::read_at(sys::raw(&fd), &mut target[done..], done as u64).ok()? {
                0 => break,
                count => done += count,
            }
        }
        (done <= size).then(|| take(&target[..done]))
    })
}

/// Maps memory without a file. The description's length counts.
pub fn anonymous(memory: &Anonymous, populate: bool, description: Description) -> Result<Mapping> {
    let id = registry::next_id();
    let description = Description {
        mode: Mode::ReadWrite.letters(),
        length: memory.length as u64,
        ..description
    };
    let region = if memory.length == 0 && memory.room == 0 {
        None
    } else {
        handler::install_guard()?;
        Some(Arc::new(Region::anonymous(memory, id)?))
    };
    let mapping = Mapping::new(Parts {
        id,
        description,
        region,
        file: None,
        options: RegionOptions {
            no_reserve: memory.no_reserve,
            abort: memory.abort,
            huge: memory.huge,
            transparent_huge: memory.transparent_huge,
            advice: None,
        },
        mode: Mode::ReadWrite,
        is_strict: false,
        offset: 0,
        length: memory.length as u64,
        wanted: None,
        size: 0,
    });
    if memory.transparent_huge {
        advise_all(&mapping, advice::advice("hugepage")?)?;
    }
    if populate {
        populate::populate_all(&mapping)?;
    }
    Ok(mapping)
}

struct Opened {
    file: Arc<SharedFile>,
    kind: Kind,
    size: u64,
    /// Whether it was made just now; none where that can't be told.
    created: Option<bool>,
}

fn open_path(path: &Path, mode: Mode, length_is_given: bool) -> Result<Opened> {
    // Wait for nothing and wake nothing: look before opening.
    if let Ok(status) = sys::stat(path) {
        if mode == Mode::CreateNew {
            return Err(Error::system(sys::EEXIST, "open"));
        }
        mappable::check(status.kind, length_is_given, None)?;
    }
    let (fd, created) = match mode {
        Mode::Read | Mode::CopyOnWrite => (sys::open(path, OpenMode::Read)?, Some(false)),
        Mode::ReadWrite => (
            sys::open(path, OpenMode::ReadWrite).map_err(explain_open)?,
            Some(false),
        ),
        Mode::CreateNew => (sys::open(path, OpenMode::CreateNew)?, Some(true)),
        Mode::Write => open_or_create(path)?,
    };
    let opened = finish_opening(
        fd,
        mode != Mode::Read && mode != Mode::CopyOnWrite,
        created,
        length_is_given,
    )?;
    if created != Some(false) {
        opened.file.note_created(path);
    }
    Ok(opened)
}

/// Knowing whether the file is new lets a failure undo its creation.
fn open_or_create(path: &Path) -> Result<(Handle, Option<bool>)> {
    match sys::open(path, OpenMode::ReadWrite) {
        Ok(fd) => return Ok((fd, Some(false))),
        Err(error) if error.errno() == Some(sys::ENOENT) => {}
        Err(error) => return Err(explain_open(error)),
    }
    match sys::open(path, OpenMode::CreateNew) {
        Ok(fd) => Ok((fd, Some(true))),
        // A symbolic link to nothing, or somebody was faster: whose file it is can't be told.
        Err(error) if error.errno() == Some(sys::EEXIST) => {
            Ok((sys::open(path, OpenMode::Create)?, None))
        }
        Err(error) => Err(error.into()),
    }
}

fn explain_open(error: SysError) -> Error {
    let error = Error::from(error);
    match error.errno() {
        Some(sys::ETXTBSY) => error.because("the file is a program that is running"),
        Some(sys::EPERM) => error.because("the file is immutable or append-only"),
        _ => error,
    }
}

fn open_descriptor(fd: Handle, mode: Mode, length_is_given: bool) -> Result<Opened> {
    let (reads, writes) = sys::access_of(sys::raw(&fd))?;
    let status = sys::fstat(sys::raw(&fd))?;
    // The kind first: a pipe's writing end is a pipe before it is write-only.
    check_kind(&fd, &status, length_is_given)?;
    if !reads {
        return Err(Error::system(sys::EACCES, "mmap")
            .because("the descriptor was opened for writing only; a mapping has to read too"));
    }
    if mode.writes_file() && !writes {
        return Err(Error::system(sys::EACCES, "mmap").because(format!(
            "the descriptor was opened for reading only; mode '{}' needs it opened with 'r+'",
            mode.letters()
        )));
    }
    if mode == Mode::CreateNew {
        return Err(Error::rule(
            "ERR_INVALID_ARG_VALUE",
            "Mode 'wx+' creates a file, so it takes a path and not a descriptor",
        ));
    }
    finish_opening(fd, writes, Some(false), length_is_given)
}

fn check_kind(fd: &Handle, status: &Status, length_is_given: bool) -> Result<()> {
    let described = match status.kind {
        Kind::KernelObject => sys::kernel_name(sys::raw(fd)),
        _ => None,
    };
    mappable::check(status.kind, length_is_given, described.as_deref())
}

fn finish_opening(
    fd: Handle,
    writable: bool,
    created: Option<bool>,
    length_is_given: bool,
) -> Result<Opened> {
    let status = sys::fstat(sys::raw(&fd))?;
    check_kind(&fd, &status, length_is_given)?;
    let size = match status.kind {
        Kind::BlockDevice => sys::device_size(sys::raw(&fd))?,
        // It has no end.
        Kind::ZeroDevice => u64::MAX >> 1,
        _ => status.size,
    };
    let file = SharedFile::share(fd, &status, writable);
    Ok(Opened {
        file,
        kind: status.kind,
        size,
        created,
    })
}

/// Makes the file as large as was asked; its size afterwards.
fn prepare_size(
    opened: &Opened,
    mode: Mode,
    wanted: Option<u64>,
    offset: u64,
    length: Option<u64>,
) -> Result<u64> {
    let Opened {
        ref file,
        kind,
        size,
        ..
    } = *opened;
    if kind != Kind::Regular && (mode == Mode::Write || wanted.is_some()) {
        let name = kind.name();
        let message = format!(
            "A {name} has the size that it has, and is never emptied: map it with mode 'r+' and \
             without 'size'"
        );
        return Err(Error::not_mappable(name, message));
    }
    let after = match mode {
        Mode::Write | Mode::CreateNew => wanted.unwrap_or(0),
        Mode::ReadWrite => wanted.unwrap_or(size).max(size),
        Mode::Read | Mode::CopyOnWrite => size,
    };
    // A range that can't be is refused before the file is touched.
    resolve_length(offset, length, after)?;
    match mode {
        Mode::Write => allocate::overwrite_with_zeros(file, size, after)?,
        Mode::CreateNew | Mode::ReadWrite => allocate::grow(file, size, wanted.unwrap_or(0))?,
        Mode::Read | Mode::CopyOnWrite => {}
    }
    Ok(after)
}

fn resolve_length(offset: u64, length: Option<u64>, size: u64) -> Result<u64> {
    let rest = size
        .checked_sub(offset)
        .ok_or_else(|| Error::out_of_range("the file", offset, length.unwrap_or(0), size))?;
    match length {
        None => Ok(rest),
        Some(length) if length <= rest => Ok(length),
        Some(length) => Err(Error::out_of_range("the file", offset, length, size)),
    }
}

/// An empty file maps as nothing; a file that only looks empty does not.
fn check_mappable_at_all(file: &SharedFile) -> Result<()> {
    if sys::file_system(file.fd()).is_ok_and(|fs| fs.is_virtual) {
        return mappable::check(Kind::Virtual, false, None);
    }
    match sys::probe_mappable(file.fd()) {
        Err(error) if matches!(error.errno(), Some(sys::ENODEV | sys::EIO)) => {
            mappable::check(Kind::Virtual, false, None)
        }
        result => Ok(result?),
    }
}

/// What the numbers mean for a file that was opened, has the right kind and the right size.
fn explain(error: Error, file: &SharedFile, access: PageAccess) -> Error {
    let is_virtual = sys::file_system(file.fd()).is_ok_and(|fs| fs.is_virtual);
    match error.errno() {
        Some(sys::ENODEV | sys::EIO | sys::EACCES | sys::EPERM) if is_virtual => {
            mappable::check(Kind::Virtual, false, None)
                .err()
                .unwrap_or(error)
        }
        Some(sys::ENODEV) if access != PageAccess::CopyOnWrite => Error::not_mappable(
            Kind::Regular.name(),
            "The file system does not let the file be shared (FUSE with direct I/O, for \
             instance): map it with mode 'r' or 'c'",
        ),
        Some(sys::ENODEV) => Error::not_mappable(
            Kind::Regular.name(),
            "The file system does not support mapping: read the file with fs instead",
        ),
        Some(sys::EINVAL) if access == PageAccess::CopyOnWrite => Error::not_mappable(
            Kind::Regular.name(),
            "The file can't be mapped privately (secret memory, for instance): map it with mode \
             'r+', or 'r' with 'strict'",
        ),
        Some(sys::EACCES) if access != PageAccess::CopyOnWrite => error.because(
            "an append-only file can't be shared; mode 'r' without 'strict', and 'c', can map it",
        ),
        Some(sys::EPERM) if sys::is_sealed_against_writing(file.fd()) => {
            error.because("the memory file is sealed against writing; map it with mode 'r' or 'c'")
        }
        _ => error,
    }
}
