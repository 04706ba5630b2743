//! The backing of a mapping: a file, or anonymous memory.

use std::sync::Arc;

use super::mappable;
use crate::core::error::{Error, Result};
use crate::core::fault::handler;
use crate::core::file::shared_file::SharedFile;
use crate::core::mapping::map_region::{Anonymous, FileRange};
use crate::core::mapping::mapping::RegionOptions;
use crate::core::mapping::region::Region;
use crate::core::sys::file_kind::Kind;
use crate::core::sys::{self, PageAccess};

/// A file as the backing of a mapping.
#[derive(Debug, Clone)]
pub struct FileBacking {
    /// The file.
    pub file: Arc<SharedFile>,
    /// The kind of the file.
    pub kind: Kind,
    /// The offset of the mapping in the file, in bytes.
    pub offset: u64,
    /// The access to the mapped pages.
    pub access: PageAccess,
}

/// The source of the bytes of a mapping. It maps the regions of the mapping, and says what else the
/// mapping keeps of it.
#[derive(Debug, Clone)]
pub enum Backing {
    /// A file.
    File(FileBacking),
    /// Memory without a file, which starts as zeros.
    Anonymous,
}

/// The size of a region and the names that it is known by.
#[derive(Debug, Clone, Copy)]
pub struct RegionRequest<'a> {
    /// The length in bytes. It can be 0 if `room` is not.
    pub length: usize,
    /// The length in bytes to which the region can grow in place; `length` counts if it is larger.
    pub room: usize,
    /// The number of the mapping.
    pub id: u64,
    /// The name of the file, for reports of faults.
    pub name: Option<&'a str>,
}

impl Backing {
    /// Maps a region. The caller has made sure that the backing has `request.length` bytes.
    pub fn map(&self, request: &RegionRequest<'_>, options: &RegionOptions) -> Result<Region> {
        let &RegionRequest {
            length,
            room,
            id,
            name,
        } = request;
        handler::install_guard()?;
        match self {
            Self::File(backing) => {
                let range = FileRange {
                    file: Arc::clone(&backing.file),
                    offset: backing.offset,
                    length,
                    room,
                    access: backing.access,
                    no_reserve: options.no_reserve,
                };
                Region::of_file(&range, id, options.abort, name)
            }
            Self::Anonymous => {
                let memory = Anonymous {
                    length,
                    room,
                    no_reserve: options.no_reserve,
                    huge: options.huge,
                    transparent_huge: options.transparent_huge,
                    abort: options.abort,
                };
                Region::anonymous(&memory, id)
            }
        }
    }

    /// Maps the first region of a mapping. For a file that was just opened it also explains why the
    /// system refused, and checks that the file did not shrink before it was mapped.
    pub fn map_first(
        &self,
        request: &RegionRequest<'_>,
        options: &RegionOptions,
    ) -> Result<Region> {
        let region = self.map(request, options);
        match self {
            Self::File(backing) => {
                let region = region.map_err(|error| backing.explain(error))?;
                backing.check_size(request.length as u64)?;
                Ok(region)
            }
            Self::Anonymous => region,
        }
    }

    /// Returns the file that the mapping keeps open; `None` for anonymous memory.
    pub fn file(&self) -> Option<&Arc<SharedFile>> {
        match self {
            Self::File(backing) => Some(&backing.file),
            Self::Anonymous => None,
        }
    }

    /// Returns the offset of the mapping in its file, in bytes; 0 for anonymous memory.
    pub fn offset(&self) -> u64 {
        match self {
            Self::File(backing) => backing.offset,
            Self::Anonymous => 0,
        }
    }
}

impl FileBacking {
    /// Checks that a regular file still has the mapped range.
    fn check_size(&self, length: u64) -> Result<()> {
        if self.kind == Kind::Regular && self.file.size()? < self.offset + length {
            return Err(Error::out_of_range(
                "the file, which shrank while it was mapped,",
                self.offset,
                length,
                self.file.size()?,
            ));
        }
        Ok(())
    }

    /// Explains the error number of `mmap` for a file that could be opened, and that has a kind and
    /// a size that can be mapped.
    fn explain(&self, error: Error) -> Error {
        let is_private = self.access == PageAccess::CopyOnWrite;
        let is_virtual = sys::file_system(self.file.fd()).is_ok_and(|fs| fs.is_virtual);
        match error.errno() {
            Some(sys::ENODEV | sys::EIO | sys::EACCES | sys::EPERM) if is_virtual => {
                mappable::check(Kind::Virtual, false, None)
                    .err()
                    .unwrap_or(error)
            }
            Some(sys::ENODEV) if !is_private => Error::not_mappable(
                Kind::Regular.name(),
                "The file system does not let the file be shared (FUSE with direct I/O, for \
                 instance): map it with mode 'r' or 'c'",
            ),
            Some(sys::ENODEV) => Error::not_mappable(
                Kind::Regular.name(),
                "The file system does not support mapping: read the file with fs instead",
            ),
            Some(sys::EINVAL) if is_private => Error::not_mappable(
                Kind::Regular.name(),
                "The file can't be mapped privately (secret memory, for instance): map it with \
                 mode 'r+', or 'r' with 'strict'",
            ),
            Some(sys::EACCES) if !is_private => error.because(
                "an append-only file can't be shared; mode 'r' without 'strict', and 'c', can map \
                 it",
            ),
            Some(sys::EPERM) if sys::is_sealed_against_writing(self.file.fd()) => error
                .because("the memory file is sealed against writing; map it with mode 'r' or 'c'"),
            _ => error,
        }
    }
}
