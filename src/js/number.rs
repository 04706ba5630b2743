//! Numbers: JavaScript's are doubles, core's are 64-bit integers.

use napi::{Error, Result, Status};

/// The largest integer up to which doubles are exact: 2^53 - 1.
const MAX_SAFE: f64 = 9_007_199_254_740_991.0;

/// A byte offset or length. The facade has checked it; this makes sure.
pub fn whole(value: f64) -> Result<u64> {
    if (0.0..=MAX_SAFE).contains(&value) && value.fract() == 0.0 {
        Ok(value as u64)
    } else {
        Err(Error::new(
            Status::InvalidArg,
            format!("{value} is not a whole number of bytes"),
        ))
    }
}
