//! Advisory locks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::error::to_js;
use super::mapping::NativeMapping;
use crate::core::lock::{
    self, BlockingLock, HeldLock, LockMode, LockRange, LockRequest, LockableFile, PendingLock,
    end_thread, try_lock,
};
use crate::core::poison::IgnorePoison;
use crate::core::{self, thread_pool};

/// A byte offset or length of a file: a bigint where a number would not be exact.
type Offset = Either<f64, BigInt>;

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

fn to_offset(value: u64) -> Offset {
    const MAX_SAFE: u64 = (1 << 53) - 1;
    if value <= MAX_SAFE {
        Either::A(value as f64)
    } else {
        Either::B(BigInt::from(value))
    }
}

fn mode_of(is_exclusive: bool) -> LockMode {
    if is_exclusive {
        LockMode::Exclusive
    } else {
        LockMode::Shared
    }
}

fn mode_name(mode: LockMode) -> &'static str {
    match mode {
        LockMode::Exclusive => "exclusive",
        LockMode::Shared => "shared",
    }
}

/// The locks that JavaScript has, by their numbers: a number costs nothing to make, and the garbage
/// collector, which must release no lock, knows nothing of it.
static HELD: Mutex<BTreeMap<u64, Arc<HeldLock>>> = Mutex::new(BTreeMap::new());

fn all_held() -> MutexGuard<'static, BTreeMap<u64, Arc<HeldLock>>> {
    HELD.lock().ignore_poison()
}

/// Keeps a lock: its number.
fn keep(held: Arc<HeldLock>) -> f64 {
    let id = held.id();
    all_held().insert(id, held);
    id as f64
}

/// The lock with that number, if it wasn't released.
fn find(env: &Env, id: f64) -> Result<Arc<HeldLock>> {
    let held = all_held().get(&(id as u64)).cloned();
    held.ok_or_else(|| to_js(env, &lock::released()))
}

/// What is asked for.
#[napi(object, object_to_js = false)]
pub struct LockWish {
    /// Exclusive, or else shared.
    pub exclusive: bool,
    /// Where in the file, in bytes.
    pub offset: Either<f64, BigInt>,
    /// Bytes; 0: to infinity.
    pub length: Either<f64, BigInt>,
    /// The thread of JavaScript.
    pub thread: u32,
    /// Where it was asked.
    pub stack: Option<String>,
}

fn range_of(env: &Env, start: Offset, length: Offset) -> Result<LockRange> {
    LockRange::new(offset(start)?, offset(length)?).map_err(|error| to_js(env, &error))
}

fn wish_of(env: &Env, wish: LockWish) -> Result<LockRequest> {
    Ok(LockRequest {
        mode: mode_of(wish.exclusive),
        range: range_of(env, wish.offset, wish.length)?,
        thread: wish.thread,
        stack: wish.stack,
    })
}

/// A file that can be locked.
#[napi]
pub struct NativeLockFile(Arc<LockableFile>);

#[napi]
impl NativeLockFile {
    /// The file of a mapping.
    #[napi(factory, catch_unwind)]
    pub fn of_mapping(env: &Env, mapping: &NativeMapping) -> Result<Self> {
        let mapping = mapping.shared();
        mapping
            .file()
            .and_then(|file| LockableFile::of_mapping(file, mapping.name()))
            .map(Self)
            .map_err(|error| to_js(env, &error))
    }

    /// What a path names at the time of each lock.
    #[napi(factory, catch_unwind)]
    pub fn of_path(path: String, create: bool) -> Self {
        Self(LockableFile::of_path(path, create))
    }

    /// An open file; the descriptor is duplicated.
    #[napi(factory, catch_unwind)]
    pub fn of_descriptor(env: &Env, fd: i32) -> Result<Self> {
        LockableFile::of_descriptor(fd)
            .map(Self)
            .map_err(|error| to_js(env, &error))
    }

