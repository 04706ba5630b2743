//! The loops that run at the speed of memory.
//!
//! The `memchr` crate is their fallback, and their oracle in the tests. What they do better is
//! to stay in the vector loop when something is found, and to ask for memory ahead: Intel's
//! prefetcher stops at the end of each 4 KiB page, so the bytes 4 KiB ahead are asked for by hand,
//! which is worth a tenth. (Never with the non-temporal hint, which halves the speed on mapped
//! files.) On AMD's it costs 4 to 10 %, so it is left out there.

#[cfg(target_arch = "x86_64")]
mod avx2;

#[cfg(target_arch = "x86_64")]
use std::sync::LazyLock;

use memchr::arch::all::packedpair::Pair;
use memchr::memmem::Finder;

/// How often `byte` occurs.
#[must_use]
pub fn count_byte(bytes: &[u8], byte: u8) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        // SAFETY: the processor has the instructions.
        return unsafe { avx2::count_byte(bytes, byte) };
    }
    memchr::memchr_iter(byte, bytes).count() as u64
}

/// What [`byte_offsets`] sees on its way.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    /// How many places there are, as far as there was room for them.
    pub count: usize,
    /// Whether all bytes are ASCII.
    pub is_ascii: bool,
    /// Whether there is a carriage return anywhere.
    pub has_return: bool,
}

/// Writes the places of `byte` to `out`, as many as fit.
pub fn byte_offsets(bytes: &[u8], byte: u8, out: &mut [u32]) -> Seen {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() && out.len() >= bytes.len() {
        // SAFETY: the processor has the instructions.
        return unsafe { avx2::byte_offsets(bytes, byte, out) };
    }
    let mut count = 0;
    for (place, slot) in memchr::memchr_iter(byte, bytes).zip(out.iter_mut()) {
        *slot = place as u32;
        count += 1;
    }
    Seen {
        count,
        is_ascii: bytes.is_ascii(),
        has_return: memchr::memchr(b'\r', bytes).is_some(),
    }
}

/// What to search for, of two bytes or more.
pub struct Needle<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Which two of them are the rarest in texts; they stand for it in a filter.
    pub pair: Option<Pair>,
    /// Finds it in time that is linear in the length of what is searched, whatever the bytes.
    pub finder: &'a Finder<'a>,
}

/// Calls `found` with the places in `bytes` where the needle starts, leftmost first and none within
/// the one before, until it answers false.
pub fn each(bytes: &[u8], needle: &Needle<'_>, mut found: impl FnMut(usize) -> bool) {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() && needle.pair.is_some() {
        // SAFETY: the processor has the instructions.
        unsafe { avx2::each(bytes, needle, found) };
        return;
    }
    find_from(bytes, 0, needle, &mut found);
}

/// The same from `at` on, by the finder alone.
fn find_from(
    bytes: &[u8],
    mut at: usize,
    needle: &Needle<'_>,
    found: &mut impl FnMut(usize) -> bool,
) {
    while let Some(place) = bytes.get(at..).and_then(|rest| needle.finder.find(rest)) {
        if !found(at + place) {
            return;
        }
        at += place + needle.bytes.len();
    }
}

