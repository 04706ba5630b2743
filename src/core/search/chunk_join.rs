//! The correction of the matches of a chunk that a match of the chunk before reaches into.

use super::match_range::Match;
use super::pattern::Pattern;
use crate::core::cancel::CancelToken;

/// How the matches of a chunk differ from those of a serial search.
pub struct JoinedChunk {
    /// The matches of the serial search before both searches agree.
    pub serial: Vec<Match>,
    /// How many of the first matches of the chunk the serial search does not have.
    pub wrong: usize,
    /// The offset at which the serial search continues, if the searches do not agree in this chunk.
    pub next: Option<usize>,
}

/// Follows the search of the chunk from `from` and the serial search from `entry`, until both find
/// the same match.
pub fn join_chunk(
    pattern: &Pattern,
    haystack: &[u8],
    (from, entry, limit): (usize, usize, usize),
    token: &CancelToken,
) -> JoinedChunk {
    let mut joined = JoinedChunk {
        serial: Vec::new(),
        wrong: 0,
        next: None,
    };
    let mut own = pattern.first(haystack, from, limit, token);
    let mut at = entry;
    loop {
        let Some(serial) = pattern.first(haystack, at, limit, token) else {
            // All further matches of the chunk overlap a match of the serial search.
            while let Some(found) = own {
                joined.wrong += 1;
                own = pattern.first(haystack, found.next_start(), limit, token);
            }
            joined.next = Some(at.max(limit));
            return joined;
        };
        while let Some(found) = own.filter(|found| found.start < serial.start) {
            joined.wrong += 1;
            own = pattern.first(haystack, found.next_start(), limit, token);
        }
        if own == Some(serial) {
            return joined;
        }
        at = serial.next_start();
        joined.serial.push(serial);
    }
}
