//! A region: one contiguous run of mapped address space, and its end.
//!
//! Who holds what:
//!
//! ```text
//!  JavaScript                         Rust
//!  Mapping ── handle ───────────────▶ Mapping ──Arc──▶ Region ──▶ pages
//!     │                                                  ▲
//!     └─▶ ArrayBuffer ◀── every view                     │
//!              └── two finalizers, together one ──Arc────┘
//! ```
//!
//! Closing takes the pages away but not the addresses: system calls and jobs that were started
//! before may still hold them. [`Region::revoke`] therefore puts an inaccessible reservation in
//! place of the pages, and the addresses are given back when the last `Arc` is dropped.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, RwLock, RwLockReadGuard};

use std::mem::ManuallyDrop;

use crate::core::error::{Error, Result};
use crate::core::fault::record::Fault;
use crate::core::fault::region_table::SlotHandle;
use crate::core::fault::slot::{Claim, PageKind, Slot};
use crate::core::file::shared_file::SharedFile;
use crate::core::limits::{self, AreaCount};
use crate::core::poison::IgnorePoison;
use crate::core::sys::{self, PageAccess, RawRegion, Replacement};

/// A run of mapped address space.
#[derive(Debug)]
pub struct Region {
    slot: ManuallyDrop<SlotHandle>,
    pages: ManuallyDrop<RawRegion>,
    areas: AreaCount,
    /// Bytes between the first page and the first byte that the user asked for.
    offset_in_page: usize,
    length: AtomicUsize,
    /// Whole pages, in bytes, those behind `length` included.
    span: usize,
    page_size: usize,
    is_open: RwLock<bool>,
    pub(super) file: RwLock<Option<Arc<SharedFile>>>,
    /// Array buffers that hold the region, for the ledger.
    views: AtomicU64,
}

/// Proof that the region can't be revoked while it lives.
#[derive(Debug)]
pub struct InUse<'a>(#[expect(dead_code, reason = "held, not read")] RwLockReadGuard<'a, bool>);

impl Region {
    pub(super) fn enter(
        pages: RawRegion,
        length: usize,
        areas: AreaCount,
        claim: Claim<'_>,
    ) -> Result<Self> {
        let (base, offset_in_page, page_size) =
            (pages.address(), claim.offset_in_page, claim.page_size);
        let span = pages.len().next_multiple_of(page_size);
        let slot = SlotHandle::claim(&Claim {
            base,
            length: span,
            ..claim
        })?;
        Ok(Self {
            slot: ManuallyDrop::new(slot),
            pages: ManuallyDrop::new(pages),
            areas,
            offset_in_page,
            length: AtomicUsize::new(length),
            span,
            page_size,
            is_open: RwLock::new(true),
            file: RwLock::new(None),
            views: AtomicU64::new(0),
        })
    }

    /// The address of the first byte. Valid address space as long as the region lives; readable
    /// as long as it is not revoked (and after that as zeros, by the fault guard).
    #[must_use]
    pub fn address(&self) -> usize {
        self.pages.address() + self.offset_in_page
    }

    /// Bytes between the first page and the first byte.
    #[must_use]
    pub fn offset_in_page(&self) -> usize {
        self.offset_in_page
    }

    /// The size of its pages in bytes: huge pages are larger than the system's.
    #[must_use]
    pub fn page_size(&self) -> usize {
        self.page_size
    }

    /// The whole pages that a range of it touches: address and bytes.
    #[must_use]
    pub fn pages_of(&self, offset: usize, length: usize) -> (usize, usize) {
        let address = self.address() + offset;
        let start = address / self.page_size * self.page_size;
        (
            start,
            (address + length).next_multiple_of(self.page_size) - start,
        )
    }

