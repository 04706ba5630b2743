//! Numbers: doubles in JavaScript, 64-bit integers in core.

use napi::bindgen_prelude::{Float64ArraySlice, ToNapiValue};
use napi::{Env, Error, Result, Status, sys};

/// The largest safe integer of JavaScript: 2^53 - 1.
const MAX_SAFE: f64 = 9_007_199_254_740_991.0;

/// Converts an offset or a length in bytes. The facade has checked it; this function checks it again.
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

/// Numbers that become a `Float64Array` in memory of the runtime, which the garbage collector frees. Memory
/// of Rust would stay until the event loop runs, which a loop without `await` prevents.
///
/// It has the name of the type in JavaScript, by which napi declares it.
pub struct Float64Array(pub Vec<f64>);

impl ToNapiValue for Float64Array {
    unsafe fn to_napi_value(env: sys::napi_env, value: Self) -> Result<sys::napi_value> {
        let env = Env::from_raw(env);
        let array = Float64ArraySlice::copy_from(&env, value.0)?;
        // SAFETY: the caller passes an environment in which a value may be created now.
        unsafe { ToNapiValue::to_napi_value(env.raw(), array) }
    }
}
