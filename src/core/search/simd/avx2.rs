//! Loops for processors with AVX2. Only the loads are unsafe; everything else is safe once the
//! processor is known to have AVX2.
//!
//! Intel's hardware prefetcher stops at the end of each 4 KiB page, so the loops prefetch the bytes
//! 4 KiB further on by hand, which saves a tenth of the time. They never use the non-temporal hint,
//! which halves the speed on mapped files. On AMD's processors prefetching costs 4 to 10 %, so it is
//! not done there.

use std::arch::x86_64::{
    __m256i, _MM_HINT_T0, _mm_prefetch, _mm256_add_epi64, _mm256_and_si256, _mm256_cmpeq_epi8,
    _mm256_extract_epi64, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256,
    _mm256_sad_epu8, _mm256_set1_epi8, _mm256_setzero_si256, _mm256_sub_epi8, _mm256_testz_si256,
};

use std::sync::LazyLock;

use super::byte_summary::ByteSummary;
use super::needle::{Needle, find_from, starts_with};

/// The bytes of a vector.
const VECTOR: usize = 32;
/// The bytes of a round: four vectors, two cache lines.
const ROUND: usize = 4 * VECTOR;
/// How many bytes after the current round are prefetched.
const PREFETCH_DISTANCE: usize = 4096;
/// The number of matches after which the callback is called for all of them. A call right after
/// each match would discard the work that the processor has begun on the following bytes.
const REPORT_BATCH: usize = 512;
/// Comparing a needle of at most this many bytes costs next to nothing.
const CHEAP_NEEDLE: usize = 64;
/// How many bytes may be compared for each byte searched, in addition to `INITIAL_COMPARED`. Beyond
/// that, the finder takes over. This happens for needles with candidates nearly everywhere, such as
/// many zeros.
const MAX_COMPARED_PER_BYTE: usize = 16;
/// How many bytes may be compared in any case.
const INITIAL_COMPARED: usize = 1 << 20;
/// The number of rounds that the 8 bits of a lane can count.
const MAX_ROUNDS: usize = 255;

