//! Replacing a file as a whole: a new file beside it takes its name, in one step.
//!
//! At any moment, a crash included, the name leads to the old file or to the new one, whole:
//! `rename(2)` replaces a name atomically, and the new file is durable before it gets it.
//! <https://man7.org/linux/man-pages/man2/rename.2.html>

use std::collections::hash_map::RandomState;
use std::fs::{File, Metadata};
use std::hash::{BuildHasher, Hasher};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::core::error::{Error, Result};
use crate::core::file::flush_level::Achieved;
use crate::core::sys::file_kind::Kind;
use crate::core::sys::{self, Reached};

/// As many symbolic links as Linux follows.
const MOST_LINKS: u32 = 40;
const MOST_NAMES: u32 = 100;

/// A file that is about to take the place of another, or of none. It goes when this does,
/// unless it was committed.
#[derive(Debug)]
pub struct Replacement {
    /// The path, as the user named it.
    name: String,
    target: PathBuf,
    temporary: PathBuf,
    /// Open until the end is known: Windows neither removes an open file nor replaces it.
    file: Option<File>,
    descriptor: Option<i32>,
    /// What was there at the beginning.
    old: Option<Metadata>,
    permissions: Option<u32>,
    is_temporary: bool,
}

impl Replacement {
    /// Makes an empty file beside the one that `path` leads to.
    pub fn begin(path: &Path, permissions: Option<u32>) -> Result<Self> {
        let name = path.to_string_lossy().into_owned();
        Self::make(path, permissions, name.clone()).map_err(|error| error.at(Some(&name)))
    }

    fn make(path: &Path, permissions: Option<u32>, name: String) -> Result<Self> {
        let target = follow(path)?;
        let old = look(&target)?;
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

    /// The descriptor by which JavaScript writes to the new file; open as long as this is.
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

    /// Puts the new file in the place of the old one: both the file and its name are durable
    /// then. On an error nothing has changed, except where the error says so.
    pub fn commit(&mut self) -> Result<Achieved> {
        let result = self.replace();
        self.abandon();
        result.map_err(|error| error.at(Some(&self.name)))
    }

    fn replace(&mut self) -> Result<Achieved> {
        // What can't be flushed afterwards is found out before anything is changed.
        let file = self.file()?;
        let directory = self.target.parent().unwrap_or(Path::new("/"));
        let directory = sys::open_directory(directory)
            .map_err(|error| error.because("its directory can't be opened, to be flushed"))?;
        // It may have changed hands since.
        let now = look(&self.target)?;
        if let Some(old) = now.as_ref().or(self.old.as_ref()) {
            sys::copy_owner(file, old).map_err(|error| {
                error.because("the new file can't be given the owner and the group of the old one")
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
            error.because("the file was replaced, but a loss of power may still undo that")
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

    /// Closes the new file, and removes it unless it has taken the place already.
    pub fn abandon(&mut self) {
        if let Some(descriptor) = self.descriptor.take() {
            sys::close_descriptor(descriptor);
        }
        let Some(file) = self.file.take() else {
            return;
        };
        let is_there =
            std::mem::take(&mut self.is_temporary) && sys::is_same_file(&self.temporary, &file);
        drop(file);
        if is_there {
            // What can't be removed is left over, as after a crash.
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

/// The path without symbolic links at its end: the link stays, and leads to the new file. The
/// file need not be there.
fn follow(path: &Path) -> Result<PathBuf> {
    // Absolute, for the working directory may change until the new file is written.
    let mut at = std::path::absolute(path).map_err(|_| Error::system(sys::ENOENT, "open"))?;
    for _ in 0..MOST_LINKS {
        match std::fs::read_link(&at) {
            Ok(link) => at = at.parent().unwrap_or(Path::new("/")).join(link),
            Err(error) if matches!(sys::errno_of(&error), sys::EINVAL | sys::ENOENT) => {
                return Ok(at);
            }
            Err(error) => return Err(Error::from_io(&error, "readlink")),
        }
    }
    Err(Error::system(sys::ELOOP, "readlink"))
}

/// What is there, if anything; only a regular file can be replaced.
fn look(target: &Path) -> Result<Option<Metadata>> {
    let metadata = match std::fs::symlink_metadata(target) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::from_io(&error, "lstat")),
    };
    if metadata.is_file() {
        return Ok(Some(metadata));
    }
    let name = if metadata.is_symlink() {
        // One that was put there just now.
        Kind::SymbolicLink.name()
    } else {
        sys::stat(target)?.kind.name()
    };
    Err(Error::not_mappable(
        name,
        format!("A {name} can't be replaced by a file, only another file can"),
    ))
}

fn make_beside(target: &Path, is_private: bool) -> Result<(PathBuf, File)> {
    for _ in 0..MOST_NAMES {
        // The keys of a hasher are random, which is all that is wanted of it.
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
    fn the_new_file_has_the_name_and_the_permissions_of_the_old_and_nothing_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        replace(&path, "one").unwrap();
        #[cfg(unix)]
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        // Wine gives the name of an open file to no other.
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
    fn what_is_not_committed_leaves_no_trace() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "old").unwrap();
        drop(Replacement::begin(&path, Some(0o600)).unwrap());
        assert_eq!(names(dir.path()), ["file"]);
        assert_eq!(fs::read(&path).unwrap(), b"old");
    }

    #[test]
    fn a_name_that_became_a_directory_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let mut replacement = Replacement::begin(&path, None).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(replacement.commit().is_err());
        // Where a name goes with the last open handle only.
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
    fn the_longest_name_can_be_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("n".repeat(255));
        replace(&path, "one").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }
}
