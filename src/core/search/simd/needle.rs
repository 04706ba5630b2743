//! A needle, and the search for it by the `memchr` crate.

use memchr::arch::all::packedpair::Pair;
use memchr::memmem::Finder;

/// A needle of at least two bytes.
pub struct Needle<'a> {
    /// The bytes of the needle.
    pub bytes: &'a [u8],
    /// The two bytes that are rarest in texts. The vector loop compares only these two at each
    /// offset, and the whole needle where both are equal.
    pub pair: Option<Pair>,
    /// Finds the needle in time that is linear in the length of the haystack, for any needle.
    pub finder: &'a Finder<'a>,
}

/// Calls `found` with the offset of each match that starts at `next` or later, until `found` returns
/// false. Uses only the finder of the needle.
pub fn find_from(
    bytes: &[u8],
    mut next: usize,
    needle: &Needle<'_>,
    found: &mut impl FnMut(usize) -> bool,
) {
    while let Some(offset) = bytes.get(next..).and_then(|rest| needle.finder.find(rest)) {
        if !found(next + offset) {
            return;
        }
        next += offset + needle.bytes.len();
    }
}

/// Reports whether `bytes` starts with `needle`, which has at least two bytes.
///
/// In a search for a common word, calls of the C library for the candidates take a tenth of the
/// time. Two loads that may overlap are enough for most needles.
#[cfg(target_arch = "x86_64")]
#[inline]
pub fn starts_with(bytes: &[u8], needle: &[u8]) -> bool {
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
