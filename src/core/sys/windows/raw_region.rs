//! Mapped address space: reservations that contain views of a file, or memory.

use std::ptr;
use std::sync::Arc;

use windows_sys::Win32::System::Memory::{
    FILE_MAP_COPY, FILE_MAP_READ, FILE_MAP_WRITE, MEM_COMMIT, MEM_DECOMMIT, MEM_RELEASE,
    MEM_RESERVE, MEM_RESERVE_PLACEHOLDER, MEM_RESET, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile,
    PAGE_NOACCESS, PAGE_READWRITE, PAGE_WRITECOPY, UnmapViewOfFile, VirtualAlloc, VirtualFree,
};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

use super::call::placeholders;
use super::durable::write_pages;
use super::errno::{EINVAL, ENOMEM};
use super::evict::release_pages;
use super::handle::{NO_HANDLE, as_pointer, raw};
use super::memory::{KnownAdvice, UncheckedAdvice};
use super::released_views::ReleasedViews;
use super::replace_range::{Fill, replace_range};
use super::reservation::{Reservation, SegmentKind, State};
use super::residency::prefetch;
use super::view::{MappedFile, allocation_error, section, view_protection};
use super::virtual_memory::{page_size, protect_pages};
use crate::core::sys::error::{Result, SysError};
use crate::core::sys::{MapRequest, PageAccess};

/// A read-only view has private pages, so that a page can be made writable after a store traps.
pub const READ_ONLY_IS_PRIVATE: bool = true;

/// Windows refuses to truncate a mapped file.
pub const TRUNCATES_MAPPED_FILES: bool = false;

/// Windows reserves memory for every page that it commits.
pub const HAS_UNRESERVED_MEMORY: bool = false;

/// Reports whether address space can be reserved for a mapping to grow into.
#[must_use]
pub fn can_reserve_address_space() -> bool {
    placeholders().is_some()
}

/// Mapped address space that this value owns.
#[derive(Debug)]
pub struct RawRegion {
    reservation: Arc<Reservation>,
    copies_lazily: bool,
}

impl RawRegion {
    /// Maps a file.
    pub fn map_file(request: &MapRequest) -> Result<Self> {
        let mut file = MappedFile {
            handle: request.handle,
            offset: request.offset,
            access: request.access,
            copies_lazily: false,
        };
        let first = Self::map_views(request, file);
        match first {
            // Memory for all private pages at once can exceed memory and page file. Then each page
            // is committed at its first store.
            Err(error)
                if error.errno() == Some(ENOMEM)
                    && request.no_reserve
                    && request.access != PageAccess::Shared =>
            {
                file.copies_lazily = true;
                Self::map_views(request, file)
            }
            result => result,
        }
    }

    fn map_views(request: &MapRequest, file: MappedFile) -> Result<Self> {
        let page = page_size();
        let span = request.reserve.max(request.length).next_multiple_of(page);
        let mapped = request.length.next_multiple_of(page);
        let Some(calls) = placeholders() else {
            return Self::map_single_view(request, file, span, mapped);
        };
        // SAFETY: a new reservation, where the system likes.
        let base = unsafe {
            (calls.alloc)(
                GetCurrentProcess(),
                ptr::null(),
                span,
                MEM_RESERVE | MEM_RESERVE_PLACEHOLDER,
                PAGE_NOACCESS,
                ptr::null_mut(),
                0,
            )
        } as usize;
        if base == 0 {
            return Err(allocation_error());
        }
        let state = State {
            file: Some(file),
            mapped,
            calls: Some(calls),
            is_revoked: false,
        };
        // From here on an error releases the addresses.
        let pages = Self {
            reservation: Reservation::register(base, span, state),
            copies_lazily: file.copies_lazily,
        };
        if mapped > 0 {
            let change = pages.reservation.change();
            pages.reservation.split(base, base + mapped)?;
            pages.reservation.map(&change.state, 0, mapped)?;
        }
        Ok(pages)
    }

    fn map_single_view(
        request: &MapRequest,
        file: MappedFile,
        span: usize,
        mapped: usize,
    ) -> Result<Self> {
        if span > mapped {
            return Err(SysError::Unsupported(
                "Address space to grow into ('reserve') needs Windows 10 1803 or later",
            ));
        }
        let section = section(&file)?;
        let access = match view_protection(&file) {
            PAGE_READWRITE => FILE_MAP_READ | FILE_MAP_WRITE,
            PAGE_WRITECOPY => FILE_MAP_COPY,
            _ => FILE_MAP_READ,
        };
        // SAFETY: a new view, where the system likes.
        let base = unsafe {
            MapViewOfFile(
                as_pointer(raw(&section)),
                access,
                (file.offset >> 32) as u32,
                file.offset as u32,
                request.length,
            )
        }
        .Value as usize;
        if base == 0 {
            return Err(SysError::last("mmap"));
        }
        let state = State {
            file: Some(file),
            mapped,
            calls: None,
            is_revoked: false,
        };
        let pages = Self {
            reservation: Reservation::register(base, span, state),
            copies_lazily: file.copies_lazily,
        };
        if file.access == PageAccess::ReadOnly && !file.copies_lazily {
            // SAFETY: the view is ours and new.
            unsafe { protect_pages(base, span, false) }?;
        }
        Ok(pages)
    }

