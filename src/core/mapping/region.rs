//! Regions: runs of mapped address space, from mapping to unmapping.
//!
//! These objects refer to a region:
//!
//! ```text
//!  JavaScript                         Rust
//!  Mapping ── handle ───────────────▶ Mapping ──Arc──▶ Region ──▶ pages
//!     │                                                  ▲
//!     └─▶ ArrayBuffer ◀── every view                     │
//!              └── two finalizers, together one ──Arc────┘
//! ```
//!
//! Closing removes the pages, but keeps the addresses reserved, because system calls and jobs that
//! started before may still use them. [`Region::revoke`] therefore replaces the pages by an
//! inaccessible reservation. The addresses are released when the last `Arc` is dropped.

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
    /// The offset of the first byte of the mapping in the first page, in bytes.
    offset_in_page: usize,
    length: AtomicUsize,
    /// The length of all pages in bytes, including those after `length`.
    span: usize,
    page_size: usize,
    is_open: RwLock<bool>,
    pub(super) file: RwLock<Option<Arc<SharedFile>>>,
    /// The number of array buffers that hold the region, for the registry.
    views: AtomicU64,
}

/// A guard that keeps the region from being revoked.
#[derive(Debug)]
pub struct InUse<'a>(#[expect(dead_code, reason = "held, not read")] RwLockReadGuard<'a, bool>);

impl Region {
    /// Makes a region of pages that were just mapped, and enters it into the table of the fault
    /// guard.
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

    /// Returns the address of the first byte. The address stays reserved as long as the region
    /// exists. It can be read until the region is revoked, and after that as zeros, by the fault
    /// guard.
    #[must_use]
    pub fn address(&self) -> usize {
        self.pages.address() + self.offset_in_page
    }

    /// Returns the offset of the first byte in the first page, in bytes.
    #[must_use]
    pub fn offset_in_page(&self) -> usize {
        self.offset_in_page
    }

    /// Returns the size of its pages in bytes. Huge pages are larger than the pages of the system.
    #[must_use]
    pub fn page_size(&self) -> usize {
        self.page_size
    }

    /// Returns the address and length in bytes of the whole pages that a range touches.
    #[must_use]
    pub fn pages_of(&self, offset: usize, length: usize) -> (usize, usize) {
        let address = self.address() + offset;
        let start = address / self.page_size * self.page_size;
        (
            start,
            (address + length).next_multiple_of(self.page_size) - start,
        )
    }