/// Whether `bytes` starts with `needle`, of two bytes or more. A call of the C library for each
/// candidate takes a tenth of the time of a search for a word that is common; two loads that may
/// overlap do for most needles.
#[cfg(target_arch = "x86_64")]
#[inline]
fn starts_with(bytes: &[u8], needle: &[u8]) -> bool {
    #[inline]
    fn both_ends<const N: usize>(bytes: &[u8], needle: &[u8]) -> bool {
        bytes.first_chunk::<N>() == needle.first_chunk()
            && bytes[..needle.len()].last_chunk::<N>() == needle.last_chunk()
    }
    match needle.len() {
        length if length > bytes.len() => false,
        2..4 => both_ends::<2>(bytes, needle),
        4..8 => both_ends::<4>(bytes, needle),
        8..=16 => both_ends::<8>(bytes, needle),
        _ => bytes.starts_with(needle),
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    // The standard library keeps the answer.
    std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("popcnt")
}

/// Whether this processor is quicker with memory asked for ahead: all but AMD's.
#[cfg(target_arch = "x86_64")]
fn is_asking_ahead() -> bool {
    static ANSWER: LazyLock<bool> = LazyLock::new(|| {
        #[allow(unused_unsafe, reason = "not every Rust that will do has it safe")]
        // SAFETY: every processor of this architecture has the instruction.
        let maker = unsafe { std::arch::x86_64::__cpuid(0) };
        let name = [maker.ebx, maker.edx, maker.ecx].map(u32::to_le_bytes);
        name.as_flattened() != b"AuthenticAMD"
    });
    *ANSWER
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_are_counted_as_memchr_counts_them(
            bytes in prop::collection::vec(0_u8..4, 0..40_000)
        ) {
            for byte in 0..5 {
                let expected = memchr::memchr_iter(byte, &bytes).count() as u64;
                prop_assert_eq!(count_byte(&bytes, byte), expected);
            }
        }

        #[test]
        fn the_table_of_places_is_that_of_memchr(
            bytes in prop::sample::select(vec![&b"a\n"[..], b"a\n\r", b"a\n\xe9", b"a\n\r\xe9"])
                .prop_flat_map(|of| prop::collection::vec(prop::sample::select(of.to_vec()), 0..400)),
            room in 0_usize..500,
        ) {
            let mut out = vec![0; room];
            let Seen { count, is_ascii, has_return } = byte_offsets(&bytes, b'\n', &mut out);
            let expected: Vec<u32> =
                memchr::memchr_iter(b'\n', &bytes).take(room).map(|place| place as u32).collect();
            prop_assert_eq!(&out[..count], &expected[..]);
            prop_assert_eq!(is_ascii, bytes.is_ascii());
            prop_assert_eq!(has_return, bytes.contains(&b'\r'));
        }

        #[test]
        fn places_are_found_as_a_plain_loop_finds_them(
            bytes in prop::collection::vec(0_u8..3, 0..2000),
            needle in prop_oneof![
                prop::collection::vec(0_u8..3, 2..9),
                prop::collection::vec(0_u8..2, 2..20),
            ],
        ) {
            let mut expected = Vec::new();
            for place in 0..bytes.len() {
                let is_free = expected.last().is_none_or(|last| place >= last + needle.len());
                if is_free && bytes[place..].starts_with(&needle) {
                    expected.push(place);
                }
            }
            for pair in [Pair::new(&needle), None] {
                prop_assert_eq!(&all(&bytes, &needle, pair, usize::MAX), &expected);
            }
        }
    }

    fn all(bytes: &[u8], needle: &[u8], pair: Option<Pair>, enough: usize) -> Vec<usize> {
        let finder = &Finder::new(needle);
        let mut places = Vec::new();
        let needle = Needle {
            bytes: needle,
            pair,
            finder,
        };
        each(bytes, &needle, |place| {
            places.push(place);
            places.len() < enough
        });
        places
    }

    #[test]
    fn more_places_than_are_told_at_once_come_in_order_until_somebody_has_enough() {
        let bytes = vec![b'a'; 10_000];
        let pair = Pair::new(b"aa");
        for enough in [1, 512, 513, 641, 4999, 6000] {
            let expected: Vec<_> = (0..enough.min(5000)).map(|place| place * 2).collect();
            assert_eq!(all(&bytes, b"aa", pair, enough), expected);
        }
    }

    // Compared at each place these would take minutes.
    #[test]
    fn a_long_needle_that_is_nearly_everywhere_is_found_in_linear_time() {
        let needle = vec![b'a'; 1 << 18];
        let mut bytes = vec![b'a'; 1 << 24];
        let pair = Pair::new(&needle);
        let each_length: Vec<_> = (0..64).map(|part| part << 18).collect();
        assert_eq!(all(&bytes, &needle, pair, usize::MAX), each_length);

        for part in 1..=64 {
            bytes[(part << 18) - 1] = b'b';
        }
        assert_eq!(all(&bytes, &needle, pair, usize::MAX), []);
        bytes[(40 << 18) - 1] = b'a';
        assert_eq!(all(&bytes, &needle, pair, usize::MAX), [39 << 18]);
    }

    #[test]
    fn a_hit_in_every_byte_does_not_overflow_a_lane() {
        let bytes = vec![7; 1 << 20];
        assert_eq!(count_byte(&bytes, 7), 1 << 20);
    }
}