    /// The number of a lock, if it can be had at once; 0 if not. `polite`: who asks would wait as
    /// well.
    #[napi(catch_unwind)]
    #[allow(
        clippy::too_many_arguments,
        reason = "an object of them costs as much as the lock"
    )]
    pub fn try_lock(
        &self,
        env: &Env,
        exclusive: bool,
        offset: Either<f64, BigInt>,
        length: Either<f64, BigInt>,
        thread: u32,
        polite: bool,
        stack: Option<String>,
    ) -> Result<f64> {
        let request = LockRequest {
            mode: mode_of(exclusive),
            range: range_of(env, offset, length)?,
            thread,
            stack,
        };
        try_lock(&self.0, &request, polite)
            .map(|held| held.map_or(0.0, keep))
            .map_err(|error| to_js(env, &error))
    }

    /// The same on a thread of ours.
    #[napi(ts_return_type = "Promise<number>", catch_unwind)]
    pub fn try_lock_later<'env>(&self, env: &'env Env, wish: LockWish) -> Result<Object<'env>> {
        let (source, wish) = (Arc::clone(&self.0), wish_of(env, wish)?);
        super::promise::spawn(
            env,
            move || try_lock(&source, &wish, false),
            |held| held.map_or(0.0, keep),
        )
    }

    /// By which of the system's locks its file was locked last: `ofd`, `flock` or `LockFileEx`.
    #[napi(getter, catch_unwind)]
    pub fn method(&self) -> &'static str {
        self.0.method().name()
    }

    /// The number of a lock, when it can be had. `first`: it hasn't been tried yet.
    #[napi(ts_return_type = "Promise<number>", catch_unwind)]
    pub fn lock<'env>(
        &self,
        env: &'env Env,
        wish: LockWish,
        first: bool,
        request: &NativeLockRequest,
    ) -> Result<Object<'env>> {
        let (source, wish) = (Arc::clone(&self.0), wish_of(env, wish)?);
        let (settled, promise) = promise_of_lock(env)?;
        request.set(&settled);
        if first {
            // Opening it may wait for a disk.
            thread_pool::run(move || lock::wait_for(&source, wish, &settled, true));
        } else {
            lock::wait_for(&source, wish, &settled, false);
        }
        Ok(promise)
    }

    /// Starts to wait on this thread.
    #[napi(catch_unwind)]
    pub fn lock_blocking(&self, env: &Env, wish: LockWish) -> Result<NativeBlocking> {
        let wish = wish_of(env, wish)?;
        BlockingLock::start(&self.0, wish)
            .map(|blocking| NativeBlocking(Mutex::new(blocking)))
            .map_err(|error| to_js(env, &error))
    }

    /// Who has a lock in a range: `free`, `shared` or `exclusive`.
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

    /// The error for a wish that can't be had: at once, or after so many milliseconds.
    #[napi(ts_return_type = "Error", catch_unwind)]
    pub fn busy<'env>(
        &self,
        env: &'env Env,
        wish: LockWish,
        waited: Option<f64>,
    ) -> Result<Unknown<'env>> {
        let wish = wish_of(env, wish)?;
        to_js(env, &lock::busy_error(&self.0, &wish, milliseconds(waited))).into_unknown(env)
    }
}

fn milliseconds(waited: Option<f64>) -> Option<u64> {
    waited.map(|time| time as u64)
}

/// A request whose promise is settled from any thread, in this environment.
fn promise_of_lock(env: &Env) -> Result<(Arc<PendingLock>, Object<'_>)> {
    let (deferred, promise) = env.create_deferred()?;
    let request = PendingLock::new(move |result: core::Result<Arc<HeldLock>>| {
        deferred.resolve(move |env: Env| match result {
            Ok(held) => Ok(keep(held)),
            Err(error) => Err(to_js(&env, &error)),
        });
    });
    Ok((request, promise))
}

/// A request that waits.
#[napi]
pub struct NativeLockRequest(Mutex<Option<Arc<PendingLock>>>);

impl NativeLockRequest {
    fn set(&self, request: &Arc<PendingLock>) {
        *self.0.lock().ignore_poison() = Some(Arc::clone(request));
    }

    fn get(&self) -> Option<Arc<PendingLock>> {
        self.0.lock().ignore_poison().clone()
    }
}

#[napi]
impl NativeLockRequest {
    /// A request that hasn't begun.
    #[napi(constructor)]
    #[allow(clippy::new_without_default, reason = "only JavaScript makes one")]
    pub fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Gives it up; false if it was settled before.
    #[napi(catch_unwind)]
    pub fn cancel(&self) -> bool {
        self.get().is_some_and(|request| request.cancel())
    }

