//! Tests of the fault guard: pages that cannot be delivered become zeros, and the fault is
//! recorded.

#![cfg(target_os = "linux")]

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use memmap::core::fault::record::Reason;
use memmap::core::mapping::mapping::Mapping;
use memmap::core::mapping::mode::Mode;
use memmap::core::open::{Request, Source, open};
use memmap::core::sys;

fn request(path: &Path, mode: Mode) -> Request {
    Request::new(Source::Path(path.to_owned()), mode)
}

fn truncate(path: &Path, size: u64) {
    OpenOptions::new()
        .write(true)
        .open(path)
        .unwrap()
        .set_len(size)
        .unwrap();
}

fn load(mapping: &Mapping, offset: usize) -> u8 {
    let region = mapping.region().unwrap().unwrap();
    // SAFETY: the byte lies in a region that the Arc keeps alive.
    unsafe { ((region.address() + offset) as *const u8).read_volatile() }
}

fn store(mapping: &Mapping, offset: usize, value: u8) {
    let region = mapping.region().unwrap().unwrap();
    // SAFETY: the byte lies in a region that the Arc keeps alive.
    unsafe { ((region.address() + offset) as *mut u8).write_volatile(value) };
}

#[test]
fn pages_after_the_end_of_a_truncated_file_read_as_zeros_and_are_reported_once() {
    let page = sys::page_size();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    std::fs::write(&path, vec![7; page * 8]).unwrap();
    for mode in [Mode::Read, Mode::ReadWrite, Mode::CopyOnWrite] {
        std::fs::write(&path, vec![7; page * 8]).unwrap();
        let mapping = open(request(&path, mode)).unwrap();
        truncate(&path, (page * 3 + 5) as u64);
        assert_eq!(load(&mapping, page * 3 + 4), 7);
        assert_eq!(load(&mapping, page * 3 + 5), 0, "the rest of the last page");
        assert_eq!(mapping.fault_count(), 0);
        for i in page * 4..page * 8 {
            assert_eq!(load(&mapping, i), 0);
        }
        let faults = mapping.faults();
        assert_eq!(faults.len(), 1);
        assert_eq!(
            (faults[0].offset, faults[0].reason),
            (page as u64 * 4, Reason::Truncated)
        );
        // A second truncation to a smaller size keeps the stores after the end of the first one.
        store(&mapping, page * 6, 9);
        truncate(&path, page as u64);
        assert_eq!(load(&mapping, page * 2), 0);
        assert_eq!(load(&mapping, page * 6), 9);
        assert_eq!(mapping.fault_count(), 2);
        mapping.close().unwrap();
        assert_eq!(
            mapping.fault_count(),
            2,
            "the record of the faults is kept after closing"
        );
    }
}

#[test]
fn a_copy_that_causes_a_fault_fails() {
    let page = sys::page_size();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    std::fs::write(&path, vec![7; page * 4]).unwrap();
    let mapping = open(request(&path, Mode::ReadWrite)).unwrap();
    truncate(&path, page as u64);
    let mut target = vec![1; page];
    // SAFETY: the target is a vector of that length.
    unsafe { mapping.read_into(0, target.as_mut_ptr(), page) }.unwrap();
    assert!(target.iter().all(|&b| b == 7));
    // SAFETY: as above.
    let error = unsafe { mapping.read_into(page as u64 * 2, target.as_mut_ptr(), page) };
    assert!(error.unwrap_err().to_string().contains("ERR_MEMMAP_FAULT"));
}

#[test]
fn a_store_into_a_strict_mapping_is_reported_and_does_not_reach_the_file() {
    let page = sys::page_size();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    std::fs::write(&path, vec![7; page * 4]).unwrap();
    let strict = Request {
        strict: true,
        offset: 100,
        ..request(&path, Mode::Read)
    };
    let mapping = open(strict).unwrap();
    store(&mapping, page * 2, 9);
    store(&mapping, page * 2 + 1, 9);
    assert_eq!(load(&mapping, page * 2), 9);
    assert_eq!(
        load(&mapping, page * 2 + 2),
        7,
        "the rest of the page is a copy of the page of the file"
    );
    let faults = mapping.faults();
    assert_eq!(faults.len(), 1);
    assert_eq!(
        (faults[0].offset, faults[0].reason),
        (page as u64 * 2 - 100, Reason::ReadOnly)
    );
    assert_eq!(std::fs::read(&path).unwrap(), vec![7; page * 4]);
}

