//! Reports of which pages of a mapping are in memory.

use std::ops::Range;
use std::sync::Arc;

use crate::core::cancel::CancelToken;
use crate::core::error::{Error, Result};
use crate::core::fault::slot::PageKind;
use crate::core::file::shared_file::SharedFile;
use crate::core::mapping::mapping::Mapping;
use crate::core::mapping::region::Region;
use crate::core::sys::file_kind::Kind;
use crate::core::sys::{self, CacheCounts};

/// The value of a bucket whose residency the system does not report. Other values are per cent.
pub const UNKNOWN: u8 = 255;

/// Whether pages are in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resident {
    /// All of them are.
    Yes,
    /// Not all of them are.
    No,
    /// The system does not report it to this user.
    Unknown,
}

impl Resident {
    /// Returns the name that JavaScript sees.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }
}

/// The residency of the pages that a range touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The size of a page in bytes.
    pub page_size: u64,
    /// The number of pages that the range touches.
    pub pages: u64,
    /// Whether they are in memory.
    pub resident: Resident,
    /// The number of pages in memory, if the system reports it.
    pub resident_pages: Option<u64>,
    /// The number of pages that this mapping has locked in memory.
    pub locked_pages: u64,
    /// The pages of the file in the page cache, if the system reports them. In pages of the
    /// system's size.
    pub cache: Option<CacheCounts>,
    /// The share of each bucket that is in memory, in per cent.
    pub buckets: Option<Vec<u8>>,
}

/// Reports whether all pages of a range are in memory, for callers that decide whether to wait for
/// them. Returns true if the system does not report residency.
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
    let pages = span / sys::page_size();
    // Counting the cached pages of the file takes about 1 % of the time, if the system supports it.
    let cached = region.file().and_then(|file| {
        sys::cache_counts(file.fd(), region.slot().file_offset(start), span as u64).ok()
    });
    if cached.is_some_and(|counts| counts.cached == pages as u64) {
        return Ok(true);
    }
    let mut flags = vec![0; pages];
    // SAFETY: the pages around a range of a region belong to that region, which is held.
    unsafe { sys::resident_pages(start, &mut flags) }?;
    Ok(flags.iter().all(|&flag| flag == 1))
}

/// Finds out which pages of a range are in memory. With a bucket size in bytes, also computes the
/// share of each bucket.
pub fn report(
    mapping: &Mapping,
    offset: u64,
    length: u64,
    bucket: Option<u64>,
    token: &CancelToken,
) -> Result<Report> {
    mapping.check_range(offset, length)?;
    let region = mapping.region()?.filter(|_| length > 0);
    let Some(region) = region else {
        return Ok(Report {
            page_size: sys::page_size() as u64,
            pages: 0,
            resident: Resident::Yes,
            resident_pages: Some(0),
            locked_pages: 0,
            cache: None,
            buckets: bucket.map(|_| Vec::new()),
        });
    };
    let mut survey = Survey::of(&region, offset, length, token);
    let buckets = match bucket {
        None => survey.advance_to_end().map(|()| None),
        Some(size) => survey.fill_buckets(size, length).map(Some),
    }?;
    let Tally { yes, no, unknown } = survey.total;
    Ok(Report {
        page_size: survey.page_size as u64,
        pages: survey.count,
        resident: match (no, unknown) {
            (0, 0) => Resident::Yes,
            (0, _) => Resident::Unknown,
            _ => Resident::No,
        },
        resident_pages: (unknown == 0).then_some(yes),
        locked_pages: mapping.locked_ranges.pages(&region, offset, length),
        cache: survey.cache_counts(),
        buckets,
    })
}

/// Returns the bytes of a range that are in memory, in whole pages; none if the system does not
/// report residency.
pub fn resident_bytes(mapping: &Mapping, offset: u64, length: u64) -> Result<Option<u64>> {
    let report = report(mapping, offset, length, None, &CancelToken::default())?;
    Ok(report.resident_pages.map(|pages| pages * report.page_size))
}

