//! Open files, one descriptor each however often they are mapped.
//!
//! A mapping keeps its file open: the fault guard asks its size, a flush goes through the
//! descriptor that was open before the writes (the only one that is sure to hear of a failed
//! write-back). A hundred thousand mappings of one file must not need as many descriptors.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::error::Result;
use super::sys;

/// Device, inode, whether it may be written.
type Key = (u64, u64, bool);

static OPEN: Mutex<Option<HashMap<Key, Weak<SharedFile>>>> = Mutex::new(None);

/// An open file that several mappings use.
#[derive(Debug)]
pub struct SharedFile {
    file: File,
    key: Key,
    granule: usize,
    /// On a layered file system the same numbers can name the file of the layer below, with what
    /// it held before it was first written: each opening keeps its own descriptor.
    is_layered: bool,
    /// Opened for appending, it takes every write for its end.
    appends: bool,
    damage: AtomicI32,
}

impl SharedFile {
    /// Takes over a descriptor, or closes it again where the same file is already open in the
    /// same way.
    #[must_use]
    pub fn share(fd: OwnedFd, status: &sys::Status, writable: bool) -> Arc<Self> {
        let key = (status.device, status.inode, writable);
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let open = open.get_or_insert_with(HashMap::new);
        let known = open.get(&key).and_then(Weak::upgrade);
        if let Some(file) = known.as_ref().filter(|file| !file.is_layered) {
            return Arc::clone(file);
        }
        let granule = sys::file_page_size(fd.as_raw_fd());
        let file = Arc::new(Self {
            granule,
            is_layered: sys::file_system(fd.as_raw_fd()).is_ok_and(|fs| fs.is_layered),
            appends: sys::appends(fd.as_raw_fd()),
            file: File::from(fd),
            key,
            damage: AtomicI32::new(0),
        });
        open.insert(key, Arc::downgrade(&file));
        file
    }

    /// The descriptor.
    #[must_use]
    pub fn fd(&self) -> i32 {
        self.file.as_raw_fd()
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
    pub fn granule(&self) -> usize {
        self.granule
    }

    /// The current size in bytes.
    pub fn size(&self) -> Result<u64> {
        sys::fstat(self.fd()).map(|status| status.size)
    }

    /// Remembers that a flush failed: what the kernel then dropped will never be written, and
    /// the next flush would say that all is well.
    pub fn damage(&self, errno: i32) {
        self.damage.store(errno, Ordering::Release);
    }

    /// The error number of a failed flush, for every mapping of this file in the process.
    #[must_use]
    pub fn damaged(&self) -> Option<i32> {
        Some(self.damage.load(Ordering::Acquire)).filter(|&errno| errno != 0)
    }
}

impl Drop for SharedFile {
    fn drop(&mut self) {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = open.as_mut() else { return };
        // Somebody may have opened the file anew since the last mapping let go of this one.
        if open
            .get(&self.key)
            .is_some_and(|file| file.strong_count() == 0)
        {
            open.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(path: &std::path::Path) -> Arc<SharedFile> {
        let fd = sys::open(path, sys::OpenHow::Read).unwrap();
        let status = sys::fstat(fd.as_raw_fd()).unwrap();
        SharedFile::share(fd, &status, false)
    }

    #[test]
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
        assert_eq!((first.damaged(), second.damaged()), (Some(5), None));
    }
}
