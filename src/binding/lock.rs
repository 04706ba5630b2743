//! The native side of held locks, and of the registry of locks.

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::error::to_js;
use super::lock_request::{
    NativeLockRequest, all_held, find, milliseconds, mode_name, promise_of_lock, to_offset,
};
use crate::core::lock::{self, end_thread};

/// Makes a lock exclusive if that is possible at once. Reports whether it is exclusive now.
#[napi(catch_unwind)]
pub fn try_upgrade_lock(env: &Env, id: f64) -> Result<bool> {
    find(env, id)?
        .try_upgrade()
        .map_err(|error| to_js(env, &error))
}

/// Makes a lock exclusive as soon as possible. Returns a promise of its number.
#[napi(catch_unwind)]
pub fn upgrade_lock<'env>(
    env: &'env Env,
    id: f64,
    stack: Option<String>,
    handle: &NativeLockRequest,
) -> Result<PromiseRaw<'env, f64>> {
    let held = find(env, id)?;
    let (pending, promise) = promise_of_lock(env)?;
    handle.set(&pending);
    held.upgrade(stack, &pending);
    Ok(promise)
}

/// Returns the error for an upgrade that failed: at once, or after `waited` milliseconds.
#[napi(ts_return_type = "Error", catch_unwind)]
pub fn busy_lock(env: &Env, id: f64, waited: Option<f64>) -> Result<Unknown<'_>> {
    let held = find(env, id)?;
    to_js(env, &held.busy_error(milliseconds(waited))).into_unknown(env)
}

/// Makes a lock shared, without releasing it in between.
#[napi(catch_unwind)]
pub fn downgrade_lock(env: &Env, id: f64) -> Result<()> {
    find(env, id)?
        .downgrade()
        .map_err(|error| to_js(env, &error))
}

/// Releases a lock. Returns false if it was released before.
#[napi(catch_unwind)]
pub fn release_lock(env: &Env, id: f64) -> Result<bool> {
    let held = all_held().remove(&(id as u64));
    held.map_or(Ok(false), |held| held.release())
        .map_err(|error| to_js(env, &error))
}

/// An entry of the registry of locks.
#[napi(object, object_from_js = false)]
pub struct LockRecord {
    /// A number that no other lock of the process has ever had.
    pub id: f64,
    /// The file, as the caller named it.
    pub path: Option<String>,
    /// `shared` or `exclusive`.
    pub mode: &'static str,
    /// The offset in the file, in bytes.
    pub offset: Either<f64, BigInt>,
    /// The length in bytes; 0: without end.
    pub length: Either<f64, BigInt>,
    /// `held`, `waiting` or `upgrading`.
    pub state: &'static str,
    /// `ofd`, `flock` or `LockFileEx`.
    pub method: &'static str,
    /// The id of the JavaScript thread.
    pub thread: u32,
    /// The stack of the caller.
    pub stack: Option<String>,
}

/// Returns all locks that this process holds or waits for.
#[napi(catch_unwind)]
pub fn locks() -> Vec<LockRecord> {
    let record = |entry: lock::Entry| LockRecord {
        id: entry.id as f64,
        path: entry.path,
        mode: mode_name(entry.mode),
        offset: to_offset(entry.range.offset()),
        length: to_offset(entry.range.length()),
        state: entry.state.name(),
        method: entry.method.name(),
        thread: entry.thread,
        stack: entry.stack,
    };
    lock::entries().into_iter().map(record).collect()
}

/// Releases the locks of a JavaScript thread when this environment ends.
#[napi(catch_unwind)]
pub fn release_locks_at_end(env: &Env, thread: u32) -> Result<()> {
    env.add_env_cleanup_hook(thread, |thread| {
        end_thread(thread);
        all_held().retain(|_, held| held.thread() != thread);
    })?;
    Ok(())
}