    /// Returns the length in bytes.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length.load(Ordering::Acquire)
    }

    /// Returns the capacity: the length in bytes to which the region can grow in place.
    #[must_use]
    pub fn room(&self) -> usize {
        self.span - self.offset_in_page
    }

    /// Sets the length, which must not exceed the capacity. Pages after the end stay mapped.
    pub fn set_length(&self, length: usize) {
        debug_assert!(length <= self.room());
        self.length.store(length, Ordering::Release);
    }

    /// Returns the address and length in bytes of all its pages.
    #[must_use]
    pub fn all_pages(&self) -> (usize, usize) {
        (self.pages.address(), self.span)
    }

    /// Maps the pages of the file again that faults have replaced, and removes those faults from
    /// the record. With `keeps_stores`, for private pages that hold stores, only the tail that was
    /// lost when the file became shorter is mapped again.
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
            // SAFETY: the pages belong to this region. The write guard of `is_open` keeps it from
            // being revoked.
            Ok(unsafe { sys::replace_pages(start, length, with) }?)
        })
    }

    /// Counts an additional area of memory, because a range of the region gets its own protection,
    /// lock or advice. Fails if the process cannot have more areas.
    pub fn split(&self) -> Result<()> {
        self.areas.split()
    }

    /// Returns the pages, for calls on ranges of them. Offsets in these calls are relative to the
    /// first page, which starts [`Region::offset_in_page`] bytes before the first byte.
    #[must_use]
    pub fn raw(&self) -> &RawRegion {
        &self.pages
    }

    /// Keeps the region from being revoked until the guard is dropped. Fails with
    /// `ERR_MEMMAP_CLOSED` if it is revoked already.
    pub fn hold(&self) -> Result<InUse<'_>> {
        let open = self.is_open.read().ignore_poison();
        if *open {
            Ok(InUse(open))
        } else {
            Err(Error::closed())
        }
    }

    /// Reports whether the region was revoked.
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        self.slot.get().is_revoked()
    }

    /// Removes the pages and releases the file. The addresses stay reserved. Waits for all guards
    /// of [`Region::hold`], such as those of copies and flushes. Later calls have no effect.
    pub fn revoke(&self) -> Result<()> {
        let mut open = self.is_open.write().ignore_poison();
        if !*open {
            return Ok(());
        }
        *open = false;
        self.slot.get().revoke();
        let base = self.pages.address();
        // The kernel merges neighbouring anonymous regions into one area. Replacing pages in the
        // middle of an area adds areas. If the process cannot have more of them, the pages stay
        // mapped, as zeros that use no memory.
        let is_separate = self.slot.get().kind() != PageKind::Anonymous;
        let has_room = is_separate || self.areas.split().is_ok();
        // SAFETY: base..base + span are the pages of `self.pages`, in whole pages as the kernel
        // mapped them. They are unmapped only when this region is dropped.
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

    /// Returns the file; none after the region is revoked, and for anonymous memory.
    #[must_use]
    pub fn file(&self) -> Option<Arc<SharedFile>> {
        self.file.read().ignore_poison().clone()
    }

    /// Returns the number of faults.
    #[must_use]
    pub fn fault_count(&self) -> u64 {
        self.slot.get().fault_count()
    }

    /// Returns the recorded faults, oldest first.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        self.slot.get().faults()
    }

    /// Returns the slot in the table of the fault guard.
    #[must_use]
    pub fn slot(&self) -> &'static Slot {
        self.slot.get()
    }

    /// Returns the number of array buffers that hold the region.
    #[must_use]
    pub fn views(&self) -> u64 {
        self.views.load(Ordering::Relaxed)
    }

    /// Adds an array buffer to the count.
    pub fn add_view(&self) {
        self.views.fetch_add(1, Ordering::Relaxed);
    }

    /// Removes an array buffer from the count.
    pub fn remove_view(&self) {
        self.views.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // The kernel merges neighbouring regions into one area if they are anonymous or revoked.
        // Unmapping in the middle of an area adds an area. If the process cannot have more areas,
        // the address space stays reserved, without memory.
        let has_neighbours = self.is_revoked() || self.slot.get().kind() == PageKind::Anonymous;
        // Unmapping a region that consists of several areas frees more areas than it adds.
        if has_neighbours && self.areas.is_whole() && limits::add_areas(1).is_err() {
            let base = self.pages.address();
            // SAFETY: the region is being dropped, so nothing refers to its pages. A failure leaves
            // the memory as it is.
            let _ = unsafe { sys::free_pages(base, self.span) };
            return;
        }
        // SAFETY: both are dropped once, here. The slot is released before the addresses are
        // unmapped and can belong to another mapping.
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
    fn anonymous_memory_holds_zeros_and_is_removed_when_revoked() {
        let region = Region::anonymous(&Anonymous::of(10_000), 1).unwrap();
        // SAFETY: the region is mapped, and no other code writes to it.
        let bytes = unsafe { std::slice::from_raw_parts(region.address() as *const u8, 10_000) };
        assert!(bytes.iter().all(|&b| b == 0));
        region.revoke().unwrap();
        assert!(!sys::is_readable(region.address()) || cfg!(not(target_os = "linux")));
        assert!(region.hold().is_err());
        region.revoke().unwrap();
    }

    #[test]
    fn revoking_waits_until_the_region_is_not_held() {
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
