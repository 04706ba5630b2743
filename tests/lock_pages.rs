//! Tests of locking pages in memory against the state of the kernel.

#![cfg(target_os = "linux")]

use memmap::core::cancel::CancelToken;
use memmap::core::mapping::map_region::Anonymous;
use memmap::core::mapping::mapping::Mapping;
use memmap::core::mapping::mode::Mode;
use memmap::core::mapping::registry::Description;
use memmap::core::open::{Request, Source, anonymous, open};
use memmap::core::residency::{lock_pages, residency};
use memmap::core::sys;
use proptest::prelude::*;

/// Returns for each page of a mapping whether the kernel has locked it (the flag `lo` in `smaps`).
fn locked(mapping: &Mapping) -> Vec<bool> {
    let (start, span) = mapping.region().unwrap().unwrap().all_pages();
    let page = sys::page_size();
    let mut flags = vec![false; span / page];
    let mut area = 0..0;
    for line in std::fs::read_to_string("/proc/self/smaps").unwrap().lines() {
        let first = line.split_whitespace().next().unwrap_or_default();
        if let Some((from, to)) = first.split_once('-') {
            let number = |text| usize::from_str_radix(text, 16).unwrap();
            area = number(from).max(start)..number(to).min(start + span);
        } else if first == "VmFlags:" && line.contains(" lo") {
            for address in area.clone().step_by(page) {
                flags[(address - start) / page] = true;
            }
        }
    }
    flags
}

fn memory(pages: usize) -> Mapping {
    let length = pages * sys::page_size();
    anonymous(&Anonymous::of(length), false, Description::default()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn a_page_is_locked_as_long_as_one_of_its_bytes_is(
        steps in prop::collection::vec((0_usize..16 * 8, 0_usize..40, 0..3), 1..12)
    ) {
        // The unit is an eighth of a page, so that neighbouring ranges share pages.
        let unit = sys::page_size() / 8;
        let mapping = memory(16);
        let mut model = [false; 16 * 8];
        for (start, length, what) in steps {
            let end = (start + length).min(model.len());
            let (offset, bytes) = ((start * unit) as u64, ((end - start) * unit) as u64);
            if what == 0 {
                lock_pages::unlock(&mapping, offset, bytes).unwrap();
            } else {
                lock_pages::lock(&mapping, offset, bytes, what == 1, &CancelToken::default()).unwrap();
            }
            model[start..end].fill(what != 0);
            let expected: Vec<bool> = model.chunks(8).map(|page| page.contains(&true)).collect();
            prop_assert_eq!(locked(&mapping), expected.clone());
            let report = residency::report(&mapping, 0, mapping.length(), None, &CancelToken::default());
            let count = expected.iter().filter(|&&held| held).count() as u64;
            prop_assert_eq!(report.unwrap().locked_pages, count);
        }
    }
}

#[test]
fn a_cancelled_lock_leaves_other_locks_unchanged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let page = sys::page_size();
    std::fs::write(&path, vec![7; 20 * page]).unwrap();
    let request = Request::new(Source::Path(path), Mode::Read);
    let mapping = open(Request {
        offset: 100,
        ..request
    })
    .unwrap();
    let length = mapping.length();
    lock_pages::lock(&mapping, 3 * page as u64, 1, true, &CancelToken::default()).unwrap();
    let before = locked(&mapping);
    assert_eq!(before.iter().filter(|&&held| held).count(), 1);
    let token = CancelToken::default();
    token.cancel();
    assert!(lock_pages::lock(&mapping, 0, length, false, &token).is_err());
    assert_eq!(locked(&mapping), before);
    assert!(lock_pages::lock(&mapping, 0, length + 1, false, &CancelToken::default()).is_err());
    mapping.close().unwrap();
    assert!(lock_pages::lock(&mapping, 0, 1, false, &CancelToken::default()).is_err());
}
