//! The limits of a process: stopping before one is reached, and saying which one was.
//!
//! `ENOMEM` from `mmap` may mean the number of mappings, the address space, the data limit or
//! overcommit. And a process that used its last mapping dies at the next allocation of V8, so
//! some are left for it.
//!
//! The system counts areas: a mapping of which one page is protected is three. What we do is
//! therefore noted with how many areas it may add, and the true number read now and then.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use super::error::{Error, Result};
use super::sys::{self, Limit};
use crate::core::poison::IgnorePoison;

/// Regions of ours that are mapped now.
static LIVE: AtomicU64 = AtomicU64::new(0);
/// The process's areas when they were last areas; 0 before the first time.
static COUNTED: AtomicU64 = AtomicU64::new(0);
/// How many may have been added since.
static ADDED: AtomicU64 = AtomicU64::new(0);
/// How many of ours have gone since.
static FREED: AtomicU64 = AtomicU64::new(0);
/// How many the process may have before we add no more; 0 where nothing is known.
static USABLE: AtomicU64 = AtomicU64::new(0);

/// Address space that V8, the C library and threads may still want when ours is in place.
const SPARE_BYTES: u64 = 128 << 20;
/// Others add areas as well, unseen by us: the true number is read this often at the least.
const COUNT_EVERY: u64 = 2048;
/// Something in the middle of a piece makes three of it.
const SPLIT: u64 = 2;

/// A areas mapping and the areas that were cut from it; gives its places back on drop.
#[derive(Debug)]
pub struct AreaCount {
    areas: AtomicU64,
}

impl AreaCount {
    /// Takes a place, or says which limit is near.
    pub fn take(length: u64) -> Result<Self> {
        add_areas(1)?;
        check_address_space(length)?;
        LIVE.fetch_add(1, Ordering::Relaxed);
        Ok(Self {
            areas: AtomicU64::new(1),
        })
    }

    /// Whether it is in one piece.
    pub fn is_whole(&self) -> bool {
        self.areas.load(Ordering::Relaxed) == 1
    }

    /// Notes that a part of it gets a treatment of its own, or says that there is no room.
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

/// How many areas Linux allows a process (`vm.max_map_count`); no other system has a limit.
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

/// How many areas the process has.
fn count_areas() -> Option<u64> {
    let maps = fs::read("/proc/self/maps").ok()?;
    Some(memchr::memchr_iter(b'\n', &maps).count() as u64)
}

/// A sixteenth is left to everybody else, and to the areas that the fault guard cuts.
fn usable(max: u64) -> u64 {
    max - max / 16
}

/// Notes that up to so many areas are added, or says that there is no room for them.
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

/// Counts, unless there was no room a moment ago: at the limit counting is slow.
fn count_again(max: u64) -> Result<()> {
    const MOMENT: Duration = Duration::from_millis(250);
    /// So many of ours must have gone before it is worth another look.
    const ROOM: u64 = 256;
    /// When there was no room.
    static FULL: Mutex<Option<Instant>> = Mutex::new(None);
    let mut full = FULL.lock().ignore_poison();
    if let Some(when) = *full
        && FREED.load(Ordering::Relaxed) < ROOM
        && when.elapsed() < MOMENT
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

/// Whether a piece may be split without asking first. Notes that it is. Safe to call in a signal
/// handler; half of the reserve is for handlers.
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
            "The process has {count} memory mappings (a part with other protection or advice \
             counts as one), {ours} of this library's are open, and the system allows {max} \
             (vm.max_map_count): close mappings, or map larger parts and take windows of them"
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
             and {SPARE_BYTES} are left to the runtime; map a part with 'offset' and 'length'"
        ),
    )
}

/// Bytes of address space in use, or 0 where the system doesn't tell.
fn address_space_used() -> u64 {
    let pages: Option<u64> = fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok());
    pages.unwrap_or(0) * sys::page_size() as u64
}

/// What an `ENOMEM` for a mapping of `length` bytes means; other errors stay as they are.
#[must_use]
pub fn explain(error: Error, length: u64, is_private: bool) -> Error {
    /// What 47 bits can address, which is what every supported processor has.
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
            "{length} bytes of private memory are more than RLIMIT_DATA leaves of {limit}"
        )),
        _ if is_private => error.because(format!(
            "the system won't promise {length} bytes of private memory; 'noReserve: true' maps \
             without the promise"
        )),
        _ => error.because("the system has no memory left for the mapping"),
    }
}

/// Which limit a file of `size` bytes was too large for; other errors stay as they are.
#[must_use]
pub fn explain_size(error: Error, size: u64) -> Error {
    if error.errno() != Some(sys::EFBIG) {
        return error;
    }
    match sys::resource_limit(Limit::FileSize) {
        Some(limit) if size > limit => error.because(format!(
            "the process may make files of no more than {limit} bytes (RLIMIT_FSIZE), and {size} \
             were asked for"
        )),
        _ => error.because(format!("the file system has no files of {size} bytes")),
    }
}

/// Which limit there was no descriptor for; other errors stay as they are.
#[must_use]
pub fn explain_descriptors(error: Error) -> Error {
    if error.errno() != Some(sys::EMFILE) {
        return error;
    }
    match sys::resource_limit(Limit::OpenFiles) {
        Some(limit) => error.because(format!(
            "the process has as many open files as it may, {limit} (RLIMIT_NOFILE); mappings of \
             one file share one descriptor"
        )),
        None => error,
    }
}

/// What it means that `wanted` bytes could not be locked in memory.
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
                _ => error.because("the system has not so much memory that it could lock"),
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
             that it may (RLIMIT_MEMLOCK); lock less, or raise the limit ('ulimit -l', \
             'LimitMEMLOCK=' of a service)",
            bytes_locked()
        ),
    )
}

/// Bytes that the process has locked in memory, or 0 where the system doesn't tell.
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
    fn places_are_given_back() {
        let before = LIVE.load(Ordering::Relaxed);
        let place = AreaCount::take(4096).unwrap();
        assert!(LIVE.load(Ordering::Relaxed) > 0);
        drop(place);
        assert!(
            LIVE.load(Ordering::Relaxed) <= before + 64,
            "other tests hold at max a few"
        );
    }

    #[test]
    fn only_enomem_is_explained() {
        let error = Error::system(sys::EACCES, "mmap");
        assert_eq!(explain(error.clone(), 1, true), error);
    }

    #[test]
    fn more_than_the_processor_can_address_is_said_to_be_that() {
        let error = explain(Error::system(sys::ENOMEM, "mmap"), 1 << 47, false);
        assert!(
            error.to_string().contains("ERR_MEMMAP_ADDRESS_SPACE"),
            "{error}"
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_process_has_pieces_and_a_limit() {
        assert!(count_areas().unwrap() > 1);
        assert!(max_areas().unwrap() > count_areas().unwrap());
        assert!(address_space_used() > 0);
        add_areas(1).unwrap();
        assert!(COUNTED.load(Ordering::Relaxed) > 1);
        assert!(may_split());
    }
}
