//! A mapping: a range of a file, or memory without one, from opening to closing.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::core::error::{Error, Result};
use crate::core::fault::record::{Fault, Reason};
use crate::core::file::shared_file::SharedFile;
use crate::core::mapping::advice::Advice;
use crate::core::mapping::locked_ranges::LockedRanges;
use crate::core::mapping::mode::Mode;
use crate::core::mapping::region::Region;
use crate::core::mapping::region_list::RegionList;
use crate::core::mapping::registry::{Description, Registration};
use crate::core::poison::IgnorePoison;
use crate::core::range_set::RangeSet;
use crate::core::sys;
use crate::core::sys::file_kind::Kind;

/// What a mapping is made of.
#[derive(Debug)]
pub struct Parts {
    /// The number of the mapping.
    pub id: u64,
    /// For the ledger.
    pub description: Description,
    /// The pages; none where there are no bytes.
    pub region: Option<Arc<Region>>,
    /// The file.
    pub file: Option<Arc<SharedFile>>,
    /// What a region that takes the place of this one is made with.
    pub options: RegionOptions,
    /// How it was opened.
    pub mode: Mode,
    /// Whether its pages are read-only for the processor too.
    pub is_strict: bool,
    /// Where in the file, in bytes.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
    /// The bytes that were asked for; none for all that the file has.
    pub wanted: Option<u64>,
    /// The size of the file when it was opened.
    pub size: u64,
}

/// What a region of a mapping is made with, beside its range.
#[derive(Debug, Clone, Copy, Default)]
pub struct RegionOptions {
    /// Without a promise of memory.
    pub no_reserve: bool,
    /// End the process on a fault.
    pub abort: bool,
    /// Explicit huge pages of that many bytes.
    pub huge: Option<usize>,
    /// Ask for transparent huge pages.
    pub transparent_huge: bool,
    /// How all of it will be used.
    pub advice: Option<Advice>,
}

/// A range of a file, or memory without one.
#[derive(Debug)]
pub struct Mapping {
    registration: Arc<Registration>,
    regions: Mutex<RegionList>,
    is_closed: AtomicBool,
    mode: Mode,
    is_strict: bool,
    offset: u64,
    length: AtomicU64,
    wanted: Mutex<Option<u64>>,
    size: u64,
    options: RegionOptions,
    /// Held by who changes the size.
    resizing: Mutex<()>,
    /// What `protect` made read-only.
    pub(super) protected: Mutex<RangeSet>,
    /// What is locked in memory.
    pub(in crate::core) locked_ranges: LockedRanges,
}

