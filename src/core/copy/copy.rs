//! Copies into a mapping and out of it. A page that the system cannot deliver makes a copy fail; it
//! does not end the process.

use std::ptr;

use crate::core::error::{Error, Result};
use crate::core::fault::foreign_memory;
use crate::core::mapping::mapping::Mapping;
use crate::core::sys;
use crate::core::sys::file_kind::Kind;

/// From this many bytes on, the time to check whether the system should write them is well spent.
const LARGE_WRITE: usize = 16 << 10;
/// The number of bytes that one system call writes.
const WRITE_STEP: usize = 1 << 20;

impl Mapping {
    /// Copies `length` bytes from `offset` of the mapping to `target`.
    ///
    /// # Safety
    ///
    /// `target..target + length` must be writable memory, or addresses of a region of this library.
    pub unsafe fn read_into(&self, offset: u64, target: *mut u8, length: usize) -> Result<()> {
        self.copying(offset, length as u64, target, |start| {
            // SAFETY: `copying` holds the region and has checked the range. The target is valid (the
            // contract of this function). Both may overlap, if the target is a view of this mapping.
            unsafe { ptr::copy(start, target, length) };
        })?;
        self.check_read(offset, length as u64)
    }

    /// Copies `length` bytes from `source` to `offset` of the mapping.
    ///
    /// # Safety
    ///
    /// `source..source + length` must be readable memory, or addresses of a region of this library.
    pub unsafe fn write(&self, offset: u64, source: *const u8, length: usize) -> Result<()> {
        self.check_writable(offset, length as u64)?;
        foreign_memory::watch(source, || {
            // SAFETY: the source is valid (the contract of this function).
            if length >= LARGE_WRITE && unsafe { self.write_by_call(offset, source, length) }? {
                return Ok(());
            }
            self.copying(offset, length as u64, ptr::null(), |start| {
                // SAFETY: `copying` holds the region and has checked the range, and
                // `check_writable` that it is writable. The source is valid (the contract of this
                // function). Both may overlap.
                unsafe { ptr::copy(source, start, length) };
            })?;
            self.check_file_covers(offset, length as u64)
        })
    }

    /// Writes by a system call if the pages are not in memory. Stores would wait for each page to be
    /// read from the disk, or to be created, one after the other. Returns false if stores are the
    /// better way; then the caller must store the bytes.
    ///
    /// # Safety
    ///
    /// The contract of [`Mapping::write`] applies.
    unsafe fn write_by_call(&self, offset: u64, source: *const u8, length: usize) -> Result<bool> {
        self.check_range(offset, length as u64)?;
        let Some(region) = self.region()? else {
            return Ok(false);
        };
        let _held = region.hold()?;
        let file = region
            .file()
            .filter(|file| sys::WRITES_ARE_COHERENT && file.writes_at_offsets());
        let Some(file) = file.filter(|_| self.mode().writes_file()) else {
            return Ok(false);
        };
        let (start, span) = region.all_pages();
        let overlaps = (source as usize) < start + span && start < source as usize + length;
        let (page, _) = region.pages_of(offset as usize, 1);
        let mut is_there = vec![0; region.page_size() / sys::page_size()];
        // SAFETY: the page belongs to the region that `_held` holds.
        unsafe { sys::resident_pages(page, &mut is_there) }?;
        // Pages that the fault handler has replaced no longer belong to the file, and are in memory.
        if overlaps || is_there.contains(&1) || region.fault_count() > 0 {
            return Ok(false);
        }
        for done in (0..length).step_by(WRITE_STEP) {
            let (count, at) = (
                WRITE_STEP.min(length - done),
                self.offset() + offset + done as u64,
            );
            // If another process has truncated the file, a system call would extend it again. Stores
            // do not.
            let status = sys::fstat(file.fd())?;
            if status.kind != Kind::Regular || status.size < at + count as u64 {
                return Ok(false);
            }
            // SAFETY: the source is readable, or belongs to a region of this library, for which the
            // call fails (the contract of this function).
            match unsafe { sys::write_at(file.fd(), source.add(done), count, at) } {
                Ok(()) => {}
                Err(error) => {
                    return match error.errno() {
                        Some(sys::ENOSPC | sys::EDQUOT | sys::EIO) => {
                            Err(Error::from(error).at(self.name()))
                        }
                        // Stores may still be possible, or report what is wrong with the source.
                        _ => Ok(false),
                    };
                }
            }
        }
        Ok(true)
    }

    /// Fills a range with repetitions of `pattern`, of which the last may be incomplete.
    pub fn fill(&self, offset: u64, length: u64, pattern: &[u8]) -> Result<()> {
        self.check_writable(offset, length)?;
        let Some(&first) = pattern.first() else {
            return Err(Error::rule(
                "ERR_INVALID_ARG_VALUE",
                "The pattern to fill with is empty",
            ));
        };
        let total = length as usize;
        self.copying(offset, length, pattern.as_ptr(), |start| {
            // SAFETY: all of start..start + total lies in a region that `copying` holds and that
            // `check_writable` has found writable, and nothing else is written. `pattern` may lie
            // in the range, so it is copied before the first store.
            unsafe {
                if pattern.len() == 1 {
                    ptr::write_bytes(start, first, total);
                    return;
                }
                let pattern = pattern.to_vec();
                let mut done = pattern.len().min(total);
                ptr::copy_nonoverlapping(pattern.as_ptr(), start, done);
                // Each round copies the filled bytes after themselves, which doubles their number.
                // They always are whole patterns, so the copy continues the pattern.
                while done < total {
                    let count = done.min(total - done);
                    ptr::copy_nonoverlapping(start, start.add(done), count);
                    done += count;
                }
            }
        })?;
        self.check_file_covers(offset, length)
    }

