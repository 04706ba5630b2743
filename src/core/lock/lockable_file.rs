//! Files that can be locked, and the open file descriptions that own their locks.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use super::super::error::{Error, Result};
use super::super::file::shared_file::SharedFile;
use super::super::sys::file_kind::Kind;
use super::super::sys::{self, Access, LockMode};
use super::{Span, error};
use crate::core::poison::IgnorePoison;

/// Device and inode: what a lock sits on, whatever its name is.
pub(super) type FileId = (u64, u64);

/// Which of the system's locks a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Over ranges of bytes: of an open file description, or of a handle.
    Range,
    /// `flock`, for whole files.
    Whole,
}

impl Method {
    /// The name that JavaScript sees.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Range => sys::RANGE_LOCKS,
            Self::Whole => "flock",
        }
    }
}

/// An open file description of our own. Closing it releases its lock.
#[derive(Debug)]
pub(super) struct Description {
    fd: sys::Handle,
    pub(super) file: FileId,
    pub(super) access: Access,
    /// 0: not known yet; 1: ranges; 2: the whole file.
    method: AtomicU8,
    /// Held for as long as its lock is changed, where that takes several steps.
    changing: Mutex<()>,
}

impl Description {
    fn new(fd: sys::Handle, access: Access) -> Result<Self> {
        let status = sys::fstat(sys::raw(&fd))?;
        Ok(Self {
            fd,
            file: (status.device, status.inode),
            access,
            method: AtomicU8::new(0),
            changing: Mutex::new(()),
        })
    }

    pub(super) fn method(&self) -> Method {
        match self.method.load(Ordering::Relaxed) {
            2 => Method::Whole,
            _ => Method::Range,
        }
    }

    /// The steps of one thread are not to be mixed with those of another.
    fn alone(&self) -> Option<MutexGuard<'_, ()>> {
        (!sys::CHANGES_LOCKS_AT_ONCE).then(|| self.changing.lock().ignore_poison())
    }

    /// Sets, changes or removes the lock; false if another one is in the way.
    pub(super) fn lock(&self, mode: Option<LockMode>, span: Span, wait: bool) -> Result<bool> {
        let fd = sys::raw(&self.fd);
        if self.method() == Method::Whole {
            return self.lock_whole(mode, span, wait);
        }
        let _alone = self.alone();
        match sys::lock_range(fd, mode, span.start, span.length, wait) {
            Err(error) if sys::is_lock_refused(&error) => {
                if span != Span::WHOLE {
                    return Err(error::whole_only(fd));
                }
                self.method.store(2, Ordering::Relaxed);
                self.lock_whole(mode, span, wait)
            }
            result => Ok(result?),
        }
    }

    /// As on a file system without locks over ranges.
    #[cfg(test)]
    pub(super) fn use_whole(&self) {
        self.method.store(2, Ordering::Relaxed);
    }

    fn lock_whole(&self, mode: Option<LockMode>, span: Span, wait: bool) -> Result<bool> {
        let fd = sys::raw(&self.fd);
        if span != Span::WHOLE {
            return Err(error::whole_only(fd));
        }
        sys::lock_whole(fd, mode, wait).map_err(|error| {
            if sys::is_lock_refused(&error) {
                error::no_locks(fd, &error.into())
            } else {
                error.into()
            }
        })
    }

    /// Whether no lock of another description is in the way; false where that can't be asked.
    pub(super) fn is_to_be_had(&self, mode: LockMode, span: Span) -> bool {
        let fd = sys::raw(&self.fd);
        self.method() == Method::Range
            && matches!(sys::test_range(fd, mode, span.start, span.length), Ok(None))
    }

    /// Removes the lock. Where that fails, closing will do it.
    pub(super) fn let_go(&self, span: Span) {
        let _ = self.lock(None, span, false);
    }

    /// Whether a lock of the one would do in the place of a lock of the other.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.file == other.file && self.access == other.access && self.method() == other.method()
    }

    /// Changes the mode of the lock that it has, never without one in between.
    pub(super) fn change(&self, mode: LockMode, span: Span, wait: bool) -> Result<bool> {
        if self.method() == Method::Whole {
            return Err(error::cannot_change());
        }
        let _alone = self.alone();
        Ok(sys::lock_range(
            sys::raw(&self.fd),
            Some(mode),
            span.start,
            span.length,
            wait,
        )?)
    }
}

#[derive(Debug)]
enum Place {
    /// The file of a mapping, open as long as that is.
    Shared(Arc<SharedFile>),
    /// What a path names.
    Path { path: PathBuf, create: bool },
    /// A descriptor of somebody else, duplicated.
    Descriptor(sys::Handle),
}

/// A file that can be locked.
#[derive(Debug)]
pub struct Source {
    place: Place,
    name: Option<String>,
    /// A description without a lock, for the next one.
    spare: Mutex<Option<Description>>,
    /// Whether its last lock was one of the whole file by `flock`.
    is_whole: AtomicBool,
}

impl Source {
    fn new(place: Place, name: Option<String>) -> Arc<Self> {
        Arc::new(Self {
            place,
            name,
            spare: Mutex::new(None),
            is_whole: AtomicBool::new(false),
        })
    }

    /// Returns the file of a mapping, with the name that the user gave it. Anonymous memory has
    /// no file.
    pub fn of_mapping(file: Option<Arc<SharedFile>>, name: Option<&str>) -> Result<Arc<Self>> {
        let Some(file) = file else {
            return Err(Error::rule(
                "ERR_MEMMAP_UNSUPPORTED",
                "Anonymous memory has no file that could be locked: lock a file with fileLock()",
            ));
        };
        Ok(Self::new(Place::Shared(file), name.map(str::to_owned)))
    }

