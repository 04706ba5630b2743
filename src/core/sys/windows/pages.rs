//! Mapped address space, as the regions of the library have it: runs of addresses with the views of
//! a file, or memory, in them.

use std::ptr;
use std::sync::Arc;

use windows_sys::Win32::System::Memory::{
    FILE_MAP_COPY, FILE_MAP_READ, FILE_MAP_WRITE, MEM_COMMIT, MEM_DECOMMIT, MEM_RELEASE,
    MEM_RESERVE, MEM_RESERVE_PLACEHOLDER, MEM_RESET, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile,
    PAGE_NOACCESS, PAGE_READWRITE, PAGE_WRITECOPY, UnmapViewOfFile, VirtualAlloc, VirtualFree,
};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

use super::call::placeholders;
use super::errno::{EINVAL, ENOMEM};
use super::handle::pointer;
use super::home::{
    Change, Home, PieceKind, Source, State, no_room, section, unmap_view, view_protection,
};
use super::memory::{KnownAdvice, UncheckedAdvice};
use super::residency::prefetch;
use super::splice::{Fill, splice};
use super::virtual_memory::{page_size, protect_pages};
use crate::core::sys::error::{Result, SysError};
use crate::core::sys::{FilePages, PageAccess};

/// A read-only view has private pages, so that the one that is stored into can be made writable.
pub const READ_ONLY_IS_PRIVATE: bool = true;

/// No file is cut as long as anybody maps it.
pub const CUTS_MAPPED_FILES: bool = false;

/// All memory that is handed out is promised.
pub const HAS_UNRESERVED_MEMORY: bool = false;

/// Whether address space can be set aside for a mapping to grow into.
#[must_use]
pub fn can_set_aside() -> bool {
    placeholders().is_some()
}

/// `VirtualFree`: makes one placeholder of all in a range.
const MEM_COALESCE_PLACEHOLDERS: u32 = 1;

/// Mapped address space of ours.
#[derive(Debug)]
pub struct Pages {
    home: Arc<Home>,
    copies_lazily: bool,
}

impl Pages {
    /// Maps a file.
    pub fn of_file(file: &FilePages) -> Result<Self> {
        let mut source = Source {
            handle: file.handle,
            offset: file.offset,
            access: file.access,
            copies_lazily: false,
        };
        let first = Self::map_file(file, source);
        match first {
            // Private pages are promised all at once: more than memory and page file have. Then
            // each is promised when it is stored into.
            Err(error)
                if error.errno() == Some(ENOMEM)
                    && file.no_reserve
                    && file.access != PageAccess::Shared =>
            {
                source.copies_lazily = true;
                Self::map_file(file, source)
            }
            result => result,
        }
    }

    fn map_file(file: &FilePages, source: Source) -> Result<Self> {
        let page = page_size();
        let span = file.room.max(file.length).next_multiple_of(page);
        let mapped = file.length.next_multiple_of(page);
        let Some(calls) = placeholders() else {
            return Self::map_plainly(file, source, span, mapped);
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
            return Err(no_room());
        }
        let state = State {
            source: Some(source),
            mapped,
            calls: Some(calls),
            is_revoked: false,
        };
        // From here on what fails gives the addresses back.
        let pages = Self {
            home: Home::enter(base, span, state),
            copies_lazily: source.copies_lazily,
        };
        if mapped > 0 {
            let change = pages.home.change();
            pages.home.split(base, base + mapped)?;
            pages.home.map(&change.state, 0, mapped)?;
        }
        Ok(pages)
    }

    fn map_plainly(file: &FilePages, source: Source, span: usize, mapped: usize) -> Result<Self> {
        if span > mapped {
            return Err(SysError::Unsupported(
                "Address space to grow into ('reserve') needs Windows 10 1803 or later",
            ));
        }
        let section = section(&source)?;
        let access = match view_protection(&source) {
            PAGE_READWRITE => FILE_MAP_READ | FILE_MAP_WRITE,
            PAGE_WRITECOPY => FILE_MAP_COPY,
            _ => FILE_MAP_READ,
        };
        // SAFETY: a new view, where the system likes.
        let base = unsafe {
            MapViewOfFile(
                pointer(super::raw(&section)),
                access,
                (source.offset >> 32) as u32,
                source.offset as u32,
                file.length,
            )
        }
        .Value as usize;
        if base == 0 {
            return Err(SysError::last("mmap"));
        }
        let state = State {
            source: Some(source),
            mapped,
            calls: None,
            is_revoked: false,
        };
        let pages = Self {
            home: Home::enter(base, span, state),
            copies_lazily: source.copies_lazily,
        };
        if source.access == PageAccess::ReadOnly && !source.copies_lazily {
            // SAFETY: the view is ours and new.
            unsafe { protect_pages(base, span, false) }?;
        }
        Ok(pages)
    }

    /// Takes zeros: addresses for `room` bytes, and memory for `length` of them.
    pub fn anonymous(
        length: usize,
        room: usize,
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
        let span = room.max(length).next_multiple_of(page);
        // SAFETY: a new reservation, where the system likes.
        let base = unsafe { VirtualAlloc(ptr::null(), span, MEM_RESERVE, PAGE_NOACCESS) } as usize;
        if base == 0 {
            return Err(no_room());
        }
        let state = State {
            source: None,
            mapped: 0,
            calls: None,
            is_revoked: false,
        };
        let pages = Self {
            home: Home::enter(base, span, state),
            copies_lazily: false,
        };
        pages.cover(length)?;
        Ok(pages)
    }

    /// The address of the first page.
    #[must_use]
    pub fn address(&self) -> usize {
        self.home.base
    }

