//! The limits of a process: refuses a mapping before a limit is reached, and names the limit in errors.
//!
//! `ENOMEM` from `mmap` can mean the number of memory areas, the address space, the data limit or
//! overcommit. A process without a free area dies at the next allocation of V8, so this module keeps
//! some areas free.
//!
//! The kernel counts memory areas: a mapping with one protected page in its middle is three areas.
//! Each operation therefore adds the areas that it can create at most to a counter, and the exact
//! number is read from time to time.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use super::error::{Error, Result};
use super::sys::{self, Limit};
use crate::core::poison::IgnorePoison;

/// The regions of this library that are mapped now.
static LIVE: AtomicU64 = AtomicU64::new(0);
/// The areas of the process when they were last counted; 0 before the first count.
static COUNTED: AtomicU64 = AtomicU64::new(0);
/// The areas that this library can have added since the last count.
static ADDED: AtomicU64 = AtomicU64::new(0);
/// The areas of this library that were removed since the last count.
static FREED: AtomicU64 = AtomicU64::new(0);
/// The number of areas above which this library adds no more; 0 if it is unknown.
static USABLE: AtomicU64 = AtomicU64::new(0);

/// The bytes of address space that are left to V8, the C library and threads.
const SPARE_BYTES: u64 = 128 << 20;
/// The areas are counted again after at most this many additions, because other code of the
/// process adds areas too.
const COUNT_EVERY: u64 = 2048;
/// The areas that a change in the middle of an area adds: one area becomes three.
const SPLIT: u64 = 2;

/// The areas of a region. On drop they count as removed.
#[derive(Debug)]
pub struct AreaCount {
    areas: AtomicU64,
}

impl AreaCount {
    /// Counts a new region of `length` bytes, or fails with the limit that it would reach.
    pub fn take(length: u64) -> Result<Self> {
        add_areas(1)?;
        check_address_space(length)?;
        LIVE.fetch_add(1, Ordering::Relaxed);
        Ok(Self {
            areas: AtomicU64::new(1),
        })
    }

    /// Reports whether the region is a single area.
    pub fn is_whole(&self) -> bool {
        self.areas.load(Ordering::Relaxed) == 1
    }

