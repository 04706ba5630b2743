//! The loops for processors with AVX2. All but the loads are safe once it is there.

use std::arch::x86_64::{
    __m256i, _MM_HINT_T0, _mm_prefetch, _mm256_add_epi64, _mm256_and_si256, _mm256_cmpeq_epi8,
    _mm256_extract_epi64, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256,
    _mm256_sad_epu8, _mm256_set1_epi8, _mm256_setzero_si256, _mm256_sub_epi8, _mm256_testz_si256,
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
pub unsafe fn byte_offsets(bytes: &[u8], byte: u8, out: &mut [u32]) -> Seen {
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