/// Does what [`super::dispatch::count_byte`] describes.
///
/// # Safety
///
/// The processor must have AVX2 and POPCNT.
#[target_feature(enable = "avx2,popcnt")]
pub unsafe fn count_byte(bytes: &[u8], byte: u8) -> u64 {
    let prefetches = prefetch_helps();
    let wanted = _mm256_set1_epi8(byte.cast_signed());
    let zero = _mm256_setzero_si256();
    let mut total = zero;
    let mut rounds = bytes.chunks_exact(ROUND);
    'all: loop {
        let mut lanes = [zero; 4];
        let mut is_last = true;
        for (count, round) in rounds.by_ref().enumerate() {
            prefetch(round, prefetches);
            for (k, lane) in lanes.iter_mut().enumerate() {
                // An equal byte is -1 in its lane.
                let hits = _mm256_cmpeq_epi8(load(round, k * VECTOR), wanted);
                *lane = _mm256_sub_epi8(*lane, hits);
            }
            if count + 1 == MAX_ROUNDS {
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

/// Does what [`super::dispatch::byte_offsets`] describes. `out` must be at least as long as `bytes`.
///
/// # Safety
///
/// The processor must have AVX2 and POPCNT.
#[target_feature(enable = "avx2,popcnt")]
pub unsafe fn byte_offsets(bytes: &[u8], byte: u8, out: &mut [u32]) -> ByteSummary {
    let prefetches = prefetch_helps();
    let wanted = _mm256_set1_epi8(byte.cast_signed());
    let carriage_return = _mm256_set1_epi8(b'\r'.cast_signed());
    let mut high_bits = _mm256_setzero_si256();
    let mut returns = _mm256_setzero_si256();
    let mut count = 0;
    let mut pairs = bytes.chunks_exact(2 * VECTOR);
    let mut base = 0;
    for pair in pairs.by_ref() {
        prefetch(pair, prefetches);
        let (low, high) = (load(pair, 0), load(pair, VECTOR));
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
        base += 2 * VECTOR as u32;
    }
    let rest = pairs.remainder();
    for (offset, _) in rest.iter().enumerate().filter(|&(_, &b)| b == byte) {
        out[count] = base + offset as u32;
        count += 1;
    }
    ByteSummary {
        count,
        is_ascii: _mm256_movemask_epi8(high_bits) == 0 && rest.is_ascii(),
        has_return: _mm256_testz_si256(returns, returns) == 0 || rest.contains(&b'\r'),
    }
}

/// Does what [`super::dispatch::find_each`] describes. The needle must have a pair; otherwise nothing
/// is found.
///
/// # Safety
///
/// The processor must have AVX2 and POPCNT.
#[target_feature(enable = "avx2,popcnt")]
pub unsafe fn find_each(bytes: &[u8], needle: &Needle<'_>, mut found: impl FnMut(usize) -> bool) {
    let (Some(pair), length) = (needle.pair, needle.bytes.len()) else {
        return;
    };
    let (first, second) = (usize::from(pair.index1()), usize::from(pair.index2()));
    let wanted = (
        _mm256_set1_epi8(needle.bytes[first].cast_signed()),
        _mm256_set1_epi8(needle.bytes[second].cast_signed()),
    );
    let prefetches = prefetch_helps();
    let mut offsets = [0; REPORT_BATCH + ROUND];
    let mut count = 0;
    let mut candidates = Candidates::default();
    let mut at = 0;
    // A round reads the bytes from `at` to the end of a needle at the last offset of the round.
    while let Some(round) = bytes.get(at..at + ROUND + length) {
        prefetch(round, prefetches);
        let equal: [__m256i; 4] = std::array::from_fn(|k| {
            _mm256_and_si256(
                _mm256_cmpeq_epi8(load(round, k * VECTOR + first), wanted.0),
                _mm256_cmpeq_epi8(load(round, k * VECTOR + second), wanted.1),
            )
        });
        let any = _mm256_or_si256(
            _mm256_or_si256(equal[0], equal[1]),
            _mm256_or_si256(equal[2], equal[3]),
        );
        if _mm256_testz_si256(any, any) == 0 {
            let mask = |k: usize| {
                let [low, high] = [equal[k], equal[k + 1]]
                    .map(|lanes| _mm256_movemask_epi8(lanes).cast_unsigned());
                u64::from(low) | u64::from(high) << VECTOR
            };
            let masks = [mask(0), mask(2)];
            count += candidates.verify(round, masks, needle.bytes, at, &mut offsets[count..]);
            if count > REPORT_BATCH {
                if !report(&offsets[..count], &mut found) {
                    return;
                }
                count = 0;
            }
            let limit = INITIAL_COMPARED + at * MAX_COMPARED_PER_BYTE;
            if length > CHEAP_NEEDLE && candidates.compared.saturating_mul(length) > limit {
                at += ROUND;
                break;
            }
        }
        at += ROUND;
    }
    if report(&offsets[..count], &mut found) {
        find_from(bytes, at.max(candidates.next), needle, &mut found);
    }
}

#[inline(never)]
fn report(offsets: &[usize], found: &mut impl FnMut(usize) -> bool) -> bool {
    offsets.iter().all(|&offset| found(offset))
}

/// The state of the verification of candidates: offsets at which both bytes of the pair are equal.
#[derive(Default)]
struct Candidates {
    /// The number of candidates that were compared with the needle.
    compared: usize,
    /// The end of the last match. Candidates before it overlap that match.
    next: usize,
}

impl Candidates {
    /// Writes the offsets of the matches in a round to `out`, and returns their number. It is not
    /// inlined, so that the vector loop has all registers for itself.
    #[inline(never)]
    fn verify(
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
                let offset = k * 2 * VECTOR + mask.trailing_zeros() as usize;
                mask &= mask - 1;
                if at + offset < self.next {
                    continue;
                }
                self.compared += 1;
                if starts_with(&round[offset..], needle) {
                    out[count] = at + offset;
                    count += 1;
                    self.next = at + offset + needle.len();
                }
            }
        }
        count
    }
}

/// Reports whether this processor is faster with prefetches by hand: all but AMD's are.
fn prefetch_helps() -> bool {
    static ANSWER: LazyLock<bool> = LazyLock::new(|| {
        #[allow(unused_unsafe, reason = "safe only in newer versions of Rust")]
        // SAFETY: every processor of this architecture has the instruction.
        let vendor = unsafe { std::arch::x86_64::__cpuid(0) };
        let name = [vendor.ebx, vendor.edx, vendor.ecx].map(u32::to_le_bytes);
        name.as_flattened() != b"AuthenticAMD"
    });
    *ANSWER
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(bytes: &[u8], at: usize) -> __m256i {
    let bytes = &bytes[at..at + VECTOR];
    // SAFETY: the slice above has the length of a vector, and the load needs no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn prefetch(round: &[u8], prefetches: bool) {
    if !prefetches {
        return;
    }
    let ahead = round.as_ptr().wrapping_add(PREFETCH_DISTANCE).cast::<i8>();
    // A prefetch never faults, whatever the address.
    _mm_prefetch::<_MM_HINT_T0>(ahead);
    _mm_prefetch::<_MM_HINT_T0>(ahead.wrapping_add(64));
}
