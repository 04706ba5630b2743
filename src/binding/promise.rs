//! Work on our own threads that settles a promise.

use std::panic::{AssertUnwindSafe, catch_unwind};

use napi::bindgen_prelude::*;

use super::error::to_js;
use crate::core;

/// A promise for what `work` returns; `convert` makes a JavaScript value of it. The promise
/// keeps the process alive until it is settled, as those of `fs` do.
pub fn spawn<T, R>(
    env: &Env,
    work: impl FnOnce() -> core::Result<T> + Send + 'static,
    convert: impl FnOnce(T) -> R + Send + 'static,
) -> Result<Object<'_>>
where
    T: Send + 'static,
    R: ToNapiValue + 'static,
{
    let (promise, job) = settling(env, work, convert)?;
    core::thread_pool::run(job);
    Ok(promise)
}

/// The same for work that goes through a mapping and may take long.
pub fn spawn_search<T, R>(
    env: &Env,
    work: impl FnOnce() -> core::Result<T> + Send + 'static,
    convert: impl FnOnce(T) -> R + Send + 'static,
) -> Result<Object<'_>>
where
    T: Send + 'static,
    R: ToNapiValue + 'static,
{
    let (promise, job) = settling(env, work, convert)?;
    core::thread_pool::run_search(job);
    Ok(promise)
}

/// A promise, and the job that settles it.
fn settling<T, R>(
    env: &Env,
    work: impl FnOnce() -> core::Result<T> + Send + 'static,
    convert: impl FnOnce(T) -> R + Send + 'static,
) -> Result<(Object<'_>, impl FnOnce() + Send + 'static)>
where
    T: Send + 'static,
    R: ToNapiValue + 'static,
{
    let (deferred, promise) = env.create_deferred()?;
    let job = move || {
        let result = catch_unwind(AssertUnwindSafe(work));
        deferred.resolve(move |env: Env| match result {
            Ok(Ok(value)) => Ok(convert(value)),
            Ok(Err(error)) => Err(to_js(&env, &error)),
            Err(_) => Err(Error::from_reason(
                "A thread of the library panicked: this is a bug in it",
            )),
        });
    };
    Ok((promise, job))
}

/// What settles a promise, from any thread.
pub type Settle<T> = Box<dyn FnOnce(core::Result<T>) + Send>;

/// The same for work that `start` has done elsewhere: it is given what settles the promise.
pub fn promise<T, R>(
    env: &Env,
    start: impl FnOnce(Settle<T>),
    convert: impl FnOnce(T) -> R + Send + 'static,
) -> Result<Object<'_>>
where
    T: Send + 'static,
    R: ToNapiValue + 'static,
{
    let (deferred, promise) = env.create_deferred()?;
    start(Box::new(move |result| {
        deferred.resolve(move |env: Env| result.map(convert).map_err(|error| to_js(&env, &error)));
    }));
    Ok(promise)
}
