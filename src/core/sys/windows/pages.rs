//! Mapped address space: where it is, what it shows, and who changes it.
//!
//! A run of addresses is taken first, as a placeholder, and views of the file are put into it. So
//! it can hold more than the file has, views can be taken out and put back in place, and no other
//! thread can get the addresses meanwhile. Where the system has no placeholders there is one view,
//! as large as what was asked for.

use std::collections::BTreeMap;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};

use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_COPY, FILE_MAP_READ, FILE_MAP_WRITE, MEM_COMMIT, MEM_DECOMMIT,
    MEM_FREE, MEM_MAPPED, MEM_PRESERVE_PLACEHOLDER, MEM_RELEASE, MEM_REPLACE_PLACEHOLDER,
    MEM_RESERVE, MEM_RESERVE_PLACEHOLDER, MEM_RESET, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile,
    PAGE_NOACCESS, PAGE_READONLY, PAGE_READWRITE, PAGE_WRITECOPY, UnmapViewOfFile, VirtualAlloc,
    VirtualFree,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, GetCurrentThreadId};

use super::call::{Placeholders, placeholders};
use super::errno::{EINVAL, ENOMEM, EPERM};
use super::handle::{RawHandle, own, pointer};
use super::memory::{KnownAdvice, UncheckedAdvice, page_size, protect_pages, query, runs_of};
use super::residency::prefetch;
use crate::core::error::{Error, Result};
use crate::core::sys::{FilePages, PageAccess};

/// A read-only view has private pages, so that the one that is stored into can be made writable.
pub const READ_ONLY_IS_PRIVATE: bool = true;

/// `VirtualFree`: makes one placeholder of all in a range.
const MEM_COALESCE_PLACEHOLDERS: u32 = 1;

/// The runs of addresses that are ours, by their beginning.
static HOMES: RwLock<BTreeMap<usize, Arc<Home>>> = RwLock::new(BTreeMap::new());

/// A run of addresses.
#[derive(Debug)]
pub(super) struct Home {
    pub base: usize,
    pub span: usize,
    /// The thread that is changing what is there; 0 for none.
    changer: AtomicU32,
    state: Mutex<State>,
}

/// What is at the addresses.
#[derive(Debug)]
pub(super) struct State {
    /// The file; none for memory without one.
    pub source: Option<Source>,
    /// How much from the beginning on is mapped, or committed; whole pages.
    pub mapped: usize,
    /// With placeholders around the views.
    pub calls: Option<Placeholders>,
    is_revoked: bool,
}

/// What the views show.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    pub handle: RawHandle,
    /// Where in the file the first page lies.
    pub offset: u64,
    pub access: PageAccess,
    /// Private pages are promised when they are stored into, and not before.
    pub copies_lazily: bool,
}

/// The run that an address belongs to.
pub(super) fn home_of(address: usize) -> Option<Arc<Home>> {
    let homes = HOMES.read().unwrap_or_else(PoisonError::into_inner);
    let (_, home) = homes.range(..=address).next_back()?;
    (address < home.base + home.span).then(|| Arc::clone(home))
}

/// Waits if another thread is changing what is at `address`; true if it did.
pub(super) fn wait_for_change(address: usize) -> bool {
    let Some(home) = home_of(address) else {
        return false;
    };
    // SAFETY: no preconditions.
    if home.changer.load(Ordering::Acquire) == unsafe { GetCurrentThreadId() } {
        return false;
    }
    match home.state.try_lock() {
        Ok(_) | Err(TryLockError::Poisoned(_)) => false,
        Err(TryLockError::WouldBlock) => {
            drop(home.state.lock());
            true
        }
    }
}

/// The right to change what is there.
pub(super) struct Change<'a> {
    home: &'a Home,
    pub state: MutexGuard<'a, State>,
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        self.home.changer.store(0, Ordering::Release);
    }
}

impl Home {
    fn enter(base: usize, span: usize, state: State) -> Arc<Self> {
        let home = Arc::new(Self {
            base,
            span,
            changer: AtomicU32::new(0),
            state: Mutex::new(state),
        });
        HOMES
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(base, Arc::clone(&home));
        home
    }

