//! Mapped address space, created by memmap2.

use memmap2::{MmapOptions, MmapRaw};

/// Advice under the names of memmap2.
pub use memmap2::{Advice as KnownAdvice, UncheckedAdvice};

use crate::core::sys::error::{Result, SysError};
use crate::core::sys::{MapRequest, PageAccess, page_size};

/// A read-only mapping shows the shared pages themselves.
pub const READ_ONLY_IS_PRIVATE: bool = false;

/// A mapped file can be truncated.
pub const TRUNCATES_MAPPED_FILES: bool = true;

/// Memory can be mapped without reserving swap for it.
pub const HAS_UNRESERVED_MEMORY: bool = true;

/// Reports whether address space can be reserved for a mapping to grow into.
#[must_use]
pub fn can_reserve_address_space() -> bool {
    true
}

/// Mapped address space that this value owns.
#[derive(Debug)]
pub struct RawRegion(MmapRaw);

impl RawRegion {
    /// Maps a file. Pages after its end are mapped too, and become accessible once the file has
    /// them.
    pub fn map_file(request: &MapRequest) -> Result<Self> {
        let mut options = MmapOptions::new();
        let length = whole_pages(request.reserve.max(request.length));
        options.offset(request.offset).len(length);
        if request.no_reserve {
            options.no_reserve_swap();
        }
        let pages = match request.access {
            PageAccess::ReadOnly => options.map_raw_read_only(request.handle),
            PageAccess::Shared => options.map_raw(request.handle),
            PageAccess::CopyOnWrite => {
                // SAFETY: no Rust reference to the bytes is ever made. Other processes may change
                // them at any time, and this library accesses them through plain copies only.
                unsafe { options.map_copy(request.handle) }.map(MmapRaw::from)
            }
        };
        finish(pages)
    }

    /// Maps zeros: `length` bytes of memory, and address space for `reserve` bytes.
    pub fn anonymous(
        length: usize,
        reserve: usize,
        no_reserve: bool,
        huge: Option<usize>,
    ) -> Result<Self> {
        let mut options = MmapOptions::new();
        options.len(whole_pages(reserve.max(length)));
        // Reserve no swap for pages that may never be used.
        if no_reserve || reserve > length {
            options.no_reserve_swap();
        }
        if let Some(size) = huge {
            options.huge(Some(size.trailing_zeros() as u8));
        }
        finish(options.map_anon().map(MmapRaw::from))
    }

    /// Returns the address of the first page.
    #[must_use]
    pub fn address(&self) -> usize {
        self.0.as_mut_ptr() as usize
    }

    /// Returns the length of the address space, in bytes.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "there is always a page")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Reports whether the first store into a private page traps: never on Unix.
    #[must_use]
    pub fn copies_lazily(&self) -> bool {
        false
    }

    /// Maps the first `length` bytes. All bytes are mapped from the start on Unix.
    #[allow(clippy::unnecessary_wraps, reason = "other systems may fail")]
    pub fn extend_to(&self, _length: usize) -> Result<()> {
        Ok(())
    }

    /// Prepares truncation of the file. Nothing needs to be unmapped on Unix.
    #[allow(clippy::unnecessary_wraps, reason = "other systems may fail")]
    pub fn release_views(&self) -> Result<ReleasedViews> {
        Ok(ReleasedViews)
    }

    /// Gives the kernel advice for a range.
    pub fn advise(&self, advice: KnownAdvice, offset: usize, length: usize) -> Result<()> {
        self.0
            .advise_range(advice, offset, length)
            .map_err(|error| SysError::from_io(&error, "madvise"))
    }

    /// Destroys the contents of whole pages.
    ///
    /// # Safety
    ///
    /// No code may rely on the contents.
    pub unsafe fn discard(
        &self,
        advice: UncheckedAdvice,
        offset: usize,
        length: usize,
    ) -> Result<()> {
        // SAFETY: the same contract.
        unsafe { self.0.unchecked_advise_range(advice, offset, length) }
            .map_err(|error| SysError::from_io(&error, "madvise"))
    }

    /// Writes the changed pages of a range to the file and waits until that is done.
    pub fn flush(&self, offset: usize, length: usize) -> Result<()> {
        self.0
            .flush_range(offset, length)
            .map_err(|error| SysError::from_io(&error, "msync"))
    }
}

/// Rounds up to whole pages, so that memmap2 knows all of the last page, into which a mapping may
/// grow. The system refuses a length that is too large to round.
fn whole_pages(length: usize) -> usize {
    length
        .checked_next_multiple_of(page_size())
        .unwrap_or(length)
}

fn finish(pages: std::io::Result<MmapRaw>) -> Result<RawRegion> {
    pages
        .map(RawRegion)
        .map_err(|error| SysError::from_io(&error, "mmap"))
}

/// The state between [`RawRegion::release_views`] and truncation.
#[derive(Debug)]
pub struct ReleasedViews;

impl ReleasedViews {
    /// Maps the views again. Nothing was unmapped on Unix.
    #[allow(clippy::unnecessary_wraps, reason = "other systems may fail")]
    pub fn remap(self, _length: usize) -> Result<()> {
        Ok(())
    }
}
