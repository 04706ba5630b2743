//! The loops that run at the speed of memory.
//!
//! The `memchr` crate is their fallback, and their oracle in the tests. What they do better is
//! to stay in the vector loop when something is found, and to ask for memory ahead: Intel's
//! prefetcher stops at the end of each 4 KiB page, so the bytes 4 KiB ahead are asked for by hand,
//! which is worth a tenth. (Never with the non-temporal hint, which halves the speed on mapped
//! files.) On AMD's it costs 4 to 10 %, so it is left out there.

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

/// What [`places`] sees on its way.
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
pub fn places(bytes: &[u8], byte: u8, out: &mut [u32]) -> Seen {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() && out.len() >= bytes.len() {
        // SAFETY: the processor has the instructions.
        return unsafe { avx2::places(bytes, byte, out) };
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

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m256i, _MM_HINT_T0, _mm_prefetch, _mm256_add_epi64, _mm256_and_si256, _mm256_cmpeq_epi8,
        _mm256_extract_epi64, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256,
        _mm256_sad_epu8, _mm256_set1_epi8, _mm256_setzero_si256, _mm256_sub_epi8,
        _mm256_testz_si256,
    };

    use super::{Needle, Seen, find_from, is_asking_ahead, starts_with};

    /// Bytes of a vector.
    const V: usize = 32;
    /// Bytes of a round: four vectors, two cache lines.
    const ROUND: usize = 4 * V;
    /// How far ahead memory is asked for.
    const AHEAD: usize = 4096;
    /// Places are told when there are so many of them: a call for each, right when it is found, waits
    /// for all that the processor had begun for the bytes behind it in vain.
    const TOLD_AT_ONCE: usize = 512;
    /// Comparing a needle of so many bytes costs next to nothing.
    const CHEAP: usize = 64;
    /// So many bytes may be compared for each byte searched, and so many at first. Needles that are
    /// nearly everywhere, such as many zeros, are left to the finder then.
    const MOST_COMPARED: usize = 16;
    const COMPARED_AT_FIRST: usize = 1 << 20;
    /// A lane of eight bits can count so far.
    const MOST_ROUNDS: usize = 255;

    /// # Safety
    ///
    /// The processor must have AVX2 and POPCNT.
    #[target_feature(enable = "avx2,popcnt")]
    pub unsafe fn count_byte(bytes: &[u8], byte: u8) -> u64 {
        let is_asking = is_asking_ahead();
        let wanted = _mm256_set1_epi8(byte.cast_signed());
        let zero = _mm256_setzero_si256();
        let mut total = zero;
        let mut rounds = bytes.chunks_exact(ROUND);
        'all: loop {
            let mut lanes = [zero; 4];
            let mut is_last = true;
            for (count, round) in rounds.by_ref().enumerate() {
                prefetch(round, is_asking);
                for (k, lane) in lanes.iter_mut().enumerate() {
                    // A hit is -1 in its lane.
                    let hits = _mm256_cmpeq_epi8(load(round, k * V), wanted);
                    *lane = _mm256_sub_epi8(*lane, hits);
                }
                if count + 1 == MOST_ROUNDS {
                    is_last = false;
                    break;
                }
            }
            for lane in lanes {
                total = _mm256_add_epi64(total, _mm256_sad_epu8(lane, zero));
            }
            if is_last {
                break 'all;
            }
        }
        let sum = _mm256_extract_epi64::<0>(total)
            + _mm256_extract_epi64::<1>(total)
            + _mm256_extract_epi64::<2>(total)
            + _mm256_extract_epi64::<3>(total);
        let rest = memchr::memchr_iter(byte, rounds.remainder()).count();
        sum.cast_unsigned() + rest as u64
    }

    /// `out` has room for every byte.
    ///
    /// # Safety
    ///
    /// The processor must have AVX2 and POPCNT.
    #[target_feature(enable = "avx2,popcnt")]
    pub unsafe fn places(bytes: &[u8], byte: u8, out: &mut [u32]) -> Seen {
        let is_asking = is_asking_ahead();
        let wanted = _mm256_set1_epi8(byte.cast_signed());
        let carriage_return = _mm256_set1_epi8(b'\r'.cast_signed());
        let mut high_bits = _mm256_setzero_si256();
        let mut returns = _mm256_setzero_si256();
        let mut count = 0;
        let mut pairs = bytes.chunks_exact(2 * V);
        let mut base = 0;
        for pair in pairs.by_ref() {
            prefetch(pair, is_asking);
            let (low, high) = (load(pair, 0), load(pair, V));
            high_bits = _mm256_or_si256(high_bits, _mm256_or_si256(low, high));
            returns = _mm256_or_si256(
                returns,
                _mm256_or_si256(
                    _mm256_cmpeq_epi8(low, carriage_return),
                    _mm256_cmpeq_epi8(high, carriage_return),
                ),
            );
            let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)).cast_unsigned();
            let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)).cast_unsigned();
            let mut mask = u64::from(low) | u64::from(high) << 32;
            while mask != 0 {
                out[count] = base + mask.trailing_zeros();
                count += 1;
                mask &= mask - 1;
            }
            base += 2 * V as u32;
        }
        let rest = pairs.remainder();
        for (place, _) in rest.iter().enumerate().filter(|&(_, &b)| b == byte) {
            out[count] = base + place as u32;
            count += 1;
        }
        Seen {
            count,
            is_ascii: _mm256_movemask_epi8(high_bits) == 0 && rest.is_ascii(),
            has_return: _mm256_testz_si256(returns, returns) == 0 || rest.contains(&b'\r'),
        }
    }

    /// # Safety
    ///
    /// The processor must have AVX2 and POPCNT.
    #[target_feature(enable = "avx2,popcnt")]
    pub unsafe fn each(bytes: &[u8], needle: &Needle<'_>, mut found: impl FnMut(usize) -> bool) {
        let (Some(pair), length) = (needle.pair, needle.bytes.len()) else {
            return;
        };
        let (first, second) = (usize::from(pair.index1()), usize::from(pair.index2()));
        let wanted = (
            _mm256_set1_epi8(needle.bytes[first].cast_signed()),
            _mm256_set1_epi8(needle.bytes[second].cast_signed()),
        );
        let is_asking = is_asking_ahead();
        let mut places = [0; TOLD_AT_ONCE + ROUND];
        let mut count = 0;
        let mut seen = Candidates::default();
        let mut at = 0;
        // The bytes that a round reads: from `at` to behind the needle at its last place.
        while let Some(round) = bytes.get(at..at + ROUND + length) {
            prefetch(round, is_asking);
            let hits: [__m256i; 4] = std::array::from_fn(|k| {
                _mm256_and_si256(
                    _mm256_cmpeq_epi8(load(round, k * V + first), wanted.0),
                    _mm256_cmpeq_epi8(load(round, k * V + second), wanted.1),
                )
            });
            let any = _mm256_or_si256(
                _mm256_or_si256(hits[0], hits[1]),
                _mm256_or_si256(hits[2], hits[3]),
            );
            if _mm256_testz_si256(any, any) == 0 {
                let mask = |k: usize| {
                    let [low, high] =
                        [hits[k], hits[k + 1]].map(|hit| _mm256_movemask_epi8(hit).cast_unsigned());
                    u64::from(low) | u64::from(high) << V
                };
                let masks = [mask(0), mask(2)];
                count += seen.check(round, masks, needle.bytes, at, &mut places[count..]);
                if count > TOLD_AT_ONCE {
                    if !tell(&places[..count], &mut found) {
                        return;
                    }
                    count = 0;
                }
                let most = COMPARED_AT_FIRST + at * MOST_COMPARED;
                if length > CHEAP && seen.compared.saturating_mul(length) > most {
                    at += ROUND;
                    break;
                }
            }
            at += ROUND;
        }
        if tell(&places[..count], &mut found) {
            find_from(bytes, at.max(seen.next), needle, &mut found);
        }
    }

    #[inline(never)]
    fn tell(places: &[usize], found: &mut impl FnMut(usize) -> bool) -> bool {
        places.iter().all(|&place| found(place))
    }

    /// What is known of the places that passed the filter.
    #[derive(Default)]
    struct Candidates {
        /// How many were compared with the needle.
        compared: usize,
        /// Before this all lies within the last place where the needle was.
        next: usize,
    }

    impl Candidates {
        /// Writes to `out` at which places of a round the needle is, and says how many. Apart from the
        /// loop, which has all registers to itself so.
        #[inline(never)]
        fn check(
            &mut self,
            round: &[u8],
            masks: [u64; 2],
            needle: &[u8],
            at: usize,
            out: &mut [usize],
        ) -> usize {
            let mut count = 0;
            for (k, mut mask) in masks.into_iter().enumerate() {
                while mask != 0 {
                    let place = k * 2 * V + mask.trailing_zeros() as usize;
                    mask &= mask - 1;
                    if at + place < self.next {
                        continue;
                    }
                    self.compared += 1;
                    if starts_with(&round[place..], needle) {
                        out[count] = at + place;
                        count += 1;
                        self.next = at + place + needle.len();
                    }
                }
            }
            count
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(bytes: &[u8], at: usize) -> __m256i {
        let bytes = &bytes[at..at + V];
        // SAFETY: the slice has the length of a vector, and the load needs no alignment.
        unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn prefetch(round: &[u8], is_asking: bool) {
        if !is_asking {
            return;
        }
        let ahead = round.as_ptr().wrapping_add(AHEAD).cast::<i8>();
        // It never faults, whatever the address.
        _mm_prefetch::<_MM_HINT_T0>(ahead);
        _mm_prefetch::<_MM_HINT_T0>(ahead.wrapping_add(64));
    }
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
            let Seen { count, is_ascii, has_return } = places(&bytes, b'\n', &mut out);
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