    /// Keeps others from changing anything, and from looking while it is changed.
    pub fn change(&self) -> Change<'_> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: no preconditions.
        let me = unsafe { GetCurrentThreadId() };
        self.changer.store(me, Ordering::Release);
        Change { home: self, state }
    }

    /// How its pages may be used; none for memory without a file.
    pub fn access(&self) -> Option<PageAccess> {
        self.change().state.source.map(|source| source.access)
    }

    /// Maps the file's pages at `from..to`, bytes from the beginning, into a placeholder that is
    /// as large.
    pub fn map(&self, state: &State, from: usize, to: usize) -> Result<()> {
        let (Some(source), Some(calls)) = (state.source, state.calls) else {
            return Err(Error::system(EINVAL, "mmap"));
        };
        let section = section(&source)?;
        let start = source.offset + from as u64;
        let map = |length: usize| {
            // SAFETY: the placeholder is ours, and as large as the view; the section is valid.
            unsafe {
                (calls.map)(
                    pointer(super::raw(&section)),
                    GetCurrentProcess(),
                    (self.base + from) as *const _,
                    start,
                    length,
                    MEM_REPLACE_PLACEHOLDER,
                    view_protection(&source),
                    ptr::null_mut(),
                    0,
                )
            }
        };
        let mut view = map(to - from);
        if view.is_null() {
            // Wine wants no more than the file has, and fills the last page by itself.
            let rest = super::fstat(source.handle)?.size.saturating_sub(start) as usize;
            if rest > 0 && rest < to - from && rest.next_multiple_of(page_size()) == to - from {
                view = map(rest);
            }
        }
        if view.is_null() {
            return Err(Error::last("mmap"));
        }
        if source.access == PageAccess::ReadOnly && !source.copies_lazily {
            // SAFETY: the view is ours and new.
            unsafe { protect_pages(self.base + from, to - from, false) }?;
        }
        Ok(())
    }

    /// Makes two placeholders of the one that holds `at`, if it doesn't begin or end there.
    pub fn split(&self, start: usize, end: usize) -> Result<()> {
        let Some(info) = query(start) else {
            return Err(Error::system(EINVAL, "mmap"));
        };
        let (first, last) = (
            info.AllocationBase as usize,
            info.BaseAddress as usize + info.RegionSize,
        );
        if first == start && last == end {
            return Ok(());
        }
        // SAFETY: the addresses are placeholders of ours: the call cuts a part out of them.
        let done = unsafe {
            VirtualFree(
                start as *mut _,
                end - start,
                MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER,
            )
        };
        if done == 0 {
            return Err(Error::last("mmap"));
        }
        Ok(())
    }

    /// Takes everything away for good; the addresses stay ours, and nothing is there.
    pub fn revoke(&self) -> Result<()> {
        let mut change = self.change();
        change.state.is_revoked = true;
        let calls = change.state.calls;
        let mut result = Ok(());
        for piece in self.pieces() {
            result = result.and(reserve_again(&piece, calls));
        }
        change.state.mapped = 0;
        change.state.source = None;
        result
    }

    /// Gives memory without a file back, from `address` on; it has to be covered anew.
    pub fn decommit(&self, address: usize, length: usize) -> Result<()> {
        let mut change = self.change();
        if change.state.source.is_some() {
            return Err(Error::system(EINVAL, "madvise"));
        }
        // SAFETY: the memory is ours, and nobody misses the contents.
        if unsafe { VirtualFree(address as *mut _, length, MEM_DECOMMIT) } == 0 {
            return Err(Error::last("madvise"));
        }
        change.state.mapped = change.state.mapped.min(address - self.base);
        Ok(())
    }

    /// What was taken from the system in one go: views, memory, placeholders.
    pub fn pieces(&self) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        for (run, info) in runs_of(self.base, self.span) {
            let base = info.AllocationBase as usize;
            let kind = match (info.State, info.Type) {
                (MEM_FREE, _) => continue,
                (_, MEM_MAPPED) => PieceKind::View,
                (MEM_RESERVE, _) => PieceKind::Reserved,
                _ => PieceKind::Memory,
            };
            match pieces.last_mut() {
                Some(piece) if piece.start == base => {
                    piece.end = run.end;
                    if kind == PieceKind::Memory {
                        piece.kind = kind;
                    }
                }
                _ => pieces.push(Piece {
                    start: run.start,
                    end: run.end,
                    kind,
                }),
            }
        }
        pieces
    }
}

/// A part of a home that the system knows as one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub start: usize,
    pub end: usize,
    pub kind: PieceKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PieceKind {
    /// A view of the file.
    View,
    /// Memory.
    Memory,
    /// Addresses with nothing behind them.
    Reserved,
}

