//! Opening files: sizes, ranges, creation, and the clean-up after a failure.

use std::fs;
use std::path::Path;

use memmap::core::Result;
use memmap::core::durability::flush::flush;
use memmap::core::file::flush_level::Level;
use memmap::core::mapping::mapping::Mapping;
use memmap::core::mapping::mode::Mode;
use memmap::core::mapping::registry;
use memmap::core::open::{Request, SMALL, Source, open, read_small};

fn request(path: &Path, mode: Mode) -> Request {
    Request::new(Source::Path(path.to_owned()), mode)
}

fn bytes(mapping: &Mapping, offset: u64, length: usize) -> Result<Vec<u8>> {
    let mut target = vec![0xee; length];
    // SAFETY: the target is a vector of `length` bytes.
    unsafe { mapping.read_into(offset, target.as_mut_ptr(), length) }?;
    Ok(target)
}

#[test]
fn any_byte_offset_and_length_maps_those_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let contents: Vec<u8> = (0..20_000_u32).map(|i| (i % 251) as u8).collect();
    fs::write(&path, &contents).unwrap();
    for offset in [0, 1, 100, 4095, 4096, 4097, 19_999, 20_000] {
        for length in [None, Some(0), Some(1), Some(3000)] {
            let mapping = open(Request {
                offset,
                length,
                ..request(&path, Mode::Read)
            });
            let wanted = length.unwrap_or(20_000 - offset);
            if offset + wanted > 20_000 {
                assert!(
                    mapping
                        .unwrap_err()
                        .to_string()
                        .contains("ERR_OUT_OF_RANGE")
                );
                continue;
            }
            let mapping = mapping.unwrap();
            let start = offset as usize;
            assert_eq!(mapping.length(), wanted);
            assert_eq!(
                bytes(&mapping, 0, wanted as usize).unwrap(),
                contents[start..start + wanted as usize]
            );
            assert!(bytes(&mapping, wanted, 1).is_err());
            assert!(bytes(&mapping, u64::MAX, 1).is_err());
        }
    }
}

#[test]
fn only_modes_w_and_wx_create_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    for mode in [Mode::Read, Mode::ReadWrite, Mode::CopyOnWrite] {
        assert!(open(request(&path, mode)).is_err());
        assert!(!path.exists());
    }
    let mapping = open(Request {
        size: Some(100),
        ..request(&path, Mode::CreateNew)
    })
    .unwrap();
    assert_eq!(bytes(&mapping, 0, 100).unwrap(), vec![0; 100]);
    assert!(open(request(&path, Mode::CreateNew)).is_err());
    // Windows does not truncate a mapped file.
    drop(mapping);
    fs::write(&path, "old contents").unwrap();
    let mapping = open(Request {
        size: Some(5),
        ..request(&path, Mode::Write)
    })
    .unwrap();
    assert_eq!(bytes(&mapping, 0, 5).unwrap(), vec![0; 5]);
    assert_eq!(fs::read(&path).unwrap(), vec![0; 5]);
}

#[test]
fn an_impossible_range_leaves_the_file_unchanged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(&path, "contents").unwrap();
    for mode in [Mode::Write, Mode::ReadWrite] {
        let beyond = Request {
            offset: 50,
            size: Some(20),
            ..request(&path, mode)
        };
        assert!(open(beyond).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"contents");
    }
    let new = dir.path().join("new");
    for mode in [Mode::Write, Mode::CreateNew] {
        let beyond = Request {
            offset: 50,
            size: Some(20),
            ..request(&new, mode)
        };
        assert!(open(beyond).is_err());
        assert!(
            !new.exists(),
            "the file that the failed call created is removed"
        );
    }
}

#[cfg(unix)]
#[test]
fn mode_w_creates_the_missing_target_of_a_link_as_fs_does() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(dir.path().join("target"), &link).unwrap();
    open(Request {
        size: Some(3),
        ..request(&link, Mode::Write)
    })
    .unwrap();
    assert_eq!(fs::read(dir.path().join("target")).unwrap(), vec![0; 3]);
}

#[test]
fn an_empty_file_maps_as_empty_and_a_virtual_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(&path, "").unwrap();
    let mapping = open(request(&path, Mode::ReadWrite)).unwrap();
    assert_eq!(mapping.length(), 0);
    assert_eq!(bytes(&mapping, 0, 0).unwrap(), b"");
    mapping.close().unwrap();
    if cfg!(target_os = "linux") {
        for path in ["/proc/cpuinfo", "/proc/self/maps", "/proc/version"] {
            let error = open(request(Path::new(path), Mode::Read))
                .unwrap_err()
                .to_string();
            assert!(error.contains("ERR_MEMMAP_NOT_MAPPABLE"), "{path}: {error}");
        }
    }
}

#[test]
fn a_closed_mapping_refuses_every_operation_except_close() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(&path, vec![1; 10_000]).unwrap();
    let mapping = open(request(&path, Mode::ReadWrite)).unwrap();
    let id = mapping.registration().id;
    assert!(registry::entries().iter().any(|entry| entry.id == id));
    mapping.close().unwrap();
    mapping.close().unwrap();
    assert!(bytes(&mapping, 0, 1).is_err());
    assert!(mapping.fill(0, 1, &[1]).is_err());
    assert!(mapping.copy_within(0, 1, 1).is_err());
    assert!(flush(&mapping, Level::Data, 0, 1).is_err());
    assert!(!registry::entries().iter().any(|entry| entry.id == id));
}

#[test]
fn fill_repeats_the_pattern_and_truncates_the_last_repetition() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(&path, vec![0; 1000]).unwrap();
    let mapping = open(request(&path, Mode::ReadWrite)).unwrap();
    for (offset, length, pattern) in [
        (0, 1000, &b"abc"[..]),
        (7, 1, b"xyz"),
        (10, 500, b"q"),
        (999, 1, b"zz"),
        (5, 0, b"no"),
    ] {
        let mut model = bytes(&mapping, 0, 1000).unwrap();
        for i in 0..length {
            model[offset + i] = pattern[i % pattern.len()];
        }
        mapping.fill(offset as u64, length as u64, pattern).unwrap();
        assert_eq!(bytes(&mapping, 0, 1000).unwrap(), model);
    }
    assert!(mapping.fill(0, 10, b"").is_err());
}

#[test]
fn read_small_reads_whole_small_files_and_returns_none_for_others() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let read = |path: &Path| read_small(path, <[u8]>::to_vec);
    for size in [1, 99, SMALL] {
        fs::write(&path, vec![7; size]).unwrap();
        assert_eq!(read(&path), Some(vec![7; size]));
    }
    for size in [0, SMALL + 1] {
        fs::write(&path, vec![7; size]).unwrap();
        assert_eq!(read(&path), None);
    }
    assert_eq!(read(dir.path()), None);
    assert_eq!(read(&dir.path().join("missing")), None);
    assert_eq!(read(Path::new("a\0b")), None);
}
