//! Views that are unmapped for a moment, so that the file can be truncated.

use windows_sys::Win32::System::Memory::{MEM_RELEASE, VirtualFree};

use super::reservation::{Change, Reservation, SegmentKind};
use super::view::unmap_view;
use super::virtual_memory::page_size;
use crate::core::sys::error::Result;

/// `VirtualFree`: makes one placeholder of all in a range.
const MEM_COALESCE_PLACEHOLDERS: u32 = 1;

/// Views that are unmapped until this value is dropped.
pub struct ReleasedViews<'a> {
    reservation: &'a Reservation,
    length: usize,
    change: Option<Change<'a>>,
}

impl<'a> ReleasedViews<'a> {
    /// Unmaps all views of a region. Without placeholders the only view stays.
    pub(super) fn unmap(reservation: &'a Reservation) -> Result<Self> {
        let change = reservation.change();
        let (length, calls) = (change.state.mapped, change.state.calls);
        let shows_file = change.state.file.is_some();
        // From here on an error maps the views again.
        let released = Self {
            reservation,
            length,
            change: Some(change),
        };
        if let (true, Some(calls)) = (shows_file, calls) {
            for segment in reservation.segments() {
                if segment.kind == SegmentKind::View {
                    unmap_view(segment.start, calls)?;
                }
            }
        }
        Ok(released)
    }

    /// Maps the first `length` bytes again.
    pub fn remap(mut self, length: usize) -> Result<()> {
        self.length = length.next_multiple_of(page_size());
        self.map_views_again()
    }

    fn map_views_again(&mut self) -> Result<()> {
        let Some(mut change) = self.change.take() else {
            return Ok(());
        };
        if change.state.calls.is_none() || change.state.file.is_none() {
            return Ok(());
        }
        change.state.mapped = 0;
        let (start, end) = (self.reservation.base, self.reservation.base + self.length);
        for segment in self.reservation.segments() {
            let part = segment.start.max(start)..segment.end.min(end);
            if segment.kind == SegmentKind::Reserved && part.start < part.end {
                self.reservation.split(part.start, part.end)?;
                self.reservation
                    .map(&change.state, part.start - start, part.end - start)?;
            }
        }
        change.state.mapped = self.length;
        // Adjacent free placeholders become one, because a later view may extend across them.
        let rest = self.reservation.span - self.length;
        if rest > 0 {
            // SAFETY: the placeholders belong to this reservation; the call fails unless all are
            // free.
            unsafe { VirtualFree(end as *mut _, rest, MEM_RELEASE | MEM_COALESCE_PLACEHOLDERS) };
        }
        Ok(())
    }
}

impl Drop for ReleasedViews<'_> {
    fn drop(&mut self) {
        // Map as before. Addresses that cannot be mapped again cause faults.
        let _ = self.map_views_again();
    }
}
