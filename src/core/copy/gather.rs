//! Many small ranges of equal size: prefetched together, and copied together.

use crate::core::cancel::CancelToken;
use crate::core::error::{Error, Result};
use crate::core::fault::foreign_memory;
use crate::core::mapping::advice;
use crate::core::mapping::mapping::Mapping;
use crate::core::residency::advise;
use crate::core::residency::populate::prefetch;

/// The number of ranges that are requested from the disk before the first of them is waited for. So
/// many requests are pending all the time. Waiting in batches would leave the disk idle at the end of
/// each batch.
const PENDING_REQUESTS: usize = 256;

/// Reads the `size` bytes at each offset into memory.
pub fn prefetch_places(
    mapping: &Mapping,
    offsets: &[f64],
    size: u64,
    token: &CancelToken,
) -> Result<()> {
    let offsets = checked_offsets(mapping, offsets, size)?;
    let hint = advice::advice("willneed")?;
    let request = |offset: u64| advise::advise(mapping, hint, offset, size);
    for &offset in offsets.iter().take(PENDING_REQUESTS) {
        request(offset)?;
    }
    for (index, &offset) in offsets.iter().enumerate() {
        if let Some(&ahead) = offsets.get(index + PENDING_REQUESTS) {
            request(ahead)?;
        }
        prefetch(mapping, offset, size, token)?;
    }
    Ok(())
}

/// Copies the `size` bytes at each offset to `target`, in the order of the offsets.
///
/// # Safety
///
/// `target` must be writable for `offsets.len() * size` bytes.
pub unsafe fn gather(mapping: &Mapping, offsets: &[f64], size: u64, target: *mut u8) -> Result<()> {
    let offsets = checked_offsets(mapping, offsets, size)?;
    let end = offsets.iter().max().map_or(0, |last| last + size);
    foreign_memory::watch(target, || {
        mapping.with_bytes(0, mapping.length(), |bytes| {
            for (index, &offset) in offsets.iter().enumerate() {
                // The ranges are far from each other, so each is a cache miss unless it is prefetched.
                if let Some(&ahead) = offsets.get(index + PREFETCH_DISTANCE) {
                    prefetch_line(&bytes[ahead as usize]);
                }
                let range = &bytes[offset as usize..][..size as usize];
                // SAFETY: the target has room for all ranges (the contract of this function). It may lie
                // in the mapping itself.
                unsafe {
                    std::ptr::copy(
                        range.as_ptr(),
                        target.add(index * size as usize),
                        range.len(),
                    );
                }
            }
        })?;
        mapping.check_file_covers(0, end)
    })
}

/// How many ranges after the current one the processor prefetches.
const PREFETCH_DISTANCE: usize = 24;

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

/// Converts offsets of JavaScript. Each must be a whole number, and `size` bytes must follow it.
fn checked_offsets(mapping: &Mapping, offsets: &[f64], size: u64) -> Result<Vec<u64>> {
    let last = mapping.length().checked_sub(size);
    offsets
        .iter()
        .map(|&offset| match last {
            Some(last) if offset >= 0.0 && offset <= last as f64 && offset.fract() == 0.0 => {
                Ok(offset as u64)
            }
            _ => Err(Error::rule(
                "ERR_OUT_OF_RANGE",
                format!(
                    "There are no {size} bytes at offset {offset} of the mapping of {} bytes",
                    mapping.length()
                ),
            )),
        })
        .collect()
}
