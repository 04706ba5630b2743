use std::io::Write;

use super::*;
use crate::core::durability::flush::flush;
use crate::core::file::flush_level::Level;
use crate::core::mapping::map_region::Anonymous;
use crate::core::mapping::registry::Description;
use crate::core::open::{Request, Source, anonymous, open};

fn at(path: &std::path::Path, mode: Mode, change: impl FnOnce(&mut Request)) -> Mapping {
    let mut request = Request::new(Source::Path(path.into()), mode);
    change(&mut request);
    open(request).unwrap()
}

fn bytes(mapping: &Mapping) -> Vec<u8> {
    mapping
        .with_bytes(0, mapping.length(), <[u8]>::to_vec)
        .unwrap()
}

fn put(mapping: &Mapping, offset: u64, bytes: &[u8]) {
    // SAFETY: a slice is readable.
    unsafe { mapping.write(offset, bytes.as_ptr(), bytes.len()) }.unwrap();
}

fn is(error: &Error, wanted: &str) -> bool {
    matches!(error, Error::Rule { code, .. } if *code == wanted)
}

fn address(mapping: &Mapping) -> usize {
    mapping.region().unwrap().unwrap().address()
}

#[test]
fn a_mapping_grows_and_shrinks_in_place_within_its_reserve() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mapping = at(&path, Mode::Write, |r| r.reserve = 1 << 40);
    assert_eq!(mapping.length(), 0);
    let before = address(&mapping);
    for size in [1, 4096, 100_000, 5000, 0, 3_000_000] {
        let old = mapping.length();
        assert_eq!(resize(&mapping, size).unwrap(), size);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), size);
        assert_eq!(address(&mapping), before);
        if size > old {
            assert!(bytes(&mapping)[old as usize..].iter().all(|&b| b == 0));
        }
        if size > 0 {
            put(&mapping, 0, &vec![7; size as usize]);
            assert_eq!(std::fs::read(&path).unwrap(), vec![7; size as usize]);
        }
    }
    assert_eq!(mapping.fault_count(), 0);
}

#[test]
fn bytes_added_within_the_last_page_can_be_flushed_and_advised() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    for (room, sizes) in [
        (0, [5, 11, 4096]),
        (5000, [24, 6000, 8192]),
        (0, [24, 5000, 12_000]),
    ] {
        std::fs::write(&path, vec![1; sizes[0]]).unwrap();
        let mapping = at(&path, Mode::ReadWrite, |r| r.reserve = room);
        for size in sizes {
            resize(&mapping, size as u64).unwrap();
            put(&mapping, size as u64 - 1, b"z");
            for level in [Level::Schedule, Level::Barrier, Level::Data, Level::All] {
                flush(&mapping, level, 0, size as u64).unwrap();
            }
            let advice = advice::advice("willneed").unwrap();
            advise::advise(&mapping, advice, size as u64 - 1, 1).unwrap();
        }
    }
    let memory = Anonymous::of(100);
    let mapping = anonymous(&memory, false, Description::default()).unwrap();
    resize(&mapping, 200).unwrap();
    let advice = advice::advice("willneed").unwrap();
    advise::advise(&mapping, advice, 0, 200).unwrap();
}

#[test]
fn without_reserve_a_mapping_moves_and_both_regions_show_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    std::fs::write(&path, vec![1; 5000]).unwrap();
    let mapping = at(&path, Mode::ReadWrite, |r| r.offset = 1000);
    let old = mapping.region().unwrap().unwrap();
    resize(&mapping, 1 << 20).unwrap();
    assert_eq!(mapping.length(), (1 << 20) - 1000);
    assert_ne!(old.address(), address(&mapping));
    put(&mapping, 10, b"new");
    // SAFETY: `old` holds the region, which is mapped.
    let seen = unsafe { std::slice::from_raw_parts((old.address() + 10) as *const u8, 3) };
    assert_eq!(seen, b"new");
    mapping.close().unwrap();
    assert!(old.is_revoked());
}

#[test]
fn anonymous_memory_keeps_its_contents_and_grows_by_zeros() {
    let memory = |length, room| Anonymous {
        length,
        room,
        ..Anonymous::default()
    };
    for room in [0, 1 << 30] {
        let mapping = anonymous(&memory(5000, room), false, Description::default()).unwrap();
        put(&mapping, 0, &[9; 5000]);
        resize(&mapping, 1 << 20).unwrap();
        let mut expected = vec![9; 5000];
        expected.resize(1 << 20, 0);
        assert_eq!(bytes(&mapping), expected);
        put(&mapping, 0, &vec![8; 1 << 20]);
        resize(&mapping, 4097).unwrap();
        resize(&mapping, 1 << 20).unwrap();
        expected = vec![8; 4097];
        expected.resize(1 << 20, 0);
        assert_eq!(bytes(&mapping), expected);
    }
}