    /// Bytes of address space.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "there is always a page")]
    pub fn len(&self) -> usize {
        self.home.span
    }

    /// Whether private pages are promised only when they are stored into: a store then traps,
    /// and that is no fault.
    #[must_use]
    pub fn copies_lazily(&self) -> bool {
        self.copies_lazily
    }

    /// Sees that the first `length` bytes are mapped, which the file has by now.
    pub fn cover(&self, length: usize) -> Result<()> {
        let mut change = self.home.change();
        let (from, to) = (change.state.mapped, length.next_multiple_of(page_size()));
        if change.state.is_revoked || to <= from {
            return Ok(());
        }
        let (start, end) = (self.home.base + from, self.home.base + to);
        if change.state.source.is_none() {
            // SAFETY: reserved addresses of ours.
            let memory =
                unsafe { VirtualAlloc(start as *const _, to - from, MEM_COMMIT, PAGE_READWRITE) };
            if memory.is_null() {
                return Err(no_room());
            }
        } else {
            for piece in self.home.pieces() {
                // A fault may have put zeros where the file had nothing.
                let part = piece.start.max(start)..piece.end.min(end);
                if piece.kind == PieceKind::Reserved && part.start < part.end {
                    self.home.split(part.start, part.end)?;
                    let base = self.home.base;
                    self.home
                        .map(&change.state, part.start - base, part.end - base)?;
                }
            }
        }
        change.state.mapped = to;
        Ok(())
    }

    /// Takes the views away until what it gives is dropped or told how much to put back: Windows
    /// doesn't cut a file that is mapped. Who comes to the pages meanwhile waits.
    pub fn let_go(&self) -> Result<Released<'_>> {
        let change = self.home.change();
        let released = Released {
            home: &self.home,
            length: change.state.mapped,
            change: Some(change),
        };
        let change = released.change.as_ref().map(|change| &change.state);
        if let Some(State {
            calls: Some(calls),
            source: Some(_),
            ..
        }) = change.map(|state| &**state)
        {
            for piece in self.home.pieces() {
                if piece.kind == PieceKind::View {
                    unmap_view(piece.start, *calls)?;
                }
            }
        }
        Ok(released)
    }

    /// Gives advice for a range.
    pub fn advise(&self, advice: KnownAdvice, offset: usize, length: usize) -> Result<()> {
        match advice {
            KnownAdvice::Normal => Ok(()),
            KnownAdvice::WillNeed => prefetch(self.home.base + offset, length),
        }
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
        let start = self.home.base + offset;
        let access = self.home.access();
        match (advice, access) {
            (UncheckedAdvice::DontNeed, None) => {
                let _change = self.home.change();
                // SAFETY: memory of ours that nobody relies on; it is zeros when it is back.
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
                // SAFETY: memory of ours that nobody relies on.
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
                super::release_pages(start, length, super::NO_HANDLE, 0)
            },
            (UncheckedAdvice::Free, Some(_)) => Err(SysError::new(EINVAL, "madvise")),
            // The file's pages are put where the private ones were.
            (UncheckedAdvice::DontNeed, Some(_)) => {
                splice(&self.home, &(start..start + length), Fill::File)
            }
        }
    }

    /// Writes changed pages of a range to the file.
    pub fn flush(&self, offset: usize, length: usize) -> Result<()> {
        let page = page_size();
        let start = (self.home.base + offset) / page * page;
        let end = (self.home.base + offset + length).next_multiple_of(page);
        // SAFETY: the pages are ours.
        unsafe { super::write_pages(start, end - start) }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.home.leave();
        let _change = self.home.change();
        for piece in self.home.pieces() {
            let start = piece.start as *mut _;
            // SAFETY: nobody holds the pages any more. What fails leaves them as they are.
            unsafe {
                if piece.kind == PieceKind::View {
                    UnmapViewOfFile(MEMORY_MAPPED_VIEW_ADDRESS { Value: start });
                } else {
                    VirtualFree(start, 0, MEM_RELEASE);
                }
            }
        }
    }
}

/// Views that are away for a moment.
pub struct Released<'a> {
    home: &'a Home,
    length: usize,
    change: Option<Change<'a>>,
}

impl Released<'_> {
    /// Puts back the first `length` bytes.
    pub fn put_back(mut self, length: usize) -> Result<()> {
        self.length = length.next_multiple_of(page_size());
        self.map_again()
    }

    fn map_again(&mut self) -> Result<()> {
        let Some(mut change) = self.change.take() else {
            return Ok(());
        };
        if change.state.calls.is_none() || change.state.source.is_none() {
            return Ok(());
        }
        change.state.mapped = 0;
        let (start, end) = (self.home.base, self.home.base + self.length);
        for piece in self.home.pieces() {
            let part = piece.start.max(start)..piece.end.min(end);
            if piece.kind == PieceKind::Reserved && part.start < part.end {
                self.home.split(part.start, part.end)?;
                self.home
                    .map(&change.state, part.start - start, part.end - start)?;
            }
        }
        change.state.mapped = self.length;
        // Neighbours that are free again become one, for what may come to lie across them.
        let rest = self.home.span - self.length;
        if rest > 0 {
            // SAFETY: placeholders of ours; where they are not all free nothing happens.
            unsafe { VirtualFree(end as *mut _, rest, MEM_RELEASE | MEM_COALESCE_PLACEHOLDERS) };
        }
        Ok(())
    }
}

impl Drop for Released<'_> {
    fn drop(&mut self) {
        // As it was. What fails leaves addresses with nothing behind them, which are faults.
        let _ = self.map_again();
    }
}