/// The number of pages by residency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    yes: u64,
    no: u64,
    unknown: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.yes += other.yes;
        self.no += other.no;
        self.unknown += other.unknown;
    }

    /// Returns the share in memory in per cent. Returns 0 only for no page, and 100 only for all
    /// pages.
    fn per_cent(self) -> u8 {
        let total = self.yes + self.no;
        match self {
            Self { unknown: 1.., .. } => UNKNOWN,
            Self { yes: 0, .. } => 0,
            Self { no: 0, .. } => 100,
            Self { yes, .. } => (yes * 100 / total).clamp(1, 99) as u8,
        }
    }
}

/// The residency of the pages of a step.
#[derive(Debug)]
enum Known {
    /// None of them is in memory.
    None,
    /// One flag for each page: 1 if it is in memory, 0 if not.
    Told(Vec<u8>),
    /// One flag for each page: 1 if it is in memory, 0 if that is unknown.
    Guessed(Vec<u8>),
}

/// A pass over the pages of a range in steps. Flags for all pages of a large range would take much
/// memory.
struct Survey<'a> {
    region: &'a Arc<Region>,
    token: &'a CancelToken,
    /// The address of the first page.
    start: usize,
    /// The offset of the start of the range in the first page, in bytes.
    offset_in_page: u64,
    count: u64,
    page_size: usize,
    /// The file whose cached pages the system can count.
    counted: Option<Arc<SharedFile>>,
    /// Whether the system reports the residency of the file to this user.
    is_told: bool,
    step: u64,
    /// The pages of the current step; their residency is in `known`.
    current: Range<u64>,
    known: Known,
    total: Tally,
}

impl<'a> Survey<'a> {
    /// The number of system pages in a step.
    const STEP: u64 = 1 << 16;

    fn of(region: &'a Arc<Region>, offset: u64, length: u64, token: &'a CancelToken) -> Self {
        let (start, span) = region.pages_of(offset as usize, length as usize);
        let page_size = region.page_size();
        let file = region.file();
        // The pages of a file on a layered file system belong to a file of a lower layer.
        let counted = file
            .clone()
            .filter(|file| !file.is_layered() && page_size == sys::page_size())
            .filter(|file| {
                sys::fstat(file.fd())
                    .is_ok_and(|file| matches!(file.kind, Kind::Regular | Kind::BlockDevice))
            });
        Self {
            region,
            token,
            start,
            offset_in_page: (region.address() + offset as usize - start) as u64,
            count: (span / page_size) as u64,
            page_size,
            counted,
            is_told: file.is_none_or(|file| sys::reports_residency(file.fd())),
            step: (Self::STEP / (page_size / sys::page_size()) as u64).max(1),
            current: 0..0,
            known: Known::None,
            total: Tally::default(),
        }
    }

    fn advance_to_end(&mut self) -> Result<()> {
        while self.current.end < self.count {
            self.advance()?;
        }
        Ok(())
    }

    /// Returns the share of each bucket of `size` bytes in per cent. The first bucket starts at the
    /// start of the range.
    fn fill_buckets(&mut self, size: u64, length: u64) -> Result<Vec<u8>> {
        let page_size = self.page_size as u64;
        let count = length.div_ceil(size) as usize;
        let mut buckets = Vec::new();
        if buckets.try_reserve_exact(count).is_err() {
            return Err(Error::system(sys::ENOMEM, "malloc")
                .because(format!("{count} buckets do not fit in memory")));
        }
        for index in 0..count as u64 {
            let start = self.offset_in_page + index * size;
            let end = (start + size).min(self.offset_in_page + length);
            let pages = start / page_size..end.div_ceil(page_size);
            buckets.push(self.tally(pages)?.per_cent());
        }
        Ok(buckets)
    }