    /// Length in bytes.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length.load(Ordering::Acquire)
    }

    /// What its length can be without another address, in bytes.
    #[must_use]
    pub fn room(&self) -> usize {
        self.span - self.offset_in_page
    }

    /// Makes it longer or shorter, within its room. What is behind the end stays mapped.
    pub fn set_length(&self, length: usize) {
        debug_assert!(length <= self.room());
        self.length.store(length, Ordering::Release);
    }

    /// All its pages: address and bytes.
    #[must_use]
    pub fn all_pages(&self) -> (usize, usize) {
        (self.pages.address(), self.span)
    }

    /// Puts the file's pages back where faults have replaced them, and forgets those faults. Of
    /// private pages with contents only the tail that the file had lost.
    pub fn repair(&self, access: PageAccess, keeps_stores: bool) -> Result<()> {
        let open = self.is_open.write().ignore_poison();
        let Some(file) = self.file().filter(|_| *open) else {
            return Ok(());
        };
        self.slot.get().repair(keeps_stores, |start, length| {
            let (fd, offset) = (file.fd(), self.slot.get().file_offset(start));
            let with = match access {
                PageAccess::CopyOnWrite => Replacement::PrivateFile { fd, offset },
                PageAccess::ReadOnly | PageAccess::Shared => Replacement::SharedFile {
                    fd,
                    offset,
                    writable: access == PageAccess::Shared,
                },
            };
            // SAFETY: the pages are this region's, which is open and can't be revoked meanwhile.
            Ok(unsafe { sys::replace_pages(start, length, with) }?)
        })
    }

    /// Notes that a part of it gets a treatment of its own, or says that there is no room for
    /// more such parts in the process.
    pub fn split(&self) -> Result<()> {
        self.areas.split()
    }

    /// What memmap2 made, for its ranged calls; its offsets count from the first page, which is
    /// [`Region::offset_in_page`] before the first byte.
    #[must_use]
    pub fn raw(&self) -> &RawRegion {
        &self.pages
    }

    /// Keeps the region from being revoked, or says that it is closed.
    pub fn hold(&self) -> Result<InUse<'_>> {
        let open = self.is_open.read().ignore_poison();
        if *open {
            Ok(InUse(open))
        } else {
            Err(Error::closed())
        }
    }

    /// Whether it was revoked.
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        self.slot.get().is_revoked()
    }

    /// Takes the pages away and lets the file go; the addresses stay reserved. Waits for calls
    /// of ours that are copying or flushing. Once is enough.
    pub fn revoke(&self) -> Result<()> {
        let mut open = self.is_open.write().ignore_poison();
        if !*open {
            return Ok(());
        }
        *open = false;
        self.slot.get().revoke();
        let base = self.pages.address();
        // Memory without a file is one piece with its neighbours, and taking it out of the middle
        // adds some. Where there is no room for that it stays, as zeros that take up nothing.
        let is_piece = self.slot.get().kind() != PageKind::Anonymous;
        let has_room = is_piece || self.areas.split().is_ok();
        // SAFETY: base..base + span is what memmap2 mapped for us, rounded to whole pages as the
        // kernel did, and it is unmapped only when this region is dropped.
        let result = unsafe {
            if has_room {
                sys::replace_pages(base, self.span, Replacement::Nothing)
            } else {
                sys::free_pages(base, self.span)
            }
        };
        *self.file.write().ignore_poison() = None;
        Ok(result?)
    }

    /// The file, until the region is revoked.
    #[must_use]
    pub fn file(&self) -> Option<Arc<SharedFile>> {
        self.file.read().ignore_poison().clone()
    }

    /// How many faults there were.
    #[must_use]
    pub fn fault_count(&self) -> u64 {
        self.slot.get().fault_count()
    }

    /// The first faults, oldest first.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        self.slot.get().faults()
    }

    /// The slot in the fault guard's table.
    #[must_use]
    pub fn slot(&self) -> &'static Slot {
        self.slot.get()
    }

    /// Array buffers that hold the region.
    #[must_use]
    pub fn views(&self) -> u64 {
        self.views.load(Ordering::Relaxed)
    }

    /// Counts an array buffer.
    pub fn add_view(&self) {
        self.views.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one less.
    pub fn remove_view(&self) {
        self.views.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // Neighbours without a file are one piece to the system, revoked ones too. Unmapping in
        // the middle of it adds a piece; where there is no room for that, the address space is
        // kept, without memory behind it.
        let has_neighbours = self.is_revoked() || self.slot.get().kind() == PageKind::Anonymous;
        // One that was cut to areas frees more than it adds.
        if has_neighbours && self.areas.is_whole() && limits::add_areas(1).is_err() {
            let base = self.pages.address();
            // SAFETY: nobody holds the region any more. What fails leaves the memory as it is.
            let _ = unsafe { sys::free_pages(base, self.span) };
            return;
        }
        // SAFETY: each is dropped once, here. The table forgets the addresses before they can
        // be somebody else's.
        unsafe {
            ManuallyDrop::drop(&mut self.slot);
            ManuallyDrop::drop(&mut self.pages);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::mapping::map_region::Anonymous;

    #[test]
    fn anonymous_memory_is_zeros_and_goes_when_revoked() {
        let region = Region::anonymous(&Anonymous::of(10_000), 1).unwrap();
        // SAFETY: the region is mapped and nobody else writes to it.
        let bytes = unsafe { std::slice::from_raw_parts(region.address() as *const u8, 10_000) };
        assert!(bytes.iter().all(|&b| b == 0));
        region.revoke().unwrap();
        assert!(!sys::is_readable(region.address()) || cfg!(not(target_os = "linux")));
        assert!(region.hold().is_err());
        region.revoke().unwrap();
    }

    #[test]
    fn revoking_waits_for_who_holds_it() {
        let region = Arc::new(Region::anonymous(&Anonymous::of(4096), 2).unwrap());
        let hold = region.hold().unwrap();
        let other = Arc::clone(&region);
        let revoker = std::thread::spawn(move || other.revoke());
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(!region.is_revoked());
        drop(hold);
        revoker.join().unwrap().unwrap();
        assert!(region.is_revoked());
    }
}
