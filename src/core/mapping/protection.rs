//! Ranges of a mapping that `protect` made read-only.

use std::sync::Arc;

use crate::core::error::{Error, Result};
use crate::core::mapping::mapping::{Mapping, lock};
use crate::core::mapping::mode::Mode;
use crate::core::mapping::region::Region;
use crate::core::sys;

impl Mapping {
    /// Makes whole pages read-only, or writable again. Fails with `ERR_MEMMAP_MISALIGNED` if the
    /// range does not consist of whole pages.
    pub fn protect(&self, writable: bool, offset: u64, length: u64) -> Result<()> {
        self.check_range(offset, length)?;
        if writable && self.mode() == Mode::Read {
            return Err(self.read_only("It cannot be made writable"));
        }
        let Some(region) = self.region()? else {
            return Ok(());
        };
        if length == 0 {
            return Ok(());
        }
        let _held = region.hold()?;
        let page = region.page_size();
        let address = region.address() + offset as usize;
        let end = offset + length;
        let starts_on_page = offset == 0 || address.is_multiple_of(page);
        let ends_on_page = end == self.length() || (address + length as usize).is_multiple_of(page);
        if !starts_on_page || !ends_on_page {
            return Err(Error::rule(
                "ERR_MEMMAP_MISALIGNED",
                format!(
                    "Only whole pages of {page} bytes can be protected, and the {length} bytes at \
                     offset {offset} (offset {} of the file) are not whole pages",
                    self.offset() + offset
                ),
            ));
        }
        region.split()?;
        let (start, span) = region.pages_of(offset as usize, length as usize);
        // SAFETY: the pages around a range of a region belong to that region.
        unsafe { sys::protect_pages(start, span, writable) }?;
        // The range includes the rest of the last page, into which the mapping may grow.
        let pages = offset..(start + span - region.address()) as u64;
        if writable {
            lock(&self.protected).remove(&pages);
        } else {
            lock(&self.protected).insert(pages);
        }
        // Views may still use former regions, which the mapping has outgrown.
        for former in self.regions() {
            let max = end.min(former.room() as u64);
            if Arc::ptr_eq(&former, &region) || offset >= max {
                continue;
            }
            let Ok(_held) = former.hold() else { continue };
            former.split()?;
            let (start, span) = former.pages_of(offset as usize, (max - offset) as usize);
            // SAFETY: as above.
            unsafe { sys::protect_pages(start, span, writable) }?;
        }
        Ok(())
    }

    /// Makes the ranges read-only again that `protect` made read-only, after their pages were
    /// mapped anew.
    pub(in crate::core) fn reapply_protection(&self, region: &Region) -> Result<()> {
        // If mapped files cannot be truncated, no pages exist after the end.
        let max = if sys::TRUNCATES_MAPPED_FILES {
            region.room()
        } else {
            region.length()
        };
        for range in lock(&self.protected).iter() {
            let end = range.end.min(max as u64);
            if range.start >= end {
                continue;
            }
            let (start, span) = region.pages_of(range.start as usize, (end - range.start) as usize);
            // SAFETY: the pages around a range of a region belong to that region.
            unsafe { sys::protect_pages(start, span, false) }?;
        }
        Ok(())
    }

    /// Fails with `ERR_MEMMAP_READ_ONLY` if the library may not write to a range.
    pub fn check_writable(&self, offset: u64, length: u64) -> Result<()> {
        if self.mode() == Mode::Read {
            return Err(self.read_only("Its bytes cannot be changed"));
        }
        if lock(&self.protected).overlaps(&(offset..offset.saturating_add(length))) {
            return Err(self.read_only("protect() made a part of that range read-only"));
        }
        Ok(())
    }
}
