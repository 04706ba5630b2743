//! Mapping regions of a file or of anonymous memory.

use std::sync::Arc;

use crate::core::error::{Error, Result};
use crate::core::fault::slot::{Claim, PageKind};
use crate::core::file::shared_file::SharedFile;
use crate::core::limits::{self, AreaCount};
use crate::core::mapping::region::Region;
use crate::core::poison::IgnorePoison;
use crate::core::sys::{self, MapRequest, PageAccess, RawRegion};

/// A range of a file to map.
#[derive(Debug, Clone)]
pub struct FileRange {
    /// The file.
    pub file: Arc<SharedFile>,
    /// The offset in the file, in bytes. It need not be aligned.
    pub offset: u64,
    /// The length in bytes. It may be 0 if `room` is not.
    pub length: usize,
    /// The capacity: the length in bytes to which the region may grow in place. If it is less than
    /// `length`, `length` is the capacity. Pages after the end of the file are mapped too, and
    /// become accessible when the file grows.
    pub room: usize,
    /// How the pages may be accessed.
    pub access: PageAccess,
    /// Map without reserving swap for private copies (`MAP_NORESERVE`).
    pub no_reserve: bool,
}

/// Anonymous memory to map.
#[derive(Debug, Clone, Copy, Default)]
pub struct Anonymous {
    /// The length in bytes. It may be 0 if `room` is not.
    pub length: usize,
    /// The capacity: the length in bytes to which the region may grow in place. If it is less than
    /// `length`, `length` is the capacity.
    pub room: usize,
    /// Map without reserving swap (`MAP_NORESERVE`).
    pub no_reserve: bool,
    /// The size of explicit huge pages, in bytes.
    pub huge: Option<usize>,
    /// Ask for transparent huge pages.
    pub transparent_huge: bool,
    /// End the process on a fault.
    pub abort: bool,
}

impl Anonymous {
    /// Returns a request for ordinary pages.
    #[must_use]
    pub fn of(length: usize) -> Self {
        Self {
            length,
            ..Self::default()
        }
    }
}

impl Region {
    /// Maps a range of a file. The caller must have checked that the file has the range.
    pub fn of_file(range: &FileRange, id: u64, abort: bool, name: Option<&str>) -> Result<Self> {
        let page_size = range.file.page_size();
        let unit = page_size.max(sys::allocation_granularity());
        let offset_in_page = (range.offset % unit as u64) as usize;
        let room = range.length.max(range.room);
        let mapped = whole_granules(offset_in_page.saturating_add(room), page_size)?;
        let areas = AreaCount::take(mapped as u64)?;
        let file_offset = range.offset - offset_in_page as u64;
        let fd = range.file.fd();
        let is_private = match range.access {
            PageAccess::CopyOnWrite => true,
            PageAccess::ReadOnly => sys::READ_ONLY_IS_PRIVATE,
            PageAccess::Shared => false,
        };
        let pages = RawRegion::map_file(&MapRequest {
            handle: fd,
            offset: file_offset,
            length: offset_in_page + range.length,
            reserve: mapped,
            access: range.access,
            // Capacity that may never be used must not reserve swap.
            no_reserve: range.no_reserve || room > range.length,
        })
        .map_err(|error| limits::explain(error.into(), mapped as u64, is_private))?;
        let kind = if is_private {
            PageKind::PrivateFile
        } else {
            PageKind::SharedFile
        };
        let claim = Claim {
            id,
            offset_in_page,
            page_size,
            kind,
            fd,
            file_offset,
            copies_lazily: pages.copies_lazily() && range.access == PageAccess::CopyOnWrite,
            abort,
            name,
            ..Claim::default()
        };
        let region = Self::enter(pages, range.length, areas, claim)?;
        *region.file.write().ignore_poison() = Some(Arc::clone(&range.file));
        Ok(region)
    }

    /// Maps anonymous memory, which holds zeros.
    pub fn anonymous(memory: &Anonymous, id: u64) -> Result<Self> {
        let Anonymous {
            length,
            room,
            no_reserve,
            huge,
            abort,
            ..
        } = *memory;
        let page_size = match huge {
            None => sys::page_size(),
            Some(size) => size,
        };
        let mapped = whole_granules(length.max(room), page_size)?;
        let areas = AreaCount::take(mapped as u64)?;
        let length_now = whole_granules(length, page_size)?;
        let pages =
            RawRegion::anonymous(length_now, mapped, no_reserve, huge).map_err(|error| {
                match (huge, error.errno()) {
                    (Some(_), Some(sys::ENOMEM)) => Error::from(error)
                        .because("the system has no free huge pages (vm.nr_hugepages)"),
                    (Some(_), Some(sys::EINVAL)) => {
                        Error::from(error).because("the processor has no huge pages of that size")
                    }
                    _ => limits::explain(error.into(), mapped as u64, true),
                }
            })?;
        Self::enter(
            pages,
            length,
            areas,
            Claim {
                id,
                page_size,
                abort,
                ..Claim::default()
            },
        )
    }
}

/// Rounds a length up to whole huge pages, which the system requires to unmap them. Returns the
/// length unchanged for ordinary pages, for which the system takes any length.
fn whole_granules(length: usize, page_size: usize) -> Result<usize> {
    if page_size == sys::page_size() {
        return Ok(length);
    }
    length
        .checked_next_multiple_of(page_size)
        .ok_or_else(|| Error::system(sys::ENOMEM, "mmap"))
}