fn reserve_again(piece: &Piece, calls: Option<Placeholders>) -> Result<()> {
    let (start, length) = (piece.start as *mut _, piece.end - piece.start);
    let result = match (piece.kind, calls) {
        // SAFETY: memory of ours whose contents nobody shall see again.
        (PieceKind::Memory, _) => unsafe { VirtualFree(start, length, MEM_DECOMMIT) != 0 },
        (PieceKind::View, Some(calls)) => {
            unmap_view(piece.start, calls)?;
            reserve_placeholder(piece.start, length, calls)
        }
        (PieceKind::Reserved, Some(calls)) => reserve_placeholder(piece.start, length, calls),
        (PieceKind::View, None) => {
            // Between the two steps another thread may get the addresses; then they are no
            // longer ours, and nothing of ours touches them again.
            // SAFETY: the view is ours.
            unsafe {
                UnmapViewOfFile(MEMORY_MAPPED_VIEW_ADDRESS { Value: start }) != 0
                    && !VirtualAlloc(start, length, MEM_RESERVE, PAGE_NOACCESS).is_null()
            }
        }
        (PieceKind::Reserved, None) => true,
    };
    if result {
        Ok(())
    } else {
        Err(Error::last("mmap"))
    }
}

/// Makes a plain reservation of a placeholder, so that memory can be put there page by page. One
/// that is a plain reservation already stays it.
fn reserve_placeholder(start: usize, length: usize, calls: Placeholders) -> bool {
    // SAFETY: the placeholder is ours.
    let address = unsafe {
        (calls.alloc)(
            GetCurrentProcess(),
            start as *const _,
            length,
            MEM_RESERVE | MEM_REPLACE_PLACEHOLDER,
            PAGE_NOACCESS,
            ptr::null_mut(),
            0,
        )
    };
    !address.is_null()
}

/// Takes a view away and leaves a placeholder.
pub(super) fn unmap_view(start: usize, calls: Placeholders) -> Result<()> {
    // SAFETY: the view is ours; who comes to it meanwhile waits.
    let done = unsafe {
        (calls.unmap)(
            GetCurrentProcess(),
            start as *const _,
            MEM_PRESERVE_PLACEHOLDER,
        )
    };
    if done == 0 {
        Err(Error::last("munmap"))
    } else {
        Ok(())
    }
}

fn section(source: &Source) -> Result<super::Handle> {
    let protection = match source.access {
        PageAccess::Shared => PAGE_READWRITE,
        PageAccess::CopyOnWrite | PageAccess::ReadOnly => PAGE_WRITECOPY,
    };
    // SAFETY: a bad handle is an error. Without a size the section has that of the file.
    let section = unsafe {
        CreateFileMappingW(
            pointer(source.handle),
            ptr::null(),
            protection,
            0,
            0,
            ptr::null(),
        )
    };
    own(section, "mmap")
}

fn view_protection(source: &Source) -> u32 {
    match source.access {
        PageAccess::Shared => PAGE_READWRITE,
        _ if source.copies_lazily => PAGE_READONLY,
        _ => PAGE_WRITECOPY,
    }
}

/// Why addresses or memory could not be had. All that is asked for is sound but for its amount, and
/// the system says so in several ways: more than the processor can address is a wrong parameter.
fn no_room() -> Error {
    let error = Error::last("mmap");
    match error.errno() {
        Some(EINVAL | EPERM) => Error::system(ENOMEM, "mmap"),
        _ => error,
    }
}

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
            return Err(Error::rule(
                "ERR_MEMMAP_UNSUPPORTED",
                "Room to grow in place ('reserve') needs Windows 10 1803 or later",
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
            return Err(Error::last("mmap"));
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
            return Err(Error::rule(
                "ERR_MEMMAP_UNSUPPORTED",
                "Huge pages need a right on Windows that programs don't have (Lock pages in memory)",
            ));
        }
        if no_reserve {
            return Err(Error::rule(
                "ERR_MEMMAP_UNSUPPORTED",
                "Windows promises all memory that it hands out: 'noReserve' can't be had; use \
                 'reserve' for address space to grow into",
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
                    Err(Error::last("madvise"))
                }
            }
            (UncheckedAdvice::Free, None) => {
                // SAFETY: memory of ours that nobody relies on.
                let reset =
                    unsafe { VirtualAlloc(start as *const _, length, MEM_RESET, PAGE_READWRITE) };
                if reset.is_null() {
                    Err(Error::last("madvise"))
                } else {
                    Ok(())
                }
            }
            // SAFETY: pages of a shared file keep their contents, in the file.
            (UncheckedAdvice::DontNeed, Some(PageAccess::Shared)) => unsafe {
                super::release_pages(start, length, super::NO_HANDLE, 0)
            },
            (UncheckedAdvice::Free, Some(_)) => Err(Error::system(EINVAL, "madvise")),
            // The file's pages are put where the private ones were.
            (UncheckedAdvice::DontNeed, Some(_)) => super::splice::splice(
                &self.home,
                &(start..start + length),
                super::splice::Fill::File,
            ),
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
        HOMES
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.home.base);
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
