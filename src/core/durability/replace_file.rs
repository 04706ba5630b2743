//! Atomic replacement of a file by a new file, which takes its name.
//!
//! At any moment, also after a crash, the name refers either to the complete old file or to the
//! complete new file. `rename(2)` replaces a name atomically, and the new file is durable before
//! the rename. <https://man7.org/linux/man-pages/man2/rename.2.html>

use std::collections::hash_map::RandomState;
use std::fs::{File, Metadata};
use std::hash::{BuildHasher, Hasher};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::core::error::{Error, Result};
use crate::core::file::flush_level::Achieved;
use crate::core::sys::file_kind::Kind;
use crate::core::sys::{self, Reached};

/// The maximum number of symbolic links to follow, which is the same as on Linux.
const MAX_LINKS: u32 = 40;
/// The maximum number of names to try for the new file.
const MAX_NAMES: u32 = 100;

/// A new file that will replace another file, or be the first at its path. It is removed on drop
/// unless it was committed.
#[derive(Debug)]
pub struct Replacement {
    /// The path, as the user gave it.
    name: String,
    target: PathBuf,
    temporary: PathBuf,
    /// Open until the replacement is committed or abandoned. None after that.
    file: Option<File>,
    descriptor: Option<i32>,
    /// The metadata of the old file at the beginning, if it existed.
    old: Option<Metadata>,
    permissions: Option<u32>,
    is_temporary: bool,
}

impl Replacement {
    /// Creates an empty file in the directory of the file that `path` refers to.
    pub fn begin(path: &Path, permissions: Option<u32>) -> Result<Self> {
        let name = path.to_string_lossy().into_owned();
        Self::make(path, permissions, name.clone()).map_err(|error| error.at(Some(&name)))
    }

    fn make(path: &Path, permissions: Option<u32>, name: String) -> Result<Self> {
        let target = follow(path)?;
        let old = existing(&target)?;
        let (temporary, file) = make_beside(&target, old.is_some() || permissions.is_some())?;
        Ok(Self {
            name,
            target,
            temporary,
            descriptor: None,
            file: Some(file),
            old,
            permissions,
            is_temporary: true,
        })
    }

    /// Returns the descriptor with which JavaScript writes to the new file. It is open until the
    /// replacement is committed or abandoned.
    pub fn descriptor(&mut self) -> Result<i32> {
        if let Some(known) = self.descriptor {
            return Ok(known);
        }
        let made = sys::descriptor_of(self.file()?)?;
        self.descriptor = Some(made);
        Ok(made)
    }

    fn file(&self) -> Result<&File> {
        let closed = || Error::system(sys::EBADF, "rename");
        self.file.as_ref().ok_or_else(closed)
    }

    /// Replaces the old file by the new one. Afterwards the file and its name are durable. After an
    /// error nothing has changed, unless the error says otherwise.
    pub fn commit(&mut self) -> Result<Achieved> {
        let result = self.replace();
        self.abandon();
        result.map_err(|error| error.at(Some(&self.name)))
    }

    fn replace(&mut self) -> Result<Achieved> {
        // The directory is opened before anything changes, because it must be flushed at the end.
        let file = self.file()?;
        let directory = self.target.parent().unwrap_or(Path::new("/"));
        let directory = sys::open_directory(directory).map_err(|error| {
            error.because("its directory cannot be opened, which is needed to flush it")
        })?;
        // The owner of the old file may have changed since the beginning.
        let now = existing(&self.target)?;
        if let Some(old) = now.as_ref().or(self.old.as_ref()) {
            sys::copy_owner(file, old).map_err(|error| {
                error.because("the new file cannot be given the owner and the group of the old one")
            })?;
            sys::set_permissions(file, sys::permissions_of(old))?;
        }
        if let Some(permissions) = self.permissions {
            sys::set_permissions(file, permissions)?;
        }
        let reached = sys::sync_all(sys::raw(file))?;
        let is_volatile = sys::file_system(sys::raw(file)).is_ok_and(|fs| fs.is_volatile);
        sys::rename(file, &self.temporary, &self.target)?;
        self.is_temporary = false;
        let reached = reached.min(sys::sync_open_directory(&directory).map_err(|error| {
            error.because("the file was replaced, but a power failure may still undo that")
        })?);
        if is_volatile {
            return Ok(Achieved::Volatile);
        }
        Ok(match reached {
            Reached::Media => Achieved::All,
            Reached::Barrier => Achieved::Barrier,
            Reached::Drive => Achieved::Fsync,
        })
    }