    /// What a path names at the time of each lock. It is created, empty, if that is asked for.
    #[must_use]
    pub fn of_path(path: String, create: bool) -> Arc<Self> {
        let place = Place::Path {
            path: PathBuf::from(&path),
            create,
        };
        Self::new(place, Some(path))
    }

    /// An open file; the descriptor is duplicated.
    pub fn of_descriptor(fd: i32) -> Result<Arc<Self>> {
        let fd = sys::duplicate(fd)?;
        check_kind(sys::fstat(sys::raw(&fd))?.kind)?;
        Ok(Self::new(Place::Descriptor(fd), None))
    }

    /// The file, as the user named it.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(super) fn note(&self, method: Method) {
        self.is_whole
            .store(method == Method::Whole, Ordering::Relaxed);
    }

    /// By which of the system's locks it was locked last.
    #[must_use]
    pub fn method(&self) -> Method {
        if self.is_whole.load(Ordering::Relaxed) {
            Method::Whole
        } else {
            Method::Range
        }
    }

    /// Opens a description for a lock of this mode.
    pub(super) fn describe(&self, mode: LockMode) -> Result<Description> {
        let spare = self.spare.lock().ignore_poison().take();
        if let Some(spare) = spare {
            return Ok(spare);
        }
        match &self.place {
            Place::Shared(file) => self.describe_again(file.fd()),
            Place::Descriptor(fd) => self.describe_again(sys::raw(fd)),
            Place::Path { path, create } => describe_path(path, *create, mode),
        }
    }

    fn describe_again(&self, fd: sys::RawHandle) -> Result<Description> {
        let path = self.name.as_deref().map(Path::new);
        Description::new(sys::reopen(fd, path)?, sys::lock_access(fd)?)
    }

    /// Keeps a description without a lock for the next one, if nobody else uses it.
    pub(super) fn put_back(&self, description: Arc<Description>) {
        // A path may lead elsewhere the next time.
        if matches!(self.place, Place::Path { .. }) {
            return;
        }
        if let Ok(description) = Arc::try_unwrap(description) {
            let mut spare = self.spare.lock().ignore_poison();
            spare.get_or_insert(description);
        }
    }

    /// Whether the file that was locked still is the one at the path.
    pub(super) fn leads_to(&self, description: &Description) -> Result<bool> {
        let Place::Path { path, .. } = &self.place else {
            return Ok(true);
        };
        Ok(sys::leads_to(path, sys::raw(&description.fd))?)
    }

    /// Device and inode, where that can be told.
    pub(super) fn identity(&self) -> Option<FileId> {
        let status = match &self.place {
            Place::Shared(file) => sys::fstat(file.fd()),
            Place::Descriptor(fd) => sys::fstat(sys::raw(fd)),
            Place::Path { path, .. } => sys::stat(path),
        };
        status.ok().map(|status| (status.device, status.inode))
    }

    /// Looks at the file through any descriptor of it.
    pub(super) fn with_any_descriptor<T>(
        &self,
        look: impl FnOnce(sys::RawHandle) -> Result<T>,
    ) -> Result<T> {
        match &self.place {
            Place::Shared(file) => look(file.fd()),
            Place::Descriptor(fd) => look(sys::raw(fd)),
            Place::Path { path, .. } => {
                let description = describe_path(path, false, LockMode::Shared)?;
                look(sys::raw(&description.fd))
            }
        }
    }

    /// Runs something that locks; an error of it is explained and names the file.
    pub(super) fn explain<T>(&self, mode: LockMode, run: impl FnOnce() -> Result<T>) -> Result<T> {
        run().map_err(|error| error::explain(error, mode).at(self.name()))
    }
}

/// Opens for writing where that is allowed, so that a shared lock can become an exclusive one.
fn describe_path(path: &Path, create: bool, mode: LockMode) -> Result<Description> {
    // Opening a device or a FIFO has effects: look first.
    if let Ok(status) = sys::stat(path) {
        check_kind(status.kind)?;
    }
    let opened = match sys::open_to_lock(path, Access::FULL, create) {
        Ok(fd) => Ok((fd, Access::FULL)),
        Err(error) => {
            let refused = [sys::EACCES, sys::EPERM, sys::EROFS, sys::ETXTBSY];
            let access = Access {
                reads: mode == LockMode::Shared,
                writes: mode == LockMode::Exclusive,
            };
            if error.errno().is_some_and(|errno| refused.contains(&errno)) {
                sys::open_to_lock(path, access, create)
                    .map(|fd| (fd, access))
                    .map_err(|_| explain_refusal(error.into(), mode))
            } else {
                Err(error.into())
            }
        }
    };
    let (fd, access) = opened?;
    check_kind(sys::fstat(sys::raw(&fd))?.kind)?;
    Description::new(fd, access)
}

fn explain_refusal(error: Error, mode: LockMode) -> Error {
    match mode {
        LockMode::Exclusive => {
            error.because("an exclusive lock needs to open the file for writing")
        }
        LockMode::Shared => error.because("a shared lock needs to open the file for reading"),
    }
}

fn check_kind(kind: Kind) -> Result<()> {
    if matches!(kind, Kind::Regular | Kind::BlockDevice) {
        return Ok(());
    }
    let name = kind.name();
    Err(Error::rule(
        "ERR_MEMMAP_UNSUPPORTED",
        format!("A {name} can't be locked: lock a file, which 'create: true' makes if need be"),
    ))
}
