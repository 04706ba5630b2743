//! Files that can be locked.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::description::{Description, FileId, LockMethod};
use super::error;
use crate::core::error::{Error, Result};
use crate::core::file::shared_file::SharedFile;
use crate::core::poison::IgnorePoison;
use crate::core::sys::file_kind::Kind;
use crate::core::sys::{self, Access, LockMode};

#[derive(Debug)]
enum Origin {
    /// The file of a mapping, which stays open as long as the mapping.
    Mapping(Arc<SharedFile>),
    /// The file that has a path at the time of each lock.
    Path { path: PathBuf, create: bool },
    /// A duplicate of a descriptor that the caller owns.
    Descriptor(sys::Handle),
}

/// A file that can be locked.
#[derive(Debug)]
pub struct LockableFile {
    origin: Origin,
    name: Option<String>,
    /// A description without a lock, kept for the next lock.
    spare: Mutex<Option<Description>>,
    /// Whether the last lock was one of the whole file by `flock`.
    is_whole: AtomicBool,
}

impl LockableFile {
    fn new(origin: Origin, name: Option<String>) -> Arc<Self> {
        Arc::new(Self {
            origin,
            name,
            spare: Mutex::new(None),
            is_whole: AtomicBool::new(false),
        })
    }

    /// Makes one of the file of a mapping, with the name that the user gave it. Fails with
    /// `ERR_MEMMAP_UNSUPPORTED` for anonymous memory, which has no file.
    pub fn of_mapping(file: Option<Arc<SharedFile>>, name: Option<&str>) -> Result<Arc<Self>> {
        let Some(file) = file else {
            return Err(Error::rule(
                "ERR_MEMMAP_UNSUPPORTED",
                "Anonymous memory has no file that could be locked: lock a file with fileLock()",
            ));
        };
        Ok(Self::new(Origin::Mapping(file), name.map(str::to_owned)))
    }

    /// Makes one of a path: each lock is on the file that has the path at that time. With `create`
    /// a missing file is created, empty.
    #[must_use]
    pub fn of_path(path: String, create: bool) -> Arc<Self> {
        let origin = Origin::Path {
            path: PathBuf::from(&path),
            create,
        };
        Self::new(origin, Some(path))
    }

    /// Makes one of an open file. The descriptor is duplicated.
    pub fn of_descriptor(fd: i32) -> Result<Arc<Self>> {
        let fd = sys::duplicate(fd)?;
        check_kind(sys::fstat(sys::raw(&fd))?.kind)?;
        Ok(Self::new(Origin::Descriptor(fd), None))
    }

    /// Returns the name that the user gave the file.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(super) fn note_method(&self, method: LockMethod) {
        self.is_whole
            .store(method == LockMethod::Whole, Ordering::Relaxed);
    }

    /// Returns the kind of the system's locks that the last lock was of.
    #[must_use]
    pub fn method(&self) -> LockMethod {
        if self.is_whole.load(Ordering::Relaxed) {
            LockMethod::Whole
        } else {
            LockMethod::Range
        }
    }

    /// Returns a description without a lock, for a lock of this mode.
    pub(super) fn open_description(&self, mode: LockMode) -> Result<Description> {
        let spare = self.spare.lock().ignore_poison().take();
        if let Some(spare) = spare {
            return Ok(spare);
        }
        match &self.origin {
            Origin::Mapping(file) => self.reopen(file.fd()),
            Origin::Descriptor(fd) => self.reopen(sys::raw(fd)),
            Origin::Path { path, create } => open_path(path, *create, mode),
        }
    }

    fn reopen(&self, fd: sys::RawHandle) -> Result<Description> {
        let path = self.name.as_deref().map(Path::new);
        Description::new(sys::reopen(fd, path)?, sys::lock_access(fd)?)
    }

    /// Keeps a description without a lock for the next lock, if nothing else uses it.
    pub(super) fn put_back(&self, description: Arc<Description>) {
        // The path may name another file at the next lock.
        if matches!(self.origin, Origin::Path { .. }) {
            return;
        }
        if let Ok(description) = Arc::try_unwrap(description) {
            let mut spare = self.spare.lock().ignore_poison();
            spare.get_or_insert(description);
        }
    }

    /// Reports whether the path still names the file that was locked. True for files that are not
    /// locked by path.
    pub(super) fn still_names(&self, description: &Description) -> Result<bool> {
        let Origin::Path { path, .. } = &self.origin else {
            return Ok(true);
        };
        Ok(sys::path_leads_to(path, description.fd())?)
    }

    /// Returns device and inode, where they can be found out.
    pub(super) fn file_id(&self) -> Option<FileId> {
        let status = match &self.origin {
            Origin::Mapping(file) => sys::fstat(file.fd()),
            Origin::Descriptor(fd) => sys::fstat(sys::raw(fd)),
            Origin::Path { path, .. } => sys::stat(path),
        };
        status.ok().map(|status| (status.device, status.inode))
    }

    /// Calls a function with any descriptor of the file, for calls that set no lock.
    pub(super) fn with_any_descriptor<T>(
        &self,
        look: impl FnOnce(sys::RawHandle) -> Result<T>,
    ) -> Result<T> {
        match &self.origin {
            Origin::Mapping(file) => look(file.fd()),
            Origin::Descriptor(fd) => look(sys::raw(fd)),
            Origin::Path { path, .. } => look(open_path(path, false, LockMode::Shared)?.fd()),
        }
    }

    /// Runs a function that locks. Explains its error and adds the name of the file.
    pub(super) fn explain_errors<T>(
        &self,
        mode: LockMode,
        run: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        run().map_err(|error| error::explain(error, mode).at(self.name()))
    }
}

/// Opens a path for reading and writing where that is allowed, so that a shared lock can become
/// exclusive later; otherwise for the access that the mode needs.
fn open_path(path: &Path, create: bool, mode: LockMode) -> Result<Description> {
    // Opening a device or a FIFO can have effects, so its kind is checked first.
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
    // Another file may have taken the path since.
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
        format!(
            "A {name} cannot be locked: lock a regular file instead; the option 'create: true' creates one"
        ),
    ))
}
