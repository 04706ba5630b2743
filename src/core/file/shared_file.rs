//! Open files, one descriptor each however often they are mapped.
//!
//! A mapping keeps its file open: the fault guard asks its size, a flush goes through the
//! descriptor that was open before the writes (the only one that is sure to hear of a failed
//! write-back). A hundred thousand mappings of one file must not need as many descriptors.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, Weak};

use crate::core::error::{Error, Result};
use crate::core::file::pending_flushes::PendingFlushes;
use crate::core::poison::IgnorePoison;
use crate::core::sys;
use crate::core::sys::file_kind::Kind;

/// Device, inode, whether it may be written.
type Key = (u64, u64, bool);

#[derive(Debug, Default)]
struct Open {
    files: HashMap<Key, Weak<SharedFile>>,
    inodes: HashMap<(u64, u64), Weak<Inode>>,
}

static OPEN: Mutex<Option<Open>> = Mutex::new(None);

/// What is known of a file, however often and in whichever way it is open.
#[derive(Debug, Default)]
struct Inode {
    /// The error number of the first flush that failed.
    damage: AtomicI32,
}

/// An open file that several mappings use.
#[derive(Debug)]
pub struct SharedFile {
    file: File,
    key: Key,
    page_size: usize,
    /// On a layered file system the same numbers can name the file of the layer below, with what
    /// it held before it was first written: each opening keeps its own descriptor.
    is_layered: bool,
    /// Opened for appending, it takes every write for its end.
    appends: bool,
    is_volatile: bool,
    inode: Arc<Inode>,
    flushes: Arc<PendingFlushes>,
    /// The directory in which a mapping of ours made the file, until its name is durable.
    created_in: Mutex<Option<PathBuf>>,
}

impl SharedFile {
    /// Takes over a descriptor, or closes it again where the same file is already open in the
    /// same way.
    #[must_use]
    pub fn share(fd: sys::Handle, status: &sys::Status, writable: bool) -> Arc<Self> {
        let key = (status.device, status.inode, writable);
        // Let go of after the lock, which the end of a file takes.
        let known;
        let mut open = OPEN.lock().ignore_poison();
        let open = open.get_or_insert_with(Open::default);
        known = open.files.get(&key).and_then(Weak::upgrade);
        if let Some(file) = known.as_ref().filter(|file| !file.is_layered) {
            return Arc::clone(file);
        }
        let inode = open.inodes.entry((status.device, status.inode));
        let inode = inode.or_default();
        let shared = inode.upgrade().unwrap_or_default();
        *inode = Arc::downgrade(&shared);
        let page_size = sys::file_page_size(sys::raw(&fd));
        let fs = sys::file_system(sys::raw(&fd));
        let file = Arc::new(Self {
            page_size,
            appends: sys::appends(sys::raw(&fd)),
            is_layered: fs.as_ref().is_ok_and(|fs| fs.is_layered),
            // A device lives elsewhere than its name does.
            is_volatile: status.kind != Kind::BlockDevice
                && fs.as_ref().is_ok_and(|fs| fs.is_volatile),
            file: File::from(fd),
            key,
            inode: shared,
            flushes: Arc::default(),
            created_in: Mutex::new(None),
        });
        open.files.insert(key, Arc::downgrade(&file));
        file
    }

