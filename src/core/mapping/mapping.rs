//! A mapping of a range of a file, or of anonymous memory, from opening to closing.

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

/// The parts that a mapping is made of.
#[derive(Debug)]
pub struct Parts {
    /// The number of the mapping.
    pub id: u64,
    /// The properties for the registry.
    pub description: Description,
    /// The region; none for a mapping of length 0.
    pub region: Option<Arc<Region>>,
    /// The file; none for anonymous memory.
    pub file: Option<Arc<SharedFile>>,
    /// The options for a region that replaces this one.
    pub options: RegionOptions,
    /// The mode in which the mapping was opened.
    pub mode: Mode,
    /// Whether its pages are mapped read-only.
    pub is_strict: bool,
    /// The offset in the file, in bytes.
    pub offset: u64,
    /// The length in bytes.
    pub length: u64,
    /// The length that was requested, in bytes; none for everything up to the end of the file.
    pub wanted: Option<u64>,
    /// The size of the file when it was opened, in bytes.
    pub size: u64,
}

/// The options of a region of a mapping, apart from its range.
#[derive(Debug, Clone, Copy, Default)]
pub struct RegionOptions {
    /// Map without reserving swap (`MAP_NORESERVE`).
    pub no_reserve: bool,
    /// End the process on a fault.
    pub abort: bool,
    /// The size of explicit huge pages, in bytes.
    pub huge: Option<usize>,
    /// Ask for transparent huge pages.
    pub transparent_huge: bool,
    /// The advice for the whole region.
    pub advice: Option<Advice>,
}

/// A mapping of a range of a file, or of anonymous memory.
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
    /// Held while the size is changed.
    resizing: Mutex<()>,
    /// The ranges that `protect` made read-only.
    pub(super) protected: Mutex<RangeSet>,
    /// The ranges that are locked in memory.
    pub(in crate::core) locked_ranges: LockedRanges,
}

impl Mapping {
    /// Makes a mapping and adds it to the registry.
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

    /// Returns its registration in the registry.
    #[must_use]
    pub fn registration(&self) -> &Arc<Registration> {
        &self.registration
    }

    /// Returns the offset in the file, in bytes.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the length in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length.load(Ordering::Acquire)
    }

    /// Returns the length that was requested, in bytes; none for everything up to the end of the
    /// file.
    pub(in crate::core) fn wanted(&self) -> Option<u64> {
        *lock(&self.wanted)
    }

    /// Makes the mapping extend to the end of its file from now on.
    pub(in crate::core) fn want_whole_file(&self) {
        *lock(&self.wanted) = None;
    }

    /// Returns the options of its regions.
    #[must_use]
    pub fn options(&self) -> &RegionOptions {
        &self.options
    }

    /// Reports whether its pages are mapped read-only.
    #[must_use]
    pub fn is_strict(&self) -> bool {
        self.is_strict
    }

    /// Returns the size of the file when it was opened, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the mode in which it was opened.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Returns the current region; none for a mapping of length 0. Fails with `ERR_MEMMAP_CLOSED`
    /// after closing.
    pub fn region(&self) -> Result<Option<Arc<Region>>> {
        if self.is_closed.load(Ordering::Acquire) {
            return Err(Error::closed());
        }
        Ok(lock(&self.regions).current().cloned())
    }

    /// Returns the file, also for a mapping of length 0. Fails with `ERR_MEMMAP_CLOSED` after
    /// closing.
    pub fn file(&self) -> Result<Option<Arc<SharedFile>>> {
        if self.is_closed.load(Ordering::Acquire) {
            return Err(Error::closed());
        }
        Ok(lock(&self.regions).file().cloned())
    }

    /// Excludes other changes of the size until the guard is dropped.
    pub(in crate::core) fn begin_resizing(&self) -> MutexGuard<'_, ()> {
        lock(&self.resizing)
    }

    /// Sets the length, which must not exceed the capacity of the region.
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

    /// Replaces the current region. Views of the former region stay valid.
    pub(in crate::core) fn replace_region(&self, region: Region) -> Result<()> {
        let region = Arc::new(region);
        let mut regions = lock(&self.regions);
        if self.is_closed.load(Ordering::Acquire) {
            return Err(Error::closed());
        }
        self.registration.add_region(&region);
        regions.replace(region);
        Ok(())
    }

    /// Returns all regions that still exist, the current one last.
    pub(in crate::core) fn regions(&self) -> Vec<Arc<Region>> {
        let regions = lock(&self.regions);
        let mut all = regions.live();
        all.extend(regions.current().cloned());
        all
    }

    /// Returns the number of faults.
    #[must_use]
    pub fn fault_count(&self) -> u64 {
        lock(&self.regions).fault_count()
    }

    /// Returns the recorded faults of each region, oldest first.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        lock(&self.regions).faults()
    }

    /// Fails with `ERR_MEMMAP_FLUSH_LOST` if a flush of the file has failed.
    pub fn check_damage(&self) -> Result<()> {
        self.file()?
            .map_or(Ok(()), |file| file.check_damage())
            .map_err(|error| error.at(self.name()))
    }

    /// Checks that the file still reaches to the end of a range. If the file was truncated in the
    /// middle of a page, the rest of that page reads as zeros without a trap. This function records
    /// that as a fault and fails with `ERR_MEMMAP_FAULT`.
    pub fn check_file_covers(&self, offset: u64, length: u64) -> Result<()> {
        self.check_range(offset, length)?;
        self.region()?.map_or(Ok(()), |region| {
            self.check_region_covered(&region, offset, length)
        })
    }

    /// Checks that the file still reaches to the end of a range of a region.
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

    /// Removes the pages and releases the file. The caller must have detached all views before;
    /// later accesses to an address get an error or zeros. Waits for copies and flushes that are
    /// running.
    pub fn close(&self) -> Result<()> {
        if self.is_closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        self.registration.close();
        // The mutex is released before the pages are removed, which may take long.
        let regions = lock(&self.regions).close();
        let mut result = Ok(());
        for region in regions {
            // A region without other references is unmapped by being dropped.
            if let Err(shared) = Arc::try_unwrap(region) {
                result = result.and(shared.revoke());
            }
        }
        result
    }

    /// Fails if a range does not lie in the mapping.
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

    /// Returns the error `ERR_MEMMAP_READ_ONLY`. `what` is the start of its message.
    pub(in crate::core) fn read_only(&self, what: &str) -> Error {
        let how = if self.is_strict {
            "'r' and 'strict'"
        } else {
            "'r'"
        };
        let text = if self.mode == Mode::Read {
            format!(
                "{what}: the mapping was opened with mode {how}; mode 'r+' writes to the file, mode \
                 'c' writes privately"
            )
        } else {
            format!("{what}; the mapping's mode is '{}'", self.mode.letters())
        };
        Error::rule("ERR_MEMMAP_READ_ONLY", text).at(self.name())
    }

    /// Returns the error `ERR_MEMMAP_FAULT` for the first fault of a region.
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

    /// Returns the path of the file, as the user gave it.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.registration.description.path.as_deref()
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // The mapping was collected without having been closed, so views may still be in use.
        // Nothing is revoked: the pages are unmapped with the last reference. Unmapping many pages
        // takes milliseconds, so that happens outside the JavaScript thread.
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
