//! The native side of lockable files, and of requests that wait for a lock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::error::to_js;
use super::lock_request::{
    NativeLockRequest, NativeRequest, keep, milliseconds, mode_name, mode_of, promise_of_lock,
    range_of,
};
use super::mapping::NativeMapping;
use super::promise::spawn;
use crate::core::lock::{self, BlockingLock, LockRequest, LockableFile, try_lock};
use crate::core::poison::IgnorePoison;
use crate::core::thread_pool;

/// A file that can be locked.
#[napi]
pub struct NativeLockFile(Arc<LockableFile>);

#[napi]
impl NativeLockFile {
    /// Returns the file of a mapping.
    #[napi(factory, catch_unwind)]
    pub fn of_mapping(env: &Env, mapping: &NativeMapping) -> Result<Self> {
        let mapping = mapping.shared();
        mapping
            .file()
            .and_then(|file| LockableFile::of_mapping(file, mapping.name()))
            .map(Self)
            .map_err(|error| to_js(env, &error))
    }

    /// Returns the file that has the path when a lock is taken.
    #[napi(factory, catch_unwind)]
    pub fn of_path(path: String, create: bool) -> Self {
        Self(LockableFile::of_path(path, create))
    }

    /// Returns an open file. The descriptor is duplicated.
    #[napi(factory, catch_unwind)]
    pub fn of_descriptor(env: &Env, fd: i32) -> Result<Self> {
        LockableFile::of_descriptor(fd)
            .map(Self)
            .map_err(|error| to_js(env, &error))
    }

    /// Takes a lock if it is free. Returns its number, or 0. `would_wait`: the caller would also wait, so
    /// the request may have to queue for the sake of fairness.
    #[napi(catch_unwind)]
    #[allow(
        clippy::too_many_arguments,
        reason = "an object with these properties costs as much as the lock"
    )]
    pub fn try_lock(
        &self,
        env: &Env,
        exclusive: bool,
        offset: Either<f64, BigInt>,
        length: Either<f64, BigInt>,
        thread: u32,
        would_wait: bool,
        stack: Option<String>,
    ) -> Result<f64> {
        let request = LockRequest {
            mode: mode_of(exclusive),
            range: range_of(env, offset, length)?,
            thread,
            stack,
        };
        try_lock(&self.0, &request, would_wait)
            .map(|held| held.map_or(0.0, keep))
            .map_err(|error| to_js(env, &error))
    }

    /// Does the same on the thread pool, for a caller that would not wait.
    #[napi(catch_unwind)]
    pub fn try_lock_later<'env>(
        &self,
        env: &'env Env,
        request: NativeRequest,
    ) -> Result<PromiseRaw<'env, f64>> {
        let (file, request) = (Arc::clone(&self.0), request.convert(env)?);
        spawn(
            env,
            move || try_lock(&file, &request, false),
            |held| held.map_or(0.0, keep),
        )
    }

    /// The kind of the last lock of the file: `ofd`, `flock` or `LockFileEx`.
    #[napi(getter, catch_unwind)]
    pub fn method(&self) -> &'static str {
        self.0.method().name()
    }

    /// Waits for a lock. Returns a promise of its number. `first`: the request was not tried yet.
    #[napi(catch_unwind)]
    pub fn lock<'env>(
        &self,
        env: &'env Env,
        request: NativeRequest,
        first: bool,
        handle: &NativeLockRequest,
    ) -> Result<PromiseRaw<'env, f64>> {
        let (file, request) = (Arc::clone(&self.0), request.convert(env)?);
        let (pending, promise) = promise_of_lock(env)?;
        handle.set(&pending);
        if first {
            // Opening the file may wait for a disk.
            thread_pool::run(move || lock::wait_for(&file, request, &pending, true));
        } else {
            lock::wait_for(&file, request, &pending, false);
        }
        Ok(promise)
    }

    /// Starts a wait on this thread.
    #[napi(catch_unwind)]
    pub fn lock_blocking(&self, env: &Env, request: NativeRequest) -> Result<NativeBlocking> {
        let request = request.convert(env)?;
        BlockingLock::start(&self.0, request)
            .map(|blocking| NativeBlocking(Mutex::new(blocking)))
            .map_err(|error| to_js(env, &error))
    }

    /// Returns the strongest lock in a range: `free`, `shared` or `exclusive`.
    #[napi(catch_unwind)]
    pub fn test_lock(
        &self,
        env: &Env,
        offset: Either<f64, BigInt>,
        length: Either<f64, BigInt>,
    ) -> Result<&'static str> {
        let range = range_of(env, offset, length)?;
        lock::test_lock(&self.0, range)
            .map(|mode| mode.map_or("free", mode_name))
            .map_err(|error| to_js(env, &error))
    }

    /// Returns the error for a request that failed: at once, or after `waited` milliseconds.
    #[napi(ts_return_type = "Error", catch_unwind)]
    pub fn busy<'env>(
        &self,
        env: &'env Env,
        request: NativeRequest,
        waited: Option<f64>,
    ) -> Result<Unknown<'env>> {
        let request = request.convert(env)?;
        to_js(
            env,
            &lock::busy_error(&self.0, &request, milliseconds(waited)),
        )
        .into_unknown(env)
    }
}

/// A request that blocks a JavaScript thread.
#[napi]
pub struct NativeBlocking(Mutex<BlockingLock>);

#[napi]
impl NativeBlocking {
    /// Waits for at most `time` milliseconds. Returns the number of the lock, or 0 after the time.
    #[napi(catch_unwind)]
    pub fn wait(&self, env: &Env, time: f64) -> Result<f64> {
        let blocking = self.0.lock().ignore_poison();
        blocking
            .wait(Duration::from_secs_f64(time / 1000.0))
            .transpose()
            .map(|held| held.map_or(0.0, keep))
            .map_err(|error| to_js(env, &error))
    }

    /// Gives the request up. Returns the number of the lock if it was granted meanwhile, or 0.
    #[napi(catch_unwind)]
    pub fn cancel(&self) -> f64 {
        let blocking = self.0.lock().ignore_poison();
        blocking.cancel().map_or(0.0, keep)
    }
}
