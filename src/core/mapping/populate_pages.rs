//! Bringing pages of a region into memory before they are touched.

use crate::core::error::{Error, Result};
use crate::core::fault::slot::PageKind;
use crate::core::mapping::region::Region;
use crate::core::sys::{self, Populate};

/// Populates pages of a region that is held.
pub(in crate::core) fn populate_pages(
    region: &Region,
    start: usize,
    span: usize,
    what_for: Populate,
) -> Result<()> {
    // SAFETY: the pages lie in a region that the caller holds.
    match unsafe { sys::populate_pages(start, span, what_for) } {
        // An old kernel; or pages that may not be written to, which can be read.
        Err(error) if error.errno() == Some(sys::ENOSYS) => match what_for {
            Populate::ForWriting => populate_pages(region, start, span, Populate::ForReading),
            Populate::ForReading => touch_pages(region, start, span),
        },
        result => Ok(result?),
    }
}

/// Touches one page after the other, without a trap, where the system has no call for all at once.
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
