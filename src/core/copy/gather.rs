//! Many small places at once: asked for together, and copied together.

use crate::core::cancel::CancelToken;
use crate::core::error::{Error, Result};
use crate::core::fault::foreign_memory;
use crate::core::mapping::advice;
use crate::core::mapping::mapping::Mapping;
use crate::core::residency::advise;
use crate::core::residency::populate::prefetch;

/// How many places the disk is asked for before the first of them is waited for. That many are on
/// their way all the time: what is waited for in batches lets the disk run dry at each one's end.
const ASKED_AHEAD: usize = 256;

/// Brings many small places into memory.
pub fn prefetch_places(
    mapping: &Mapping,
    offsets: &[f64],
    size: u64,
    token: &CancelToken,
) -> Result<()> {
    let offsets = places(mapping, offsets, size)?;
    let hint = advice::advice("willneed")?;
    let ask = |offset: u64| advise::advise(mapping, hint, offset, size);
    for &offset in offsets.iter().take(ASKED_AHEAD) {
        ask(offset)?;
    }
    for (index, &offset) in offsets.iter().enumerate() {
        if let Some(&ahead) = offsets.get(index + ASKED_AHEAD) {
            ask(ahead)?;
        }
        prefetch(mapping, offset, size, token)?;
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
    let end = offsets.iter().max().map_or(0, |last| last + size);
    foreign_memory::watch(target, || {
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
        })?;
        mapping.check_file_covers(0, end)
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