impl Mapping {
    /// Puts it together and enters it into the ledger.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts {
            id,
            description,
            region,
            file,
            options,
            mode,
            is_strict,
            offset,
            length,
            wanted,
            size,
        } = parts;
        Self {
            registration: Registration::open(id, description, region.as_ref()),
            regions: Mutex::new(RegionList::new(region, file)),
            is_closed: AtomicBool::new(false),
            mode,
            is_strict,
            offset,
            length: AtomicU64::new(length),
            wanted: Mutex::new(wanted),
            size,
            options,
            resizing: Mutex::new(()),
            protected: Mutex::new(RangeSet::new()),
            locked_ranges: LockedRanges::default(),
        }
    }

    /// Its page in the ledger.
    #[must_use]
    pub fn registration(&self) -> &Arc<Registration> {
        &self.registration
    }

    /// Where in the file, in bytes.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length.load(Ordering::Acquire)
    }

    /// The bytes that were asked for; none for all that the file has.
    pub(in crate::core) fn wanted(&self) -> Option<u64> {
        *lock(&self.wanted)
    }

    /// Has all that its file has from now on.
    pub(in crate::core) fn want_whole_file(&self) {
        *lock(&self.wanted) = None;
    }

    /// What its regions are made with.
    #[must_use]
    pub fn options(&self) -> &RegionOptions {
        &self.options
    }

    /// Whether its pages are read-only for the processor too.
    #[must_use]
    pub fn is_strict(&self) -> bool {
        self.is_strict
    }

    /// The size of the file when it was opened.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How it was opened.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The pages; none where there are no bytes.
    pub fn region(&self) -> Result<Option<Arc<Region>>> {
        if self.is_closed.load(Ordering::Acquire) {
            return Err(Error::closed());
        }
        Ok(lock(&self.regions).current().cloned())
    }

    /// The file, also of a mapping without bytes.
    pub fn file(&self) -> Result<Option<Arc<SharedFile>>> {
        if self.is_closed.load(Ordering::Acquire) {
            return Err(Error::closed());
        }
        Ok(lock(&self.regions).file().cloned())
    }

    /// Keeps others from changing the size.
    pub(in crate::core) fn begin_resizing(&self) -> MutexGuard<'_, ()> {
        lock(&self.resizing)
    }

    /// Has another length from now on, which its region has room for.
    pub(in crate::core) fn set_length(&self, length: u64) {
        if let Some(region) = lock(&self.regions).current() {
            region.set_length(length as usize);
        }
        self.registration.set_length(length);
        let before = self.length.swap(length, Ordering::AcqRel);
        if length < before
            && let Ok(Some(region)) = self.region()
        {
            self.locked_ranges.cut(&region, length);
        }
    }

    /// Uses another region from now on; views of the one before stay.
    pub(in crate::core) fn replace_region(&self, region: Region) -> Result<()> {
        let region = Arc::new(region);
        let mut pages = lock(&self.regions);
        if self.is_closed.load(Ordering::Acquire) {
            return Err(Error::closed());
        }
        self.registration.add_region(&region);
        pages.replace(region);
        Ok(())
    }

    /// All regions that there still are, the one used now last.
    pub(in crate::core) fn regions(&self) -> Vec<Arc<Region>> {
        let pages = lock(&self.regions);
        let mut all = pages.live();
        all.extend(pages.current().cloned());
        all
    }

    /// How many faults there were.
    #[must_use]
    pub fn fault_count(&self) -> u64 {
        lock(&self.regions).fault_count()
    }

    /// The first faults, oldest first.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        lock(&self.regions).faults()
    }

    /// An error if a flush of the file has failed.
    pub fn check_damage(&self) -> Result<()> {
        self.file()?
            .map_or(Ok(()), |file| file.check_damage())
            .map_err(|error| error.at(self.name()))
    }

    /// Checks that the file still reaches to the end of a range. Where it was cut in the middle of
    /// a page, the rest of that page is zeros and no access traps: it is a fault all the same, and
    /// noted as one.
    pub fn check_file_covers(&self, offset: u64, length: u64) -> Result<()> {
        self.check_range(offset, length)?;
        self.region()?.map_or(Ok(()), |region| {
            self.check_region_covered(&region, offset, length)
        })
    }

    /// The same for a range of a region.
    pub(in crate::core) fn check_region_covered(
        &self,
        region: &Region,
        offset: u64,
        length: u64,
    ) -> Result<()> {
        let Some(file) = region.file().filter(|_| length > 0) else {
            return Ok(());
        };
        let status = sys::fstat(file.fd())?;
        if status.kind != Kind::Regular || status.size >= self.offset + offset + length {
            return Ok(());
        }
        let missing = status.size.saturating_sub(self.offset).max(offset);
        let address = region.address() + missing as usize;
        region.slot().record(address, Reason::Truncated);
        Err(self.fault_error(region))
    }

    /// Takes the pages away and lets the file go. Views must have been detached before; what
    /// still holds an address gets an error or zeros. Waits for copies and flushes under way.
    pub fn close(&self) -> Result<()> {
        if self.is_closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        self.registration.close();
        // The lock is let go before the pages are, which may take a while.
        let regions = lock(&self.regions).close();
        let mut result = Ok(());
        for region in regions {
            // Where nobody ever saw an address, or nobody does any more, it is unmapped.
            if let Err(used) = Arc::try_unwrap(region) {
                result = result.and(used.revoke());
            }
        }
        result
    }

    /// An error if a range does not lie in the mapping.
    pub fn check_range(&self, offset: u64, length: u64) -> Result<()> {
        match offset.checked_add(length) {
            Some(end) if end <= self.length() => Ok(()),
            _ => Err(Error::out_of_range(
                "the mapping",
                offset,
                length,
                self.length(),
            )),
        }
    }

    pub(in crate::core) fn read_only(&self, what: &str) -> Error {
        let how = if self.is_strict {
            "'r' and 'strict'"
        } else {
            "'r'"
        };
        let text = if self.mode == Mode::Read {
            format!("{what}: the mapping was opened with mode {how}; 'r+' and 'c' can write")
        } else {
            format!("{what}; the mapping's mode is '{}'", self.mode.letters())
        };
        Error::rule("ERR_MEMMAP_READ_ONLY", text).at(self.name())
    }

    /// The error that tells of the first fault.
    #[must_use]
    pub fn fault_error(&self, region: &Region) -> Error {
        let fault = region.faults().first().copied();
        Error::Rule {
            code: "ERR_MEMMAP_FAULT",
            message: String::from("A page of the mapping could not be delivered"),
            path: self.name().map(str::to_owned),
            kind: None,
            offset: fault.map(|fault| fault.offset),
            reason: fault.map(|fault| fault.reason.name()),
        }
    }

    /// The file, as the user named it.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.registration.description.path.as_deref()
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // Collected without close: views may still be in use, so nothing is revoked; the pages
        // go with the last holder. Unmapping many of them takes milliseconds, which the thread
        // of JavaScript shall not wait for.
        const LARGE: usize = 64 << 20;
        self.registration.close();
        let regions = lock(&self.regions).close();
        if regions.iter().any(|region| region.length() > LARGE) {
            crate::core::thread_pool::run(move || drop(regions));
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().ignore_poison()
}
