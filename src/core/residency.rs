//! Bringing pages into memory before they are touched, and letting them go afterwards.

use super::advice;
use super::error::{Error, Result};
use super::job::Job;
use super::mapping::Mapping;
use super::sys;

/// A step of a long prefetch: long enough for the disk, short enough to hear of a cancellation.
const STEP: u64 = 8 << 20;

/// Whether all pages of a range are in memory. A quick answer for who decides whether to wait for
/// them; where the system does not tell, yes.
pub fn is_resident(mapping: &Mapping, offset: u64, length: u64) -> Result<bool> {
    mapping.check_range(offset, length)?;
    let Some(region) = mapping.region()? else {
        return Ok(true);
    };
    if length == 0 {
        return Ok(true);
    }
    let _held = region.hold()?;
    let (start, span) = region.pages_of(offset as usize, length as usize);
    // SAFETY: the pages around a range of a region belong to that region.
    let flags = unsafe { sys::resident_pages(start, span) }?;
    Ok(flags.into_iter().all(|flag| flag))
}

/// Brings a range into memory. Waits for the disk.
pub fn prefetch(mapping: &Mapping, offset: u64, length: u64, job: &Job) -> Result<()> {
    mapping.check_range(offset, length)?;
    let end = offset + length;
    let mut at = offset;
    while at < end {
        job.check()?;
        let step = STEP.min(end - at);
        mapping.populate_range(at, step)?;
        job.add(step);
        at += step;
    }
    Ok(())
}

/// Brings many small places into memory: the disk is asked for all of them before the first is
/// waited for.
pub fn prefetch_places(mapping: &Mapping, offsets: &[f64], size: u64, job: &Job) -> Result<()> {
    /// How many requests are given to the disk before they are waited for.
    const BATCH: usize = 256;
    let offsets = places(mapping, offsets, size)?;
    let hint = advice::advice("willneed")?;
    for batch in offsets.chunks(BATCH) {
        job.check()?;
        for &offset in batch {
            mapping.advise(hint, offset, size)?;
        }
        for &offset in batch {
            mapping.populate_range(offset, size)?;
        }
        job.add(size * batch.len() as u64);
    }
    Ok(())
}

/// Copies many small places of equal size, one behind the other, to `target`.
///
/// # Safety
///
/// `target` must be writable for `offsets.len() * size` bytes.
pub unsafe fn gather(mapping: &Mapping, offsets: &[f64], size: u64, target: *mut u8) -> Result<()> {
    let offsets = places(mapping, offsets, size)?;
    mapping.with_bytes(0, mapping.length(), |bytes| {
        for (index, &offset) in offsets.iter().enumerate() {
            // Places are far from each other: each is a wait for memory, unless asked for ahead.
            if let Some(&ahead) = offsets.get(index + AHEAD) {
                prefetch_line(&bytes[ahead as usize]);
            }
            let place = &bytes[offset as usize..][..size as usize];
            // SAFETY: the target has room for all places (this function's contract). It may lie
            // in the mapping itself.
            unsafe {
                std::ptr::copy(
                    place.as_ptr(),
                    target.add(index * size as usize),
                    place.len(),
                );
            }
        }
    })
}

/// How many places ahead memory is asked for.
const AHEAD: usize = 24;

fn prefetch_line(byte: &u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch never faults, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(byte).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = byte;
}

/// Offsets from JavaScript, each a whole number and with room for `size` bytes behind it.
fn places(mapping: &Mapping, offsets: &[f64], size: u64) -> Result<Vec<u64>> {
    let most = mapping.length().checked_sub(size);
    offsets
        .iter()
        .map(|&offset| match most {
            Some(most) if offset >= 0.0 && offset <= most as f64 && offset.fract() == 0.0 => {
                Ok(offset as u64)
            }
            _ => Err(Error::rule(
                "ERR_OUT_OF_RANGE",
                format!(
                    "No {size} bytes at offset {offset} of the mapping of {} bytes",
                    mapping.length()
                ),
            )),
        })
        .collect()
}

/// Lets go of a range that was read and won't be needed soon. Only whole pages inside it go, and
/// nothing where stores are private and meant to last.
pub fn release(mapping: &Mapping, offset: u64, length: u64) -> Result<()> {
    mapping.check_range(offset, length)?;
    let Some(region) = mapping.region()? else {
        return Ok(());
    };
    let _held = region.hold()?;
    let Some(file) = region
        .file()
        .filter(|_| mapping.mode() != super::open::Mode::CopyOnWrite)
    else {
        return Ok(());
    };
    let page = region.granule();
    let address = region.address() + offset as usize;
    let start = address.next_multiple_of(page);
    let end = (address + length as usize) / page * page;
    if start >= end {
        return Ok(());
    }
    let file_offset = mapping.offset() + offset + (start - address) as u64;
    // SAFETY: the pages lie wholly in the range; a mapping for reading has no private contents
    // but stores by mistake, and a shared one has none.
    unsafe { sys::release_pages(start, end - start, file.fd(), file_offset) }
}