#[test]
fn a_store_into_a_read_only_page_after_the_end_is_reported_as_a_truncation() {
    let page = sys::page_size();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    for strict in [true, false] {
        std::fs::write(&path, vec![7; page * 4]).unwrap();
        let mode = if strict { Mode::Read } else { Mode::ReadWrite };
        let mapping = open(Request {
            strict,
            ..request(&path, mode)
        })
        .unwrap();
        mapping.protect(false, 0, page as u64 * 4).unwrap();
        truncate(&path, page as u64);
        store(&mapping, page * 2, 9);
        assert_eq!(load(&mapping, page * 2), 9);
        assert_eq!(load(&mapping, page * 3), 0);
        assert_eq!(mapping.faults()[0].reason, Reason::Truncated);
        assert_eq!(std::fs::read(&path).unwrap(), vec![7; page]);
    }
}

#[test]
fn a_store_into_protected_pages_stays_private() {
    let page = sys::page_size();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    for mode in [Mode::ReadWrite, Mode::CopyOnWrite] {
        std::fs::write(&path, vec![7; page * 4]).unwrap();
        let mapping = open(request(&path, mode)).unwrap();
        mapping.protect(false, page as u64, page as u64).unwrap();
        store(&mapping, page, 9);
        store(&mapping, 0, 8);
        assert_eq!(mapping.faults()[0].reason, Reason::ReadOnly);
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes[page], 7);
        assert_eq!(bytes[0], if mode == Mode::ReadWrite { 8 } else { 7 });
    }
}

#[test]
fn an_access_after_close_reads_zeros_while_the_address_is_held() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    std::fs::write(&path, vec![7; 100_000]).unwrap();
    let mapping = open(request(&path, Mode::Read)).unwrap();
    let region = mapping.region().unwrap().unwrap();
    mapping.close().unwrap();
    // SAFETY: the Arc keeps the addresses reserved.
    let byte = unsafe { ((region.address() + 50_000) as *const u8).read_volatile() };
    assert_eq!(byte, 0);
    assert_eq!(region.faults()[0].reason, Reason::Closed);
}

#[test]
fn all_threads_that_fault_on_the_same_pages_continue() {
    let page = sys::page_size();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    for round in 0..50 {
        std::fs::write(&path, vec![7; page * 64]).unwrap();
        let mapping = Arc::new(open(request(&path, Mode::ReadWrite)).unwrap());
        let go = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let (mapping, go) = (Arc::clone(&mapping), Arc::clone(&go));
                std::thread::spawn(move || {
                    while !go.load(Ordering::Acquire) {
                        std::hint::spin_loop();
                    }
                    (0..64)
                        .map(|i| usize::from(load(&mapping, i * page)))
                        .sum::<usize>()
                })
            })
            .collect();
        let keep = round % 8;
        truncate(&path, (keep * page) as u64);
        go.store(true, Ordering::Release);
        for reader in readers {
            assert_eq!(reader.join().unwrap(), 7 * keep);
        }
        assert_eq!(mapping.fault_count(), 1);
    }
}

#[test]
fn closing_while_other_threads_read_is_safe() {
    let page = sys::page_size();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    std::fs::write(&path, vec![7; page * 64]).unwrap();
    for _ in 0..50 {
        let mapping = open(request(&path, Mode::ReadWrite)).unwrap();
        let region = mapping.region().unwrap().unwrap();
        let reader = std::thread::spawn(move || {
            let mut seen = [false; 256];
            for i in 0..20_000 {
                let address = region.address() + (i % 64) * sys::page_size();
                // SAFETY: the Arc keeps the addresses reserved.
                seen[usize::from(unsafe { (address as *const u8).read_volatile() })] = true;
            }
            seen
        });
        mapping.close().unwrap();
        let seen = reader.join().unwrap();
        assert!(
            (0..256)
                .filter(|&value| seen[value])
                .all(|value| value == 7 || value == 0)
        );
    }
}