    /// Counts the areas that a range with its own protection or advice adds, or fails at the limit.
    pub fn split(&self) -> Result<()> {
        add_areas(SPLIT)?;
        self.areas.fetch_add(SPLIT, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for AreaCount {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, Ordering::Relaxed);
        FREED.fetch_add(self.areas.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// Returns the number of areas that Linux allows a process (`vm.max_map_count`). Other systems have
/// no such limit.
fn max_areas() -> Option<u64> {
    static MAX: OnceLock<Option<u64>> = OnceLock::new();
    *MAX.get_or_init(|| {
        fs::read_to_string("/proc/sys/vm/max_map_count")
            .ok()?
            .trim()
            .parse()
            .ok()
    })
}

/// Returns the number of areas of the process.
fn count_areas() -> Option<u64> {
    let maps = fs::read("/proc/self/maps").ok()?;
    Some(memchr::memchr_iter(b'\n', &maps).count() as u64)
}

/// Returns the number of areas that this library uses at most. A sixteenth is left to other code of
/// the process, and to the areas that the fault guard splits.
fn usable(max: u64) -> u64 {
    max - max / 16
}

/// Counts at most `areas` new areas, or fails if they would exceed the limit.
pub fn add_areas(areas: u64) -> Result<()> {
    let Some(max) = max_areas() else {
        return Ok(());
    };
    let counted = COUNTED.load(Ordering::Relaxed);
    let added = ADDED.fetch_add(areas, Ordering::Relaxed) + areas;
    if counted != 0 && added < COUNT_EVERY && counted + added < usable(max) {
        return Ok(());
    }
    count_again(max)
}

/// Counts the memory areas of the process (the lines of its memory map). Fails without counting if the limit was reached a moment ago,
/// because counting is slow with many areas.
fn count_again(max: u64) -> Result<()> {
    const RECOUNT_INTERVAL: Duration = Duration::from_millis(250);
    /// The areas that must have been removed to justify counting before the interval is over.
    const MIN_FREED: u64 = 256;
    /// The time of the last count that reached the limit.
    static FULL: Mutex<Option<Instant>> = Mutex::new(None);
    let mut full = FULL.lock().ignore_poison();
    if let Some(when) = *full
        && FREED.load(Ordering::Relaxed) < MIN_FREED
        && when.elapsed() < RECOUNT_INTERVAL
    {
        return Err(too_many(COUNTED.load(Ordering::Relaxed), max));
    }
    let Some(count) = count_areas() else {
        return Ok(());
    };
    USABLE.store(usable(max), Ordering::Relaxed);
    COUNTED.store(count, Ordering::Relaxed);
    ADDED.store(0, Ordering::Relaxed);
    FREED.store(0, Ordering::Relaxed);
    if count < usable(max) {
        *full = None;
        return Ok(());
    }
    *full = Some(Instant::now());
    Err(too_many(count, max))
}

/// Reports whether an area may be split, and counts the split. Safe to call in a signal handler,
/// which cannot count areas; half of the areas that are kept free are for signal handlers.
pub fn may_split() -> bool {
    let usable = USABLE.load(Ordering::Relaxed);
    let added = ADDED.fetch_add(SPLIT, Ordering::Relaxed) + SPLIT;
    usable == 0 || COUNTED.load(Ordering::Relaxed) + added < usable + usable / 32
}

fn too_many(count: u64, max: u64) -> Error {
    let ours = LIVE.load(Ordering::Relaxed);
    Error::rule(
        "ERR_MEMMAP_MAP_COUNT",
        format!(
            "The process has {count} memory mappings (a range with its own protection or \
             advice counts as one), {ours} regions of this library are open, and the system allows \
             {max} (vm.max_map_count): close mappings, or map larger ranges and take windows of them"
        ),
    )
}

fn check_address_space(length: u64) -> Result<()> {
    let Some(limit) = sys::resource_limit(Limit::AddressSpace) else {
        return Ok(());
    };
    let used = address_space_used();
    if used.saturating_add(length).saturating_add(SPARE_BYTES) <= limit {
        return Ok(());
    }
    Err(no_address_space(length, used, limit, "RLIMIT_AS"))
}

fn no_address_space(length: u64, used: u64, limit: u64, name: &str) -> Error {
    Error::rule(
        "ERR_MEMMAP_ADDRESS_SPACE",
        format!(
            "No address space for {length} bytes: the process uses {used} of {limit} ({name}), \
             and {SPARE_BYTES} are kept for the runtime; map a range with 'offset' and 'length'"
        ),
    )
}

/// Returns the bytes of address space in use, or 0 if the system does not report them.
fn address_space_used() -> u64 {
    let pages: Option<u64> = fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok());
    pages.unwrap_or(0) * sys::page_size() as u64
}

/// Explains an `ENOMEM` for a mapping of `length` bytes. Returns other errors unchanged.
#[must_use]
pub fn explain(error: Error, length: u64, is_private: bool) -> Error {
    /// The bytes that 47 bits can address, which every supported processor has.
    const ADDRESSABLE: u64 = 1 << 47;
    if error.errno() != Some(sys::ENOMEM) {
        return error;
    }
    if let (Some(count), Some(max)) = (count_areas(), max_areas())
        && count + SPLIT >= max
    {
        return too_many(count, max);
    }
    let used = address_space_used();
    if let Some(limit) = sys::resource_limit(Limit::AddressSpace)
        && used.saturating_add(length) > limit
    {
        return no_address_space(length, used, limit, "RLIMIT_AS");
    }
    if used.saturating_add(length) > ADDRESSABLE - ADDRESSABLE / 64 {
        return no_address_space(length, used, ADDRESSABLE, "the processor's 47 bits");
    }
    match sys::resource_limit(Limit::Data) {
        Some(limit) if is_private => error.because(format!(
            "{length} bytes of private memory exceed what is left of RLIMIT_DATA ({limit})"
        )),
        _ if is_private => error.because(format!(
            "the system can't reserve memory or swap for {length} bytes of private memory; \
             'noReserve: true' maps without reserving it"
        )),
        _ => error.because("the system has no memory left for the mapping"),
    }
}

/// Explains which limit a file of `size` bytes exceeds. Returns other errors unchanged.
#[must_use]
pub fn explain_size(error: Error, size: u64) -> Error {
    if error.errno() != Some(sys::EFBIG) {
        return error;
    }
    match sys::resource_limit(Limit::FileSize) {
        Some(limit) if size > limit => error.because(format!(
            "the process may create files of at most {limit} bytes (RLIMIT_FSIZE), and {size} \
             were requested"
        )),
        _ => error.because(format!(
            "the file system does not support files of {size} bytes"
        )),
    }
}

/// Explains which limit of open files was reached. Returns other errors unchanged.
#[must_use]
pub fn explain_descriptors(error: Error) -> Error {
    if error.errno() != Some(sys::EMFILE) {
        return error;
    }
    match sys::resource_limit(Limit::OpenFiles) {
        Some(limit) => error.because(format!(
            "the process has reached its limit of {limit} open files (RLIMIT_NOFILE); mappings of \
             one file share one descriptor"
        )),
        None => error,
    }
}

/// Explains why `wanted` bytes could not be locked in memory.
#[must_use]
pub fn explain_lock(error: Error, wanted: u64) -> Error {
    let limit = sys::resource_limit(Limit::LockedMemory);
    match error.errno() {
        Some(sys::EPERM) => memory_lock_limit(wanted, limit.unwrap_or(0)),
        Some(sys::ENOMEM | sys::EAGAIN) => {
            if let (Some(count), Some(max)) = (count_areas(), max_areas())
                && count + SPLIT >= max
            {
                return too_many(count, max);
            }
            match limit {
                Some(limit)
                    if !sys::has_unlimited_memory_locks()
                        && bytes_locked().saturating_add(wanted) > limit =>
                {
                    memory_lock_limit(wanted, limit)
                }
                _ => error.because("the system does not have enough memory to lock"),
            }
        }
        _ => error,
    }
}

fn memory_lock_limit(wanted: u64, limit: u64) -> Error {
    Error::rule(
        "ERR_MEMMAP_MEMLOCK_LIMIT",
        format!(
            "{wanted} bytes can't be locked in memory: the process has locked {} of the {limit} \
             bytes that it may lock (RLIMIT_MEMLOCK); lock less, or raise the limit ('ulimit -l', \
             'LimitMEMLOCK=' of a service)",
            bytes_locked()
        ),
    )
}

/// Returns the bytes that the process has locked in memory, or 0 if the system does not report them.
fn bytes_locked() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kibibytes: Option<u64> = status.lines().find_map(|line| {
        line.strip_prefix("VmLck:")?
            .strip_suffix("kB")?
            .trim()
            .parse()
            .ok()
    });
    kibibytes.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_region_is_no_longer_counted() {
        let before = LIVE.load(Ordering::Relaxed);
        let areas = AreaCount::take(4096).unwrap();
        assert!(LIVE.load(Ordering::Relaxed) > 0);
        drop(areas);
        assert!(
            LIVE.load(Ordering::Relaxed) <= before + 64,
            "other tests hold only a few regions"
        );
    }

    #[test]
    fn only_enomem_is_explained() {
        let error = Error::system(sys::EACCES, "mmap");
        assert_eq!(explain(error.clone(), 1, true), error);
    }

    #[test]
    fn a_mapping_beyond_47_bits_reports_the_address_space() {
        let error = explain(Error::system(sys::ENOMEM, "mmap"), 1 << 47, false);
        assert!(
            error.to_string().contains("ERR_MEMMAP_ADDRESS_SPACE"),
            "{error}"
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_areas_of_the_process_and_their_limit_are_known() {
        assert!(count_areas().unwrap() > 1);
        assert!(max_areas().unwrap() > count_areas().unwrap());
        assert!(address_space_used() > 0);
        add_areas(1).unwrap();
        assert!(COUNTED.load(Ordering::Relaxed) > 1);
        assert!(may_split());
    }
}
