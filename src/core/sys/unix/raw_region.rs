//! Mapped address space, as memmap2 makes it.

use memmap2::{MmapOptions, MmapRaw};

/// Advice by the names that memmap2 has for it.
pub use memmap2::{Advice as KnownAdvice, UncheckedAdvice};

use crate::core::sys::error::{Result, SysError};
use crate::core::sys::{MapRequest, PageAccess, page_size};

/// A read-only mapping shows the shared pages themselves.
pub const READ_ONLY_IS_PRIVATE: bool = false;

/// A file can be cut while it is mapped.
pub const TRUNCATES_MAPPED_FILES: bool = true;

/// Address space can be promised without memory.
pub const HAS_UNRESERVED_MEMORY: bool = true;

/// Whether address space can be set aside for a mapping to grow into.
#[must_use]
pub fn can_reserve_address_space() -> bool {
    true
}

/// Mapped address space of ours.
#[derive(Debug)]
pub struct RawRegion(MmapRaw);

impl RawRegion {
    /// Maps a file. Pages behind its end are mapped too, and are there once the file has them.
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

    /// Takes zeros: `length` bytes of memory, and addresses for `reserve`.
    pub fn anonymous(
        length: usize,
        reserve: usize,
        no_reserve: bool,
        huge: Option<usize>,
    ) -> Result<Self> {
        let mut options = MmapOptions::new();
        options.len(whole_pages(reserve.max(length)));
        // What may never be used is not to be promised.
        if no_reserve || reserve > length {
            options.no_reserve_swap();
        }
        if let Some(size) = huge {
            options.huge(Some(size.trailing_zeros() as u8));
        }
        finish(options.map_anon().map(MmapRaw::from))
    }

    /// The address of the first page.
    #[must_use]
    pub fn address(&self) -> usize {
        self.0.as_mut_ptr() as usize
    }

    /// Bytes of address space.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "there is always a page")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether a store into a private page traps first: never here.
    #[must_use]
    pub fn copies_lazily(&self) -> bool {
        false
    }

    /// Sees that the first `length` bytes are mapped: all are, from the beginning.
    #[allow(clippy::unnecessary_wraps, reason = "other systems may fail")]
    pub fn extend_to(&self, _length: usize) -> Result<()> {
        Ok(())
    }

    /// Lets a file be cut: it may be, mapped or not.
    #[allow(clippy::unnecessary_wraps, reason = "other systems may fail")]
    pub fn release_views(&self) -> Result<ReleasedViews> {
        Ok(ReleasedViews)
    }

    /// Gives advice for a range.
    pub fn advise(&self, advice: KnownAdvice, offset: usize, length: usize) -> Result<()> {
        self.0
            .advise_range(advice, offset, length)
            .map_err(|error| SysError::from_io(&error, "madvise"))
    }

    /// Destroys the contents of whole pages.
    ///
    /// # Safety
    ///
    /// Nobody may rely on the contents.
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

    /// Writes changed pages of a range to the file, and waits for that.
    pub fn flush(&self, offset: usize, length: usize) -> Result<()> {
        self.0
            .flush_range(offset, length)
            .map_err(|error| SysError::from_io(&error, "msync"))
    }
}

/// The system maps whole pages, and a mapping may grow into all of its last one: memmap2 is to
/// know of them. What is too long for that is refused by the system itself.
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

/// Pages of a file that may be cut.
#[derive(Debug)]
pub struct ReleasedViews;

impl ReleasedViews {
    /// Nothing was taken away.
    #[allow(clippy::unnecessary_wraps, reason = "other systems may fail")]
    pub fn remap(self, _length: usize) -> Result<()> {
        Ok(())
    }
}