#[test]
fn anonymous_memory_with_a_view_is_not_moved() {
    let memory = anonymous(&Anonymous::of(4096), false, Description::default()).unwrap();
    memory.region().unwrap().unwrap().add_view();
    let error = resize(&memory, 1 << 20).unwrap_err();
    assert!(is(&error, "ERR_MEMMAP_ADDRESS_SPACE"));
    assert_eq!(memory.length(), 4096);
}

#[test]
fn read_only_memory_shrinks_and_stays_read_only() {
    let memory = Anonymous {
        length: 8192,
        room: 1 << 20,
        ..Anonymous::default()
    };
    let mapping = anonymous(&memory, false, Description::default()).unwrap();
    put(&mapping, 0, &[7; 8192]);
    mapping.protect(false, 0, 8192).unwrap();
    resize(&mapping, 5000).unwrap();
    resize(&mapping, 8192).unwrap();
    assert_eq!(mapping.fault_count(), 0);
    assert_eq!(bytes(&mapping)[4999..5001], [7, 0]);
    assert!(mapping.check_writable(8000, 1).is_err());
    mapping.protect(true, 0, 8192).unwrap();
    put(&mapping, 8000, b"x");
}

#[test]
fn refresh_follows_the_file_up_to_the_given_length() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    std::fs::write(&path, vec![1; 10_000]).unwrap();
    let all = at(&path, Mode::Read, |_| {});
    let part = at(&path, Mode::Read, |r| r.length = Some(6000));
    let other = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    // Windows does not truncate a mapped file.
    let shorter: &[u64] = if cfg!(unix) { &[100, 0] } else { &[] };
    let sizes = [20_000].into_iter().chain(shorter.iter().copied());
    for size in sizes.chain([50_000]) {
        let expected = size.min(6000);
        other.set_len(size).unwrap();
        assert_eq!(refresh(&all).unwrap(), size);
        assert_eq!(refresh(&part).unwrap(), expected);
        assert_eq!(bytes(&all).len() as u64, size);
    }
}

#[test]
fn a_private_last_page_gets_bytes_added_to_the_file_and_keeps_stores() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    for (mode, offset, size, is_protected) in [
        (Mode::CopyOnWrite, 0, 24, false),
        (Mode::CopyOnWrite, 3, 5000, false),
        (Mode::CopyOnWrite, 0, 24, true),
        (Mode::Read, 0, 24, true),
    ] {
        std::fs::write(&path, vec![b'a'; size]).unwrap();
        let mapping = at(&path, mode, |r| {
            (r.offset, r.reserve) = (offset, 1 << 20);
        });
        let last = address(&mapping) + mapping.length() as usize - 1;
        // SAFETY: the byte is in a private page of the mapping, which only this thread uses.
        unsafe { std::ptr::write(last as *mut u8, b'X') };
        if is_protected && mode != Mode::Read {
            mapping.protect(false, 0, mapping.length()).unwrap();
        }
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap();
        for count in [3, 10, 5000] {
            let mut expected = bytes(&mapping);
            let added = vec![b'y'; count];
            file.write_all(&added).unwrap();
            expected.extend(added);
            refresh(&mapping).unwrap();
            assert_eq!(bytes(&mapping), expected);
        }
        let last = mapping.check_writable(23, 4);
        assert_eq!(
            last.is_err(),
            is_protected,
            "the protection of the last page is unchanged"
        );
    }
}

#[test]
#[cfg_attr(
    windows,
    ignore = "wine can't allocate blocks, writes zeros instead, and does not truncate a mapped file afterwards"
)]
fn a_file_that_cannot_grow_is_unchanged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    std::fs::write(&path, b"abc").unwrap();
    let mapping = at(&path, Mode::ReadWrite, |_| {});
    assert!(resize(&mapping, 1 << 62).is_err());
    assert_eq!(
        (mapping.length(), std::fs::read(&path).unwrap()),
        (3, b"abc".to_vec())
    );
    let reader = at(&path, Mode::Read, |_| {});
    let error = resize(&reader, 10).unwrap_err();
    assert!(is(&error, "ERR_MEMMAP_READ_ONLY"));
}
