//! Open files, which all mappings of a file share.
//!
//! A mapping keeps its file open. The fault guard reads the size of the file. A flush uses the
//! descriptor that was open before the writes, because only that descriptor is certain to report a
//! failed write-back. Mappings share a descriptor, so that 100,000 mappings of one file do not need
//! 100,000 descriptors.

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

/// Device, inode, and whether the file is open for writing.
type Key = (u64, u64, bool);

#[derive(Debug, Default)]
struct Open {
    files: HashMap<Key, Weak<SharedFile>>,
    inodes: HashMap<(u64, u64), Weak<Inode>>,
}

static OPEN: Mutex<Option<Open>> = Mutex::new(None);

/// The state of a file that all its open descriptors share, for reading and for writing.
#[derive(Debug, Default)]
struct Inode {
    /// The error number of the first flush that failed, or 0.
    damage: AtomicI32,
}

/// An open file that several mappings use.
#[derive(Debug)]
pub struct SharedFile {
    file: File,
    key: Key,
    page_size: usize,
    /// Whether the file system is layered. There, device and inode can be the same for the file of
    /// the lower layer, which has the contents from before the first write. Such files are not
    /// shared.
    is_layered: bool,
    /// Whether the file is open for appending. Then every write goes to its end.
    appends: bool,
    is_volatile: bool,
    inode: Arc<Inode>,
    flushes: Arc<PendingFlushes>,
    /// The directory in which a mapping created the file. None once the name of the file is
    /// durable.
    created_in: Mutex<Option<PathBuf>>,
}

impl SharedFile {
    /// Takes over a descriptor. If the same file is already open with the same access, closes the
    /// descriptor and returns that open file.
    #[must_use]
    pub fn share(fd: sys::Handle, status: &sys::Status, writable: bool) -> Arc<Self> {
        let key = (status.device, status.inode, writable);
        // This is dropped after the lock is released, because dropping a file takes the lock.
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
            // The file system that has the name of a device does not store its contents.
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

    /// Returns the raw descriptor.
    #[must_use]
    pub fn fd(&self) -> sys::RawHandle {
        sys::raw(&self.file)
    }

    /// Returns the file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Reports whether a write at an offset changes the bytes at that offset.
    #[must_use]
    pub fn writes_at_offsets(&self) -> bool {
        !self.appends
    }

    /// Returns the page size of its mappings in bytes.
    #[must_use]
    pub fn page_size(&self) -> usize {
        self.page_size
    }

    /// Reports whether its pages may belong to a file of another file system, in a lower layer.
    #[must_use]
    pub fn is_layered(&self) -> bool {
        self.is_layered
    }

    /// Returns the current size in bytes.
    pub fn size(&self) -> Result<u64> {
        Ok(sys::fstat(self.fd())?.size)
    }

    /// Reports whether the file is in memory only.
    #[must_use]
    pub fn is_volatile(&self) -> bool {
        self.is_volatile
    }

    /// Returns the pending flushes of the file.
    #[must_use]
    pub fn flushes(&self) -> &Arc<PendingFlushes> {
        &self.flushes
    }

    /// Records that a flush failed, if it is the first failure. The kernel may have dropped dirty
    /// pages without writing them, and the next flush would report success.
    pub fn damage(&self, errno: i32) {
        let damage = &self.inode.damage;
        let _ = damage.compare_exchange(0, errno, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Returns the error number of the first failed flush through any mapping of the file in this
    /// process.
    #[must_use]
    pub fn damaged(&self) -> Option<i32> {
        Some(self.inode.damage.load(Ordering::Acquire)).filter(|&errno| errno != 0)
    }

    /// Fails with `ERR_MEMMAP_FLUSH_LOST` if a flush of the file has failed.
    pub fn check_damage(&self) -> Result<()> {
        let Some(errno) = self.damaged() else {
            return Ok(());
        };
        Err(Error::rule(
            "ERR_MEMMAP_FLUSH_LOST",
            format!(
                "An earlier flush of this file failed ({}): memory holds newer contents than the \
                 disk, and they will be lost. Save them elsewhere, close every mapping of the file, \
                 open it again and write everything again since the last successful flush",
                sys::error_text(errno)
            ),
        ))
    }

    /// Records that a mapping created the file, so that its name is not durable yet.
    pub fn note_created(&self, path: &Path) {
        // The path is made absolute, because the working directory may change before the flush.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let directory = path.parent().map(Path::to_owned);
        *self.created_in.lock().ignore_poison() = directory;
    }

    /// Makes the name of the file durable, if a mapping created the file and it still has a name.
    pub fn sync_name(&self) -> Result<sys::Reached> {
        let mut created_in = self.created_in.lock().ignore_poison();
        let Some(directory) = created_in.as_deref() else {
            return Ok(sys::Reached::Media);
        };
        if sys::fstat(self.fd())?.links == 0 {
            return Ok(sys::Reached::Media);
        }
        // The file may have been moved since.
        let path = sys::current_path(&self.file);
        let directory = path.as_deref().and_then(Path::parent).unwrap_or(directory);
        let reached = sys::sync_directory(directory).map_err(|error| {
            let directory = directory.display();
            error.because(format!(
                "the contents of the file are durable, but its name in '{directory}' is not"
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
        // Another thread may have opened the file again since the last reference was dropped.
        let is_gone = |file: &Weak<Self>| file.strong_count() == 0;
        if open.files.get(&self.key).is_some_and(is_gone) {
            open.files.remove(&self.key);
        }
        if Arc::strong_count(&self.inode) > 1 {
            return;
        }
        open.inodes.remove(&(self.key.0, self.key.1));
        if self.damaged().is_some() {
            // The next opening of the file must show the contents of the disk, not of the page
            // cache.
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
    #[cfg_attr(windows, ignore = "wine does not replace a file that is open")]
    fn a_file_is_opened_once_and_its_replacement_is_a_different_file() {
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
    fn the_name_of_a_file_is_made_durable_once_even_if_it_was_moved() {
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
