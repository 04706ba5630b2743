//! Numbers: JavaScript's are doubles, core's are 64-bit integers.

use napi::bindgen_prelude::{Float64ArraySlice, ToNapiValue};
use napi::{Env, Error, Result, Status, sys};

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

/// Numbers that become a `Float64Array` of the runtime's own memory, which its collector frees: memory
/// of ours would stay until the event loop turns, and a loop that does not wait never lets it.
pub struct Numbers(pub Vec<f64>);

impl ToNapiValue for Numbers {
    unsafe fn to_napi_value(env: sys::napi_env, value: Self) -> Result<sys::napi_value> {
        let env = Env::from_raw(env);
        let array = Float64ArraySlice::copy_from(&env, value.0)?;
        // SAFETY: the caller gave an environment in which a value may be made now.
        unsafe { ToNapiValue::to_napi_value(env.raw(), array) }
    }
}
