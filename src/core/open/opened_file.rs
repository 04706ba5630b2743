//! Opening a file and giving it its size, before it is mapped.

use std::path::Path;
use std::sync::Arc;

use super::mappable;
use crate::core::error::{Error, Result};
use crate::core::file::allocate;
use crate::core::file::shared_file::SharedFile;
use crate::core::mapping::mode::Mode;
use crate::core::sys::file_kind::Kind;
use crate::core::sys::{self, Handle, OpenMode, Status, SysError};

/// A file that was opened for mapping.
pub struct OpenedFile {
    /// The file.
    pub file: Arc<SharedFile>,
    /// The kind of the file.
    pub kind: Kind,
    /// The size at opening, in bytes.
    size: u64,
    /// Whether this call created the file; `None` where that cannot be known.
    created: Option<bool>,
}

impl OpenedFile {
    /// Opens a path as the mode requires. Checks the kind before opening, because opening a device
    /// or a FIFO has effects.
    pub fn from_path(path: &Path, mode: Mode, length_is_given: bool) -> Result<Self> {
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
        let opened = Self::new(
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

    /// Takes over a descriptor, after checking that its kind and its access suit the mode.
    pub fn from_descriptor(fd: Handle, mode: Mode, length_is_given: bool) -> Result<Self> {
        let (reads, writes) = sys::access_of(sys::raw(&fd))?;
        let status = sys::fstat(sys::raw(&fd))?;
        // The kind is checked before the access: for the writing end of a pipe, "a pipe" is the more
        // useful error than "opened for writing only".
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
        Self::new(fd, writes, Some(false), length_is_given)
    }

    /// Checks the kind again on the open descriptor, since another file can have taken the path
    /// meanwhile, and reads the size.
    fn new(
        fd: Handle,
        writable: bool,
        created: Option<bool>,
        length_is_given: bool,
    ) -> Result<Self> {
        let status = sys::fstat(sys::raw(&fd))?;
        check_kind(&fd, &status, length_is_given)?;
        let size = match status.kind {
            Kind::BlockDevice => sys::device_size(sys::raw(&fd))?,
            // The zero device has no end.
            Kind::ZeroDevice => u64::MAX >> 1,
            _ => status.size,
        };
        let file = SharedFile::share(fd, &status, writable);
        Ok(Self {
            file,
            kind: status.kind,
            size,
            created,
        })
    }

    /// Gives the file the size `wanted`, as far as the mode allows it. Returns the size afterwards.
    pub fn prepare_size(
        &self,
        mode: Mode,
        wanted: Option<u64>,
        offset: u64,
        length: Option<u64>,
    ) -> Result<u64> {
        let &Self {
            ref file,
            kind,
            size,
            ..
        } = self;
        if kind != Kind::Regular && (mode == Mode::Write || wanted.is_some()) {
            let name = kind.name();
            let message = format!(
                "The size of a {name} can't be changed: map it with mode 'r+' and without 'size'"
            );
            return Err(Error::not_mappable(name, message));
        }
        let after = match mode {
            Mode::Write | Mode::CreateNew => wanted.unwrap_or(0),
            Mode::ReadWrite => wanted.unwrap_or(size).max(size),
            Mode::Read | Mode::CopyOnWrite => size,
        };
        // An impossible range is refused before the file is changed.
        resolve_length(offset, length, after)?;
        match mode {
            Mode::Write => allocate::overwrite_with_zeros(file, size, after)?,
            Mode::CreateNew | Mode::ReadWrite => allocate::grow(file, size, wanted.unwrap_or(0))?,
            Mode::Read | Mode::CopyOnWrite => {}
        }
        Ok(after)
    }

    /// Refuses to reserve address space for a file that cannot grow.
    pub fn check_reserve(&self, reserve: u64) -> Result<()> {
        if self.kind != Kind::Regular && reserve > 0 {
            let name = self.kind.name();
            let message = format!("A {name} never grows: map it without 'reserve'");
            return Err(Error::not_mappable(name, message));
        }
        Ok(())
    }

    /// Checks that a file without bytes can be mapped. An empty file becomes an empty mapping; a
    /// virtual file also reports the size 0, but has contents that cannot be mapped.
    pub fn check_empty(&self) -> Result<()> {
        let fd = self.file.fd();
        if sys::file_system(fd).is_ok_and(|fs| fs.is_virtual) {
            return mappable::check(Kind::Virtual, false, None);
        }
        match sys::probe_mappable(fd) {
            Err(error) if matches!(error.errno(), Some(sys::ENODEV | sys::EIO)) => {
                mappable::check(Kind::Virtual, false, None)
            }
            result => Ok(result?),
        }
    }

    /// Removes the file if this call created it and `path` still leads to it.
    pub fn remove_if_created(&self, path: &Path) {
        if self.created == Some(true) {
            sys::remove_if_same_file(path, self.file.file());
        }
    }
}

/// Opens a file for writing, or creates it. Also returns whether the file is new, so that its
/// creation can be undone on failure.
fn open_or_create(path: &Path) -> Result<(Handle, Option<bool>)> {
    match sys::open(path, OpenMode::ReadWrite) {
        Ok(fd) => return Ok((fd, Some(false))),
        Err(error) if error.errno() == Some(sys::ENOENT) => {}
        Err(error) => return Err(explain_open(error)),
    }
    match sys::open(path, OpenMode::CreateNew) {
        Ok(fd) => Ok((fd, Some(true))),
        // The path is a symbolic link to a missing file, or another process has just created the
        // file. So it is unknown whether this call creates it.
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

fn check_kind(fd: &Handle, status: &Status, length_is_given: bool) -> Result<()> {
    let described = match status.kind {
        Kind::KernelObject => sys::kernel_name(sys::raw(fd)),
        _ => None,
    };
    mappable::check(status.kind, length_is_given, described.as_deref())
}

/// Returns the length of a mapping at `offset` in a file of `size` bytes.
pub fn resolve_length(offset: u64, length: Option<u64>, size: u64) -> Result<u64> {
    let rest = size
        .checked_sub(offset)
        .ok_or_else(|| Error::out_of_range("the file", offset, length.unwrap_or(0), size))?;
    match length {
        None => Ok(rest),
        Some(length) if length <= rest => Ok(length),
        Some(length) => Err(Error::out_of_range("the file", offset, length, size)),
    }
}
