//! Runs of addresses: what is there, and who changes it.
//!
//! A run is taken first, as a placeholder, and views of the file are put into it. So it can hold
//! more than the file has, views can be taken out and put back in place, and no other thread can
//! get the addresses meanwhile. Where the system has no placeholders there is one view, as large as
//! what was asked for.

use std::collections::BTreeMap;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock, TryLockError};

use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, MEM_DECOMMIT, MEM_FREE, MEM_MAPPED, MEM_PRESERVE_PLACEHOLDER, MEM_RELEASE,
    MEM_REPLACE_PLACEHOLDER, MEM_RESERVE, MEMORY_MAPPED_VIEW_ADDRESS, PAGE_NOACCESS, PAGE_READONLY,
    PAGE_READWRITE, PAGE_WRITECOPY, UnmapViewOfFile, VirtualAlloc, VirtualFree,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, GetCurrentThreadId};

use super::call::Placeholders;
use super::errno::{EINVAL, ENOMEM, EPERM};
use super::handle::{own, pointer};
use super::virtual_memory::{page_size, protect_pages, query, runs_of};
use crate::core::poison::IgnorePoison;
use crate::core::sys::error::{Result, SysError};
use crate::core::sys::{PageAccess, RawHandle};

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
    /// The addresses were lost to somebody else, which without placeholders can happen.
    is_lost: AtomicBool,
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
    pub is_revoked: bool,
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
    let homes = HOMES.read().ignore_poison();
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
    /// Makes a run that was taken from the system known.
    pub fn enter(base: usize, span: usize, state: State) -> Arc<Self> {
        let home = Arc::new(Self {
            base,
            span,
            changer: AtomicU32::new(0),
            state: Mutex::new(state),
            is_lost: AtomicBool::new(false),
        });
        HOMES
            .write()
            .ignore_poison()
            .insert(base, Arc::clone(&home));
        home
    }

    /// The end of it: no fault is looked up there any more.
    pub fn leave(&self) {
        HOMES.write().ignore_poison().remove(&self.base);
    }

    /// Keeps others from changing anything, and from looking while it is changed.
    pub fn change(&self) -> Change<'_> {
        let state = self.state.lock().ignore_poison();
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
            return Err(SysError::new(EINVAL, "mmap"));
        };
        let section = section(&source)?;
        let start = source.offset + from as u64;
        let map = |length: usize| {
            // SAFETY: the placeholder is ours, and as large as the view; the section is valid.
            let view = unsafe {
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
            };
            if view.is_null() {
                Err(SysError::last("mmap"))
            } else {
                Ok(())
            }
        };
        let mut result = map(to - from);
        if result.is_err() {
            // Wine wants no more than the file has, and fills the last page by itself.
            let rest = super::fstat(source.handle)?.size.saturating_sub(start) as usize;
            if rest > 0 && rest < to - from && rest.next_multiple_of(page_size()) == to - from {
                result = map(rest);
            }
        }
        result?;
        if source.access == PageAccess::ReadOnly && !source.copies_lazily {
            // SAFETY: the view is ours and new.
            unsafe { protect_pages(self.base + from, to - from, false) }?;
        }
        Ok(())
    }

    /// Makes two placeholders of the one that holds `at`, if it doesn't begin or end there.
    pub fn split(&self, start: usize, end: usize) -> Result<()> {
        let Some(info) = query(start) else {
            return Err(SysError::new(EINVAL, "mmap"));
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
            return Err(SysError::last("mmap"));
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
            result = result.and(self.reserve_again(&piece, calls));
        }
        change.state.mapped = 0;
        change.state.source = None;
        result
    }

    fn reserve_again(&self, piece: &Piece, calls: Option<Placeholders>) -> Result<()> {
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
                let view = MEMORY_MAPPED_VIEW_ADDRESS { Value: start };
                // SAFETY: the view is ours, the only one of this run.
                if unsafe { UnmapViewOfFile(view) } == 0 {
                    return Err(SysError::last("munmap"));
                }
                // SAFETY: addresses of nobody; another thread may have got them meanwhile.
                let address = unsafe { VirtualAlloc(start, length, MEM_RESERVE, PAGE_NOACCESS) };
                if address.is_null() {
                    let error = SysError::last("mmap");
                    self.is_lost.store(true, Ordering::Release);
                    self.leave();
                    return Err(error);
                }
                true
            }
            (PieceKind::Reserved, None) => true,
        };
        if result {
            Ok(())
        } else {
            Err(SysError::last("mmap"))
        }
    }

    /// Gives memory without a file back, from `address` on; it has to be covered anew.
    pub fn decommit(&self, address: usize, length: usize) -> Result<()> {
        let mut change = self.change();
        if change.state.source.is_some() {
            return Err(SysError::new(EINVAL, "madvise"));
        }
        // SAFETY: the memory is ours, and nobody misses the contents.
        if unsafe { VirtualFree(address as *mut _, length, MEM_DECOMMIT) } == 0 {
            return Err(SysError::last("madvise"));
        }
        change.state.mapped = change.state.mapped.min(address - self.base);
        Ok(())
    }

    /// What was taken from the system in one go: views, memory, placeholders.
    pub fn pieces(&self) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        if self.is_lost.load(Ordering::Acquire) {
            return pieces;
        }
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
        Err(SysError::last("munmap"))
    } else {
        Ok(())
    }
}

/// The file as something that views are made of.
pub(super) fn section(source: &Source) -> Result<super::Handle> {
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

/// How the pages of its views may be used.
pub(super) fn view_protection(source: &Source) -> u32 {
    match source.access {
        PageAccess::Shared => PAGE_READWRITE,
        _ if source.copies_lazily => PAGE_READONLY,
        _ => PAGE_WRITECOPY,
    }
}

/// Why addresses or memory could not be had. All that is asked for is sound but for its amount, and
/// the system says so in several ways: more than the processor can address is a wrong parameter.
pub(super) fn no_room() -> SysError {
    let error = SysError::last("mmap");
    match error.errno() {
        Some(EINVAL | EPERM) => SysError::new(ENOMEM, "mmap"),
        _ => error,
    }
}
