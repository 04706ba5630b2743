//! The limits of a process: stopping before one is reached, and saying which one was.
//!
//! `ENOMEM` from `mmap` may mean the number of mappings, the address space, the data limit or
//! overcommit. And a process that used its last mapping dies at the next allocation of V8, so
//! some are left for it.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::{Error, Result};
use super::sys::{self, Limit};

/// Regions of ours that are mapped now.
static LIVE: AtomicU64 = AtomicU64::new(0);
/// `LIVE` and the whole process's count when the latter was last read.
static LAST_LIVE: AtomicU64 = AtomicU64::new(0);
static LAST_COUNT: AtomicU64 = AtomicU64::new(0);

/// Address space that V8, the C library and threads may still want when ours is in place.
const SPARE_BYTES: u64 = 128 << 20;
/// Reading the count costs a system call per few dozen mappings, so it is done this rarely.
const READ_EVERY: u64 = 1024;

/// A counted mapping; gives its place back on drop.
#[derive(Debug)]
pub struct Counted(());

impl Counted {
    /// Takes a place, or says which limit is near.
    pub fn take(length: u64) -> Result<Self> {
        check_count()?;
        check_address_space(length)?;
        LIVE.fetch_add(1, Ordering::Relaxed);
        Ok(Self(()))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many mappings Linux allows a process (`vm.max_map_count`); no other system has a limit.
fn most_mappings() -> Option<u64> {
    static MOST: std::sync::OnceLock<Option<u64>> = std::sync::OnceLock::new();
    *MOST.get_or_init(|| {
        fs::read_to_string("/proc/sys/vm/max_map_count")
            .ok()?
            .trim()
            .parse()
            .ok()
    })
}

/// How many mappings the process has.
fn count_mappings() -> Option<u64> {
    fs::read("/proc/self/maps")
        .ok()
        .map(|maps| maps.split(|&byte| byte == b'\n').count() as u64 - 1)
}

/// A sixteenth is left to everybody else, and to the pieces that the fault guard cuts.
fn usable(most: u64) -> u64 {
    most - most / 16
}

fn check_count() -> Result<()> {
    let live = LIVE.load(Ordering::Relaxed);
    let Some(most) = most_mappings() else {
        return Ok(());
    };
    // A process that is far from the limit pays nothing.
    if live < most / 8 {
        return Ok(());
    }
    let last_live = LAST_LIVE.load(Ordering::Relaxed);
    let estimate = LAST_COUNT.load(Ordering::Relaxed) + live.saturating_sub(last_live);
    let fresh = LAST_COUNT.load(Ordering::Relaxed) != 0 && live.abs_diff(last_live) < READ_EVERY;
    if fresh && estimate < usable(most) {
        return Ok(());
    }
    let Some(count) = count_mappings() else {
        return Ok(());
    };
    LAST_LIVE.store(live, Ordering::Relaxed);
    LAST_COUNT.store(count, Ordering::Relaxed);
    if count < usable(most) {
        Ok(())
    } else {
        Err(too_many(count, most, live))
    }
}

fn too_many(count: u64, most: u64, ours: u64) -> Error {
    Error::rule(
        "ERR_MEMMAP_MAP_COUNT",
        format!(
            "The process has {count} memory mappings, {ours} of them by this library, and the \
             system allows {most} (vm.max_map_count): close mappings, or map larger parts and \
             take windows of them"
        ),
    )
}

fn check_address_space(length: u64) -> Result<()> {
    let Some(limit) = sys::limit(Limit::AddressSpace) else {
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
    if let (Some(count), Some(most)) = (count_mappings(), most_mappings())
        && count + 2 >= most
    {
        return too_many(count, most, LIVE.load(Ordering::Relaxed));
    }
    let used = address_space_used();
    if let Some(limit) = sys::limit(Limit::AddressSpace)
        && used.saturating_add(length) > limit
    {
        return no_address_space(length, used, limit, "RLIMIT_AS");
    }
    if used.saturating_add(length) > ADDRESSABLE - ADDRESSABLE / 64 {
        return no_address_space(length, used, ADDRESSABLE, "the processor's 47 bits");
    }
    match sys::limit(Limit::Data) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_back() {
        let before = LIVE.load(Ordering::Relaxed);
        let place = Counted::take(4096).unwrap();
        assert!(LIVE.load(Ordering::Relaxed) > 0);
        drop(place);
        assert!(
            LIVE.load(Ordering::Relaxed) <= before + 64,
            "other tests hold at most a few"
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
    fn the_process_has_mappings_and_a_limit() {
        assert!(count_mappings().unwrap() > 1);
        assert!(most_mappings().unwrap() > count_mappings().unwrap());
        assert!(address_space_used() > 0);
    }
}