    /// Closes the new file, and removes it unless it was renamed already.
    pub fn abandon(&mut self) {
        if let Some(descriptor) = self.descriptor.take() {
            sys::close_descriptor(descriptor);
        }
        let Some(file) = self.file.take() else {
            return;
        };
        let must_remove =
            std::mem::take(&mut self.is_temporary) && sys::is_same_file(&self.temporary, &file);
        drop(file);
        if must_remove {
            // A file that cannot be removed stays, as after a crash.
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        self.abandon();
    }
}

/// Makes the names in a directory durable.
pub fn sync_directory(path: &Path) -> Result<()> {
    sys::sync_directory(path)
        .map(|_| ())
        .map_err(|error| Error::from(error).at(Some(&path.to_string_lossy())))
}

/// Resolves symbolic links at the end of a path, so that a link stays and refers to the new file.
/// The file need not exist.
fn follow(path: &Path) -> Result<PathBuf> {
    // The path is made absolute, because the working directory may change before the new file is
    // written.
    let mut path = std::path::absolute(path).map_err(|_| Error::system(sys::ENOENT, "open"))?;
    for _ in 0..MAX_LINKS {
        match std::fs::read_link(&path) {
            Ok(link) => path = path.parent().unwrap_or(Path::new("/")).join(link),
            Err(error) if matches!(sys::errno_of(&error), sys::EINVAL | sys::ENOENT) => {
                return Ok(path);
            }
            Err(error) => return Err(Error::from_io(&error, "readlink")),
        }
    }
    Err(Error::system(sys::ELOOP, "readlink"))
}

/// Returns the metadata of the file at the path, or nothing if none exists. Fails if it is not a
/// regular file.
fn existing(target: &Path) -> Result<Option<Metadata>> {
    let metadata = match std::fs::symlink_metadata(target) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::from_io(&error, "lstat")),
    };
    if metadata.is_file() {
        return Ok(Some(metadata));
    }
    let name = if metadata.is_symlink() {
        // Links were resolved before, so this link was created since.
        Kind::SymbolicLink.name()
    } else {
        sys::stat(target)?.kind.name()
    };
    Err(Error::not_mappable(
        name,
        format!("A {name} cannot be replaced by a file: only a regular file can"),
    ))
}

fn make_beside(target: &Path, is_private: bool) -> Result<(PathBuf, File)> {
    for _ in 0..MAX_NAMES {
        // The keys of a hasher are random. Only that is needed here.
        let random = RandomState::new().build_hasher().finish();
        let temporary = sys::temporary_path(target, random);
        match sys::create_new(&temporary, is_private) {
            Ok(file) => return Ok((temporary, file)),
            Err(error) if error.errno() == Some(sys::EEXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::system(sys::EEXIST, "open"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;
    #[cfg(unix)]
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn replace(path: &Path, text: &str) -> Result<Achieved> {
        let mut replacement = Replacement::begin(path, None)?;
        let file = replacement.file.as_mut().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        replacement.commit()
    }

    #[test]
    fn the_new_file_gets_the_name_and_the_permissions_of_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        replace(&path, "one").unwrap();
        #[cfg(unix)]
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        // Wine does not replace a file that is open.
        let open = (!cfg!(windows)).then(|| File::open(&path).unwrap());
        replace(&path, "two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        if let Some(open) = open {
            assert_eq!(std::io::read_to_string(open).unwrap(), "one");
        }
        #[cfg(unix)]
        assert_eq!(sys::permissions_of(&fs::metadata(&path).unwrap()), 0o640);
        assert_eq!(names(dir.path()), ["file"]);
    }

    #[test]
    fn a_replacement_that_is_not_committed_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "old").unwrap();
        drop(Replacement::begin(&path, Some(0o600)).unwrap());
        assert_eq!(names(dir.path()), ["file"]);
        assert_eq!(fs::read(&path).unwrap(), b"old");
    }

    #[test]
    fn a_path_that_became_a_directory_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let mut replacement = Replacement::begin(&path, None).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(replacement.commit().is_err());
        // On Windows the name exists until the last handle is closed.
        drop(replacement);
        assert_eq!(names(dir.path()), ["file"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_to_a_file_that_need_not_exist() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("sub")).unwrap();
        symlink("sub/second", dir.path().join("first")).unwrap();
        symlink("../file", dir.path().join("sub/second")).unwrap();
        for text in ["one", "two"] {
            replace(&dir.path().join("first"), text).unwrap();
            assert_eq!(fs::read(dir.path().join("file")).unwrap(), text.as_bytes());
        }
        assert!(dir.path().join("first").is_symlink());
        symlink("loop", dir.path().join("loop")).unwrap();
        let error = replace(&dir.path().join("loop"), "x").unwrap_err();
        assert_eq!(error.errno(), Some(sys::ELOOP));
    }

    #[test]
    fn a_file_with_the_longest_name_can_be_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("n".repeat(255));
        replace(&path, "one").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }
}