    /// Counts pages by residency. They must not start before the current step.
    fn tally(&mut self, pages: Range<u64>) -> Result<Tally> {
        let mut tally = Tally::default();
        let mut start = pages.start;
        while start < pages.end {
            while start >= self.current.end {
                self.advance()?;
            }
            let end = pages.end.min(self.current.end);
            tally.add(self.tally_current(start - self.current.start..end - self.current.start));
            start = end;
        }
        Ok(tally)
    }

    fn tally_current(&self, pages: Range<u64>) -> Tally {
        let count = pages.end - pages.start;
        let yes_of = |flags: &[u8]| {
            let flags = &flags[pages.start as usize..pages.end as usize];
            flags.iter().map(|&flag| u64::from(flag)).sum()
        };
        match &self.known {
            Known::None => Tally {
                no: count,
                ..Tally::default()
            },
            Known::Told(flags) => {
                let yes = yes_of(flags);
                Tally {
                    yes,
                    no: count - yes,
                    unknown: 0,
                }
            }
            Known::Guessed(flags) => {
                let yes = yes_of(flags);
                Tally {
                    yes,
                    no: 0,
                    unknown: count - yes,
                }
            }
        }
    }

    /// Moves to the next step and finds out the residency of its pages.
    fn advance(&mut self) -> Result<()> {
        self.token.check()?;
        let start = self.current.end;
        let end = (start + self.step).min(self.count);
        self.current = start..end;
        self.known = {
            let _held = self.region.hold()?;
            self.inspect(start, end - start)?
        };
        self.total.add(self.tally_current(0..end - start));
        self.token.add((end - start) * self.page_size as u64);
        Ok(())
    }

    fn inspect(&self, first: u64, count: u64) -> Result<Known> {
        let address = self.start + first as usize * self.page_size;
        let span = count as usize * self.page_size;
        if self.is_empty(address, span) {
            return Ok(Known::None);
        }
        let mut flags = vec![0; span / sys::page_size()];
        // SAFETY: the pages belong to the region, which the caller holds.
        unsafe { sys::resident_pages(address, &mut flags) }?;
        // If the system does not report residency to this user, all flags are 1.
        let is_told = self.is_told || flags.contains(&0);
        if !is_told {
            flags.fill(0);
            // Some containers do not support this call. Then the residency is unknown.
            let _ = sys::present_pages(address, &mut flags);
        }
        let pages_per_flag = self.page_size / sys::page_size();
        let flags: Vec<u8> = flags.into_iter().step_by(pages_per_flag).collect();
        Ok(if is_told {
            Known::Told(flags)
        } else {
            Known::Guessed(flags)
        })
    }

    /// Reports whether the page cache contains no page of a range, which is fast for a large hole.
    /// False for private pages, which are not in the page cache.
    fn is_empty(&self, address: usize, span: usize) -> bool {
        let slot = self.region.slot();
        slot.kind() == PageKind::SharedFile
            && self.counted.as_ref().is_some_and(|file| {
                sys::cache_counts(file.fd(), slot.file_offset(address), span as u64)
                    .is_ok_and(|counts| counts.cached == 0)
            })
    }

    fn cache_counts(&self) -> Option<CacheCounts> {
        let offset = self.region.slot().file_offset(self.start);
        let length = self.count * self.page_size as u64;
        sys::cache_counts(self.counted.as_ref()?.fd(), offset, length).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_0_or_100_per_cent_only_for_no_or_all_pages() {
        let tally = |yes, no, unknown| Tally { yes, no, unknown }.per_cent();
        assert_eq!(tally(0, 10, 0), 0);
        assert_eq!(tally(1, 1_000_000, 0), 1);
        assert_eq!(tally(1, 1, 0), 50);
        assert_eq!(tally(1_000_000, 1, 0), 99);
        assert_eq!(tally(3, 0, 0), 100);
        assert_eq!(tally(3, 3, 1), UNKNOWN);
    }
}