    /// Releases the lock that it was granted, before its promise has told of it.
    #[napi(catch_unwind)]
    pub fn take_back(&self) {
        if let Some(request) = self.get() {
            request.take_back();
        }
    }
}

/// A request for which a thread of JavaScript stands still.
#[napi]
pub struct NativeBlocking(Mutex<BlockingLock>);

#[napi]
impl NativeBlocking {
    /// Waits for so many milliseconds at the most; 0 if that was not enough.
    #[napi(catch_unwind)]
    pub fn wait(&self, env: &Env, time: f64) -> Result<f64> {
        let blocking = self.0.lock().ignore_poison();
        blocking
            .wait(Duration::from_secs_f64(time / 1000.0))
            .transpose()
            .map(|held| held.map_or(0.0, keep))
            .map_err(|error| to_js(env, &error))
    }

    /// Gives up; the lock, if it came at the last moment, or 0.
    #[napi(catch_unwind)]
    pub fn cancel(&self) -> f64 {
        let blocking = self.0.lock().ignore_poison();
        blocking.cancel().map_or(0.0, keep)
    }
}

/// Makes a lock exclusive, if that can be done at once: whether it is now.
#[napi(catch_unwind)]
pub fn try_upgrade_lock(env: &Env, id: f64) -> Result<bool> {
    find(env, id)?
        .try_upgrade()
        .map_err(|error| to_js(env, &error))
}

/// Makes a lock exclusive, when it can be: its number again.
#[napi(ts_return_type = "Promise<number>", catch_unwind)]
pub fn upgrade_lock<'env>(
    env: &'env Env,
    id: f64,
    stack: Option<String>,
    request: &NativeLockRequest,
) -> Result<Object<'env>> {
    let held = find(env, id)?;
    let (settled, promise) = promise_of_lock(env)?;
    request.set(&settled);
    held.upgrade(stack, &settled);
    Ok(promise)
}

/// The error for an upgrade that can't be had: at once, or after so many milliseconds.
#[napi(ts_return_type = "Error", catch_unwind)]
pub fn busy_lock(env: &Env, id: f64, waited: Option<f64>) -> Result<Unknown<'_>> {
    let held = find(env, id)?;
    to_js(env, &held.busy_error(milliseconds(waited))).into_unknown(env)
}

/// Makes a lock shared, without a moment in which there is none.
#[napi(catch_unwind)]
pub fn downgrade_lock(env: &Env, id: f64) -> Result<()> {
    find(env, id)?
        .downgrade()
        .map_err(|error| to_js(env, &error))
}

/// Releases a lock; false if it was released before.
#[napi(catch_unwind)]
pub fn release_lock(env: &Env, id: f64) -> Result<bool> {
    let held = all_held().remove(&(id as u64));
    held.map_or(Ok(false), |held| held.release())
        .map_err(|error| to_js(env, &error))
}

/// An entry of the registry of locks.
#[napi(object, object_from_js = false)]
pub struct LockRecord {
    /// A number that no other lock of the process has or had.
    pub id: f64,
    /// The file, as the user named it.
    pub path: Option<String>,
    /// `shared` or `exclusive`.
    pub mode: &'static str,
    /// Where in the file, in bytes.
    pub offset: Either<f64, BigInt>,
    /// Bytes; 0: to infinity.
    pub length: Either<f64, BigInt>,
    /// `held`, `waiting` or `upgrading`.
    pub state: &'static str,
    /// `ofd`, `flock` or `LockFileEx`.
    pub method: &'static str,
    /// The thread of JavaScript.
    pub thread: u32,
    /// Where it was asked for.
    pub stack: Option<String>,
}

/// All locks that this process has or waits for.
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

/// Releases the locks of a thread of JavaScript when this environment ends.
#[napi(catch_unwind)]
pub fn release_locks_at_end(env: &Env, thread: u32) -> Result<()> {
    env.add_env_cleanup_hook(thread, |thread| {
        end_thread(thread);
        all_held().retain(|_, held| held.thread() != thread);
    })?;
    Ok(())
}