    /// Copies `length` bytes from `start` to `target` within the mapping. The ranges may overlap.
    pub fn copy_within(&self, target: u64, start: u64, length: u64) -> Result<()> {
        self.check_range(start, length)?;
        self.check_writable(target, length)?;
        self.copying(target, length, ptr::null(), |to| {
            let from = to.wrapping_offset(start as isize - target as isize);
            // SAFETY: both ranges lie in a region that `copying` holds. `copying` has checked one of
            // them, and `check_range` the other.
            unsafe { ptr::copy(from, to, length as usize) };
        })?;
        self.check_file_covers(start.max(target), length)
    }

    /// Copies bytes from the file, from `before` to the end of the page in which `before` lies. A
    /// private page, as stores create it in mode `c`, does not show what is appended to the file.
    pub(in crate::core) fn catch_up(&self, before: u64) -> Result<()> {
        let (Some(region), Some(file)) = (self.region()?, self.file()?) else {
            return Ok(());
        };
        let start = region.address() + before as usize;
        let in_page = start.next_multiple_of(region.page_size()) - start;
        let count = self.length().saturating_sub(before).min(in_page as u64) as usize;
        let (mut shown, mut there) = (vec![0; count], vec![0; count]);
        let count = sys::read_at(file.fd(), &mut there, self.offset() + before)?;
        // SAFETY: the target is a vector of this function, of at least `count` bytes.
        unsafe { self.read_into(before, shown.as_mut_ptr(), count) }?;
        if shown[..count] == there[..count] {
            return Ok(());
        }
        let is_protected = self.check_writable(before, count as u64).is_err();
        if is_protected {
            let (page, span) = region.pages_of(before as usize, count);
            let _held = region.hold()?;
            // SAFETY: the page belongs to the region that `_held` holds.
            unsafe { sys::protect_pages(page, span, true) }?;
        }
        let copied = self.copying(before, count as u64, ptr::null(), |target| {
            // SAFETY: the range lies in a region that `copying` holds, and is writable now.
            unsafe { ptr::copy_nonoverlapping(there.as_ptr(), target, count) };
        });
        if is_protected {
            self.reapply_protection(&region)?;
        }
        copied
    }

    /// Runs a copy between a range of the mapping, whose region is held meanwhile, and other memory.
    /// A fault during the copy is an error, whether in this mapping or in the mapping that the other
    /// memory is a view of.
    fn copying(
        &self,
        offset: u64,
        length: u64,
        other: *const u8,
        copy: impl FnOnce(*mut u8),
    ) -> Result<()> {
        self.check_range(offset, length)?;
        let Some(region) = self.region()? else {
            return Ok(());
        };
        let _held = region.hold()?;
        foreign_memory::watch(other, || {
            let before = region.fault_count();
            copy((region.address() + offset as usize) as *mut u8);
            if region.fault_count() == before {
                Ok(())
            } else {
                Err(self.fault_error(&region))
            }
        })
    }

    /// Checks that the file reaches to the end of a range that was read.
    ///
    /// If the file ends within a page, the rest of the page is zeros, without a trap. Any other byte
    /// there shows that the file reaches further, or that a process has stored the byte after the end
    /// of the file, where other processes see it too. Then the system need not be asked, which takes
    /// longer than reading some bytes.
    pub fn check_read(&self, offset: u64, length: u64) -> Result<()> {
        /// The number of bytes that are read. Zeros are common, but this many in a row are not.
        const LOOK: usize = 64;
        self.check_range(offset, length)?;
        let Some(region) = self.region()?.filter(|_| length > 0) else {
            return Ok(());
        };
        let _held = region.hold()?;
        let last = region.address() + (offset + length) as usize - 1;
        let in_page = sys::page_size() - last % sys::page_size();
        // SAFETY: mappings have whole pages, so all bytes lie in the page of the last byte, which
        // belongs to the region that `_held` holds. Others may store into the page meanwhile; any
        // value will do.
        let rest = unsafe { std::slice::from_raw_parts(last as *const u8, in_page.min(LOOK)) };
        if rest.iter().any(|&byte| byte != 0) {
            return Ok(());
        }
        self.check_region_covered(&region, offset, length)
    }

    /// Calls `look` with the bytes of a range. Others may change them meanwhile, so a second read of
    /// the same byte may return another value.
    pub fn with_bytes<T>(
        &self,
        offset: u64,
        length: u64,
        look: impl FnOnce(&[u8]) -> T,
    ) -> Result<T> {
        self.check_range(offset, length)?;
        let Some(region) = self.region()? else {
            return Ok(look(&[]));
        };
        let _held = region.hold()?;
        let before = region.fault_count();
        let start = (region.address() + offset as usize) as *const u8;
        // SAFETY: the range lies in the region that `_held` holds. Other processes and JavaScript may
        // store into it meanwhile. `look` is a search or a copy: its result is correct for some order
        // of the loads and stores, and it never derives an address from the bytes.
        let bytes = unsafe { std::slice::from_raw_parts(start, length as usize) };
        let result = look(bytes);
        if region.fault_count() == before {
            Ok(result)
        } else {
            Err(self.fault_error(&region))
        }
    }
}