    /// The descriptor.
    #[must_use]
    pub fn fd(&self) -> sys::RawHandle {
        sys::raw(&self.file)
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Whether a write at an offset goes there.
    #[must_use]
    pub fn writes_at_offsets(&self) -> bool {
        !self.appends
    }

    /// The size of a page of its mappings in bytes.
    #[must_use]
    pub fn page_size(&self) -> usize {
        self.page_size
    }

    /// Whether its pages belong to a file of another file system, a layer below.
    #[must_use]
    pub fn is_layered(&self) -> bool {
        self.is_layered
    }

    /// The current size in bytes.
    pub fn size(&self) -> Result<u64> {
        Ok(sys::fstat(self.fd())?.size)
    }

    /// Whether it lives in memory only.
    #[must_use]
    pub fn is_volatile(&self) -> bool {
        self.is_volatile
    }

    /// The flushes that wait for it.
    #[must_use]
    pub fn flushes(&self) -> &Arc<PendingFlushes> {
        &self.flushes
    }

    /// Remembers that a flush failed: what the kernel then dropped will never be written, and
    /// the next flush would say that all is well. The first failure is the one to report.
    pub fn damage(&self, errno: i32) {
        let damage = &self.inode.damage;
        let _ = damage.compare_exchange(0, errno, Ordering::AcqRel, Ordering::Acquire);
    }

    /// The error number of a failed flush, for every mapping of this file in the process.
    #[must_use]
    pub fn damaged(&self) -> Option<i32> {
        Some(self.inode.damage.load(Ordering::Acquire)).filter(|&errno| errno != 0)
    }

    /// An error if a flush of the file has failed.
    pub fn check_damage(&self) -> Result<()> {
        let Some(errno) = self.damaged() else {
            return Ok(());
        };
        Err(Error::rule(
            "ERR_MEMMAP_FLUSH_LOST",
            format!(
                "An earlier flush of this file failed ({}): what memory holds is newer than the \
                 disk and will vanish. Save it elsewhere, close every mapping of the file, open \
                 it again and write everything since the last good flush",
                sys::error_text(errno)
            ),
        ))
    }

    /// Notes that a mapping made the file, so that its name is not durable yet.
    pub fn note_created(&self, path: &Path) {
        // Absolute, for the working directory may change until it is flushed.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let directory = path.parent().map(Path::to_owned);
        *self.created_in.lock().ignore_poison() = directory;
    }

    /// Makes its name durable, if a mapping made it and it still has one.
    pub fn sync_name(&self) -> Result<sys::Reached> {
        let mut created_in = self.created_in.lock().ignore_poison();
        let Some(directory) = created_in.as_deref() else {
            return Ok(sys::Reached::Media);
        };
        if sys::fstat(self.fd())?.links == 0 {
            return Ok(sys::Reached::Media);
        }
        // Where it is now, if it was moved since.
        let path = sys::current_path(&self.file);
        let directory = path.as_deref().and_then(Path::parent).unwrap_or(directory);
        let reached = sys::sync_directory(directory).map_err(|error| {
            let directory = directory.display();
            error.because(format!(
                "the file is safe, but its name in '{directory}' is not"
            ))
        })?;
        *created_in = None;
        Ok(reached)
    }
}

impl Drop for SharedFile {
    fn drop(&mut self) {
        let mut open = OPEN.lock().ignore_poison();
        let Some(open) = open.as_mut() else { return };
        // Somebody may have opened the file anew since the last mapping let go of this one.
        let is_gone = |file: &Weak<Self>| file.strong_count() == 0;
        if open.files.get(&self.key).is_some_and(is_gone) {
            open.files.remove(&self.key);
        }
        if Arc::strong_count(&self.inode) > 1 {
            return;
        }
        open.inodes.remove(&(self.key.0, self.key.1));
        if self.damaged().is_some() {
            // Whoever opens it again shall see what the disk has, and not what it should have.
            sys::drop_file_cache(self.fd());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(path: &std::path::Path) -> Arc<SharedFile> {
        let fd = sys::open(path, sys::OpenMode::Read).unwrap();
        let status = sys::fstat(sys::raw(&fd)).unwrap();
        SharedFile::share(fd, &status, false)
    }

    #[test]
    #[cfg_attr(windows, ignore = "wine gives an open file's name to no other")]
    fn one_file_is_open_once_and_another_of_the_same_name_is_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, "one").unwrap();
        let first = share(&path);
        assert!(Arc::ptr_eq(&first, &share(&path)));
        std::fs::write(dir.path().join("b"), "other").unwrap();
        std::fs::rename(dir.path().join("b"), &path).unwrap();
        let second = share(&path);
        assert!(!Arc::ptr_eq(&first, &second));
        assert_eq!((first.size().unwrap(), second.size().unwrap()), (3, 5));
        first.damage(5);
        first.damage(28);
        assert_eq!((first.damaged(), second.damaged()), (Some(5), None));
    }

    #[test]
    fn the_name_of_a_file_is_made_durable_once_and_wherever_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, "one").unwrap();
        let file = share(&path);
        file.note_created(&path);
        std::fs::create_dir(dir.path().join("elsewhere")).unwrap();
        std::fs::rename(&path, dir.path().join("elsewhere/b")).unwrap();
        assert_eq!(file.sync_name().unwrap(), sys::Reached::Media);
        assert!(file.created_in.lock().unwrap().is_none());
        file.note_created(&path);
        std::fs::remove_dir_all(dir.path()).unwrap();
        assert_eq!(file.sync_name().unwrap(), sys::Reached::Media);
    }
}