    /// Maps zeros: address space for `reserve` bytes, and memory for `length` of them.
    pub fn anonymous(
        length: usize,
        reserve: usize,
        no_reserve: bool,
        huge: Option<usize>,
    ) -> Result<Self> {
        if huge.is_some() {
            return Err(SysError::Unsupported(
                "Huge pages on Windows need a privilege that programs do not have (Lock pages in \
                 memory)",
            ));
        }
        if no_reserve {
            return Err(SysError::Unsupported(
                "Windows reserves memory for every page that it commits, so 'noReserve' is not \
                 possible; use 'reserve' for address space to grow into",
            ));
        }
        let page = page_size();
        let span = reserve.max(length).next_multiple_of(page);
        // SAFETY: a new reservation, where the system likes.
        let base = unsafe { VirtualAlloc(ptr::null(), span, MEM_RESERVE, PAGE_NOACCESS) } as usize;
        if base == 0 {
            return Err(allocation_error());
        }
        let state = State {
            file: None,
            mapped: 0,
            calls: None,
            is_revoked: false,
        };
        let pages = Self {
            reservation: Reservation::register(base, span, state),
            copies_lazily: false,
        };
        pages.extend_to(length)?;
        Ok(pages)
    }

    /// Returns the address of the first page.
    #[must_use]
    pub fn address(&self) -> usize {
        self.reservation.base
    }

    /// Returns the length of the address space, in bytes.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "there is always a page")]
    pub fn len(&self) -> usize {
        self.reservation.span
    }

    /// Reports whether private pages are committed at the first store. That store traps, which is
    /// no fault.
    #[must_use]
    pub fn copies_lazily(&self) -> bool {
        self.copies_lazily
    }

    /// Maps the first `length` bytes, which the file must have by now.
    pub fn extend_to(&self, length: usize) -> Result<()> {
        let mut change = self.reservation.change();
        let (from, to) = (change.state.mapped, length.next_multiple_of(page_size()));
        if change.state.is_revoked || to <= from {
            return Ok(());
        }
        let (start, end) = (self.reservation.base + from, self.reservation.base + to);
        if change.state.file.is_none() {
            // SAFETY: reserved addresses of ours.
            let memory =
                unsafe { VirtualAlloc(start as *const _, to - from, MEM_COMMIT, PAGE_READWRITE) };
            if memory.is_null() {
                return Err(allocation_error());
            }
        } else {
            for segment in self.reservation.segments() {
                // The fault handler may have put zeros after the end of the file.
                let part = segment.start.max(start)..segment.end.min(end);
                if segment.kind == SegmentKind::Reserved && part.start < part.end {
                    self.reservation.split(part.start, part.end)?;
                    let base = self.reservation.base;
                    self.reservation
                        .map(&change.state, part.start - base, part.end - base)?;
                }
            }
        }
        change.state.mapped = to;
        Ok(())
    }

    /// Unmaps the views until the result is dropped or told how much to map again: Windows refuses
    /// to truncate a mapped file. A thread that accesses the pages meanwhile waits.
    pub fn release_views(&self) -> Result<ReleasedViews<'_>> {
        ReleasedViews::unmap(&self.reservation)
    }

    /// Gives the system advice for a range.
    pub fn advise(&self, advice: KnownAdvice, offset: usize, length: usize) -> Result<()> {
        match advice {
            KnownAdvice::Normal => Ok(()),
            KnownAdvice::WillNeed => prefetch(self.reservation.base + offset, length),
        }
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
        let start = self.reservation.base + offset;
        let access = self.reservation.access();
        match (advice, access) {
            (UncheckedAdvice::DontNeed, None) => {
                let _change = self.reservation.change();
                // SAFETY: no code relies on the contents; the memory contains zeros afterwards.
                let back = unsafe {
                    VirtualFree(start as *mut _, length, MEM_DECOMMIT) != 0
                        && !VirtualAlloc(start as *const _, length, MEM_COMMIT, PAGE_READWRITE)
                            .is_null()
                };
                if back {
                    Ok(())
                } else {
                    Err(SysError::last("madvise"))
                }
            }
            (UncheckedAdvice::Free, None) => {
                // SAFETY: no code relies on the contents.
                let reset =
                    unsafe { VirtualAlloc(start as *const _, length, MEM_RESET, PAGE_READWRITE) };
                if reset.is_null() {
                    Err(SysError::last("madvise"))
                } else {
                    Ok(())
                }
            }
            // SAFETY: pages of a shared file keep their contents, in the file.
            (UncheckedAdvice::DontNeed, Some(PageAccess::Shared)) => unsafe {
                release_pages(start, length, NO_HANDLE, 0)
            },
            (UncheckedAdvice::Free, Some(_)) => Err(SysError::new(EINVAL, "madvise")),
            // The file's pages replace the private pages.
            (UncheckedAdvice::DontNeed, Some(_)) => {
                replace_range(&self.reservation, &(start..start + length), Fill::File)
            }
        }
    }

    /// Writes changed pages of a range to the file.
    pub fn flush(&self, offset: usize, length: usize) -> Result<()> {
        let page = page_size();
        let start = (self.reservation.base + offset) / page * page;
        let end = (self.reservation.base + offset + length).next_multiple_of(page);
        // SAFETY: the pages are ours.
        unsafe { write_pages(start, end - start) }
    }
}

impl Drop for RawRegion {
    fn drop(&mut self) {
        self.reservation.unregister();
        let _change = self.reservation.change();
        for segment in self.reservation.segments() {
            let start = segment.start as *mut _;
            // SAFETY: no code uses the pages any more. On failure they stay as they are.
            unsafe {
                if segment.kind == SegmentKind::View {
                    UnmapViewOfFile(MEMORY_MAPPED_VIEW_ADDRESS { Value: start });
                } else {
                    VirtualFree(start, 0, MEM_RELEASE);
                }
            }
        }
    }
}
