//! Loading pages of a region into memory before their first access.

use crate::core::error::{Error, Result};
use crate::core::fault::slot::PageKind;
use crate::core::mapping::region::Region;
use crate::core::sys::{self, Populate};

/// Loads pages of a region into memory. The caller holds the region.
pub(in crate::core) fn populate_pages(
    region: &Region,
    start: usize,
    span: usize,
    what_for: Populate,
) -> Result<()> {
    // SAFETY: the caller holds the region and passes addresses inside it.
    match unsafe { sys::populate_pages(start, span, what_for) } {
        // The kernel is too old for the call, or the pages are read-only but can be read.
        Err(error) if error.errno() == Some(sys::ENOSYS) => match what_for {
            Populate::ForWriting => populate_pages(region, start, span, Populate::ForReading),
            Populate::ForReading => touch_pages(region, start, span),
        },
        result => Ok(result?),
    }
}

/// Reads one byte of each page without causing a trap, for systems that have no call to load a
/// range.
fn touch_pages(region: &Region, start: usize, span: usize) -> Result<()> {
    let slot = region.slot();
    for page in (start..start + span).step_by(region.page_size()) {
        let file = (slot.kind() != PageKind::Anonymous).then(|| slot.fd());
        if !sys::can_load(page, file, slot.file_offset(page)) {
            return Err(Error::system(sys::EFAULT, "madvise"));
        }
    }
    Ok(())
}
