//! What held locks and lockable files share: the locks that JavaScript holds, and requests for locks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use napi::JsValue;
use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::error::to_js;
use crate::core;
use crate::core::lock::{self, HeldLock, LockMode, LockRange, LockRequest, PendingLock};
use crate::core::poison::IgnorePoison;

/// An offset or a length of a file in bytes: a bigint if a number would not be exact.
pub type Offset = Either<f64, BigInt>;

fn offset(value: Offset) -> Result<u64> {
    match value {
        Either::A(value) => super::number::whole(value),
        Either::B(value) => match value.get_u64() {
            (false, value, true) => Ok(value),
            _ => Err(Error::new(
                Status::InvalidArg,
                "Not an offset of a file".to_owned(),
            )),
        },
    }
}

/// Converts an offset or a length for JavaScript.
pub fn to_offset(value: u64) -> Offset {
    const MAX_SAFE: u64 = (1 << 53) - 1;
    if value <= MAX_SAFE {
        Either::A(value as f64)
    } else {
        Either::B(BigInt::from(value))
    }
}

/// Returns the mode of a lock.
pub fn mode_of(is_exclusive: bool) -> LockMode {
    if is_exclusive {
        LockMode::Exclusive
    } else {
        LockMode::Shared
    }
}

/// Returns the name of a mode.
pub fn mode_name(mode: LockMode) -> &'static str {
    match mode {
        LockMode::Exclusive => "exclusive",
        LockMode::Shared => "shared",
    }
}

/// The locks that JavaScript holds, by their numbers. A number costs nothing to create, and the garbage
/// collector, which must not release a lock, does not see it.
static HELD: Mutex<BTreeMap<u64, Arc<HeldLock>>> = Mutex::new(BTreeMap::new());

/// Returns the held locks.
pub fn all_held() -> MutexGuard<'static, BTreeMap<u64, Arc<HeldLock>>> {
    HELD.lock().ignore_poison()
}

/// Stores a held lock and returns its number.
pub fn keep(held: Arc<HeldLock>) -> f64 {
    let id = held.id();
    all_held().insert(id, held);
    id as f64
}

/// Returns the lock with this number, if it was not released.
pub fn find(env: &Env, id: f64) -> Result<Arc<HeldLock>> {
    let held = all_held().get(&(id as u64)).cloned();
    held.ok_or_else(|| to_js(env, &lock::released()))
}

/// A request for a lock.
#[napi(object, object_to_js = false)]
pub struct NativeRequest {
    /// Whether the lock is exclusive; otherwise it is shared.
    pub exclusive: bool,
    /// The offset in the file, in bytes.
    pub offset: Either<f64, BigInt>,
    /// The length in bytes; 0: without end.
    pub length: Either<f64, BigInt>,
    /// The id of the JavaScript thread.
    pub thread: u32,
    /// The stack of the caller.
    pub stack: Option<String>,
}

/// Makes the range of a lock.
pub fn range_of(env: &Env, start: Offset, length: Offset) -> Result<LockRange> {
    LockRange::new(offset(start)?, offset(length)?).map_err(|error| to_js(env, &error))
}

impl NativeRequest {
    /// Makes the request of core.
    pub fn convert(self, env: &Env) -> Result<LockRequest> {
        Ok(LockRequest {
            mode: mode_of(self.exclusive),
            range: range_of(env, self.offset, self.length)?,
            thread: self.thread,
            stack: self.stack,
        })
    }
}

/// Converts a time that was waited.
pub fn milliseconds(waited: Option<f64>) -> Option<u64> {
    waited.map(|time| time as u64)
}

/// Creates a request and its promise, which any thread can settle.
pub fn promise_of_lock(env: &Env) -> Result<(Arc<PendingLock>, PromiseRaw<'_, f64>)> {
    let (deferred, promise) = env.create_deferred()?;
    let request = PendingLock::new(move |result: core::Result<Arc<HeldLock>>| {
        deferred.resolve(move |env: Env| match result {
            Ok(held) => Ok(keep(held)),
            Err(error) => Err(to_js(&env, &error)),
        });
    });
    Ok((request, PromiseRaw::new(env.raw(), promise.raw())))
}

/// A request that waits for a lock.
#[napi]
pub struct NativeLockRequest(Mutex<Option<Arc<PendingLock>>>);

impl NativeLockRequest {
    pub fn set(&self, request: &Arc<PendingLock>) {
        *self.0.lock().ignore_poison() = Some(Arc::clone(request));
    }

    fn get(&self) -> Option<Arc<PendingLock>> {
        self.0.lock().ignore_poison().clone()
    }
}

#[napi]
impl NativeLockRequest {
    /// Creates a request that has not started.
    #[napi(constructor)]
    #[allow(
        clippy::new_without_default,
        reason = "only JavaScript creates requests"
    )]
    pub fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Gives the request up. Returns false if it was settled before.
    #[napi(catch_unwind)]
    pub fn cancel(&self) -> bool {
        self.get().is_some_and(|request| request.cancel())
    }

    /// Releases a lock that was granted, before its promise is fulfilled.
    #[napi(catch_unwind)]
    pub fn take_back(&self) {
        if let Some(request) = self.get() {
            request.take_back();
        }
    }
}
