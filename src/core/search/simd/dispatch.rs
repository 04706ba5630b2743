//! The choice between the AVX2 loops and their fallback, the `memchr` crate, which is also their
//! oracle in the tests.
//!
//! The AVX2 loops are faster for two reasons. They stay in the vector loop after a match, and they
//! prefetch memory by hand, see [`super::avx2`].

use super::byte_summary::ByteSummary;
use super::needle::{Needle, find_from};

#[cfg(target_arch = "x86_64")]
use super::avx2;

/// Counts the occurrences of `byte`.
#[must_use]
pub fn count_byte(bytes: &[u8], byte: u8) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        // SAFETY: `has_avx2` has checked that the processor has AVX2 and POPCNT.
        return unsafe { avx2::count_byte(bytes, byte) };
    }
    memchr::memchr_iter(byte, bytes).count() as u64
}

/// Writes the offsets of `byte` to `out`, until `out` is full. The summary describes all of `bytes`.
pub fn byte_offsets(bytes: &[u8], byte: u8, out: &mut [u32]) -> ByteSummary {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() && out.len() >= bytes.len() {
        // SAFETY: `has_avx2` has checked that the processor has AVX2 and POPCNT.
        return unsafe { avx2::byte_offsets(bytes, byte, out) };
    }
    let mut count = 0;
    for (offset, slot) in memchr::memchr_iter(byte, bytes).zip(out.iter_mut()) {
        *slot = offset as u32;
        count += 1;
    }
    ByteSummary {
        count,
        is_ascii: bytes.is_ascii(),
        has_return: memchr::memchr(b'\r', bytes).is_some(),
    }
}

/// Calls `found` with the offset of each match in `bytes`, until `found` returns false. The leftmost
/// match comes first, and no match overlaps the match before it.
pub fn find_each(bytes: &[u8], needle: &Needle<'_>, mut found: impl FnMut(usize) -> bool) {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() && needle.pair.is_some() {
        // SAFETY: `has_avx2` has checked that the processor has AVX2 and POPCNT.
        unsafe { avx2::find_each(bytes, needle, found) };
        return;
    }
    find_from(bytes, 0, needle, &mut found);
}

/// Reports whether the processor has AVX2 and POPCNT. The standard library caches the answer.
#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("popcnt")
}

#[cfg(test)]
mod tests {
    use super::*;
    use memchr::arch::all::packedpair::Pair;
    use memchr::memmem::Finder;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn counts_of_a_byte_equal_those_of_memchr(
            bytes in prop::collection::vec(0_u8..4, 0..40_000)
        ) {
            for byte in 0..5 {
                let expected = memchr::memchr_iter(byte, &bytes).count() as u64;
                prop_assert_eq!(count_byte(&bytes, byte), expected);
            }
        }

        #[test]
        fn offsets_of_a_byte_equal_those_of_memchr(
            bytes in prop::sample::select(vec![&b"a\n"[..], b"a\n\r", b"a\n\xe9", b"a\n\r\xe9"])
                .prop_flat_map(|of| prop::collection::vec(prop::sample::select(of.to_vec()), 0..400)),
            room in 0_usize..500,
        ) {
            let mut out = vec![0; room];
            let ByteSummary { count, is_ascii, has_return } = byte_offsets(&bytes, b'\n', &mut out);
            let expected: Vec<u32> =
                memchr::memchr_iter(b'\n', &bytes).take(room).map(|offset| offset as u32).collect();
            prop_assert_eq!(&out[..count], &expected[..]);
            prop_assert_eq!(is_ascii, bytes.is_ascii());
            prop_assert_eq!(has_return, bytes.contains(&b'\r'));
        }

        #[test]
        fn matches_equal_those_of_a_plain_loop(
            bytes in prop::collection::vec(0_u8..3, 0..2000),
            needle in prop_oneof![
                prop::collection::vec(0_u8..3, 2..9),
                prop::collection::vec(0_u8..2, 2..20),
            ],
        ) {
            let mut expected = Vec::new();
            for offset in 0..bytes.len() {
                let is_free = expected.last().is_none_or(|last| offset >= last + needle.len());
                if is_free && bytes[offset..].starts_with(&needle) {
                    expected.push(offset);
                }
            }
            for pair in [Pair::new(&needle), None] {
                prop_assert_eq!(&all(&bytes, &needle, pair, usize::MAX), &expected);
            }
        }
    }

    fn all(bytes: &[u8], needle: &[u8], pair: Option<Pair>, limit: usize) -> Vec<usize> {
        let finder = &Finder::new(needle);
        let mut offsets = Vec::new();
        let needle = Needle {
            bytes: needle,
            pair,
            finder,
        };
        find_each(bytes, &needle, |offset| {
            offsets.push(offset);
            offsets.len() < limit
        });
        offsets
    }

    #[test]
    fn matches_beyond_one_report_batch_come_in_order_until_the_callback_stops_them() {
        let bytes = vec![b'a'; 10_000];
        let pair = Pair::new(b"aa");
        for limit in [1, 512, 513, 641, 4999, 6000] {
            let expected: Vec<_> = (0..limit.min(5000))
                .map(|match_index| match_index * 2)
                .collect();
            assert_eq!(all(&bytes, b"aa", pair, limit), expected);
        }
    }

    // A comparison at each offset would take minutes.
    #[test]
    fn a_long_needle_with_candidates_nearly_everywhere_is_found_in_linear_time() {
        let needle = vec![b'a'; 1 << 18];
        let mut bytes = vec![b'a'; 1 << 24];
        let pair = Pair::new(&needle);
        let at_each_length: Vec<_> = (0..64).map(|index| index << 18).collect();
        assert_eq!(all(&bytes, &needle, pair, usize::MAX), at_each_length);

        for index in 1..=64 {
            bytes[(index << 18) - 1] = b'b';
        }
        assert_eq!(all(&bytes, &needle, pair, usize::MAX), []);
        bytes[(40 << 18) - 1] = b'a';
        assert_eq!(all(&bytes, &needle, pair, usize::MAX), [39 << 18]);
    }

    #[test]
    fn a_match_in_every_byte_does_not_overflow_a_lane() {
        let bytes = vec![7; 1 << 20];
        assert_eq!(count_byte(&bytes, 7), 1 << 20);
    }
}
