//! Operations of core as functions of JavaScript: one that runs on this thread and returns the
//! result, and one that runs on the thread pool and returns a promise.

use std::panic::{AssertUnwindSafe, catch_unwind};

use napi::JsValue;
use napi::bindgen_prelude::*;

use super::error::to_js;
use crate::core;

/// Runs `work` on this thread. `convert` makes a JavaScript value of its result.
pub fn run<T, R>(
    env: &Env,
    work: impl FnOnce() -> core::Result<T>,
    convert: impl FnOnce(T) -> R,
) -> Result<R> {
    work().map(convert).map_err(|error| to_js(env, &error))
}

/// Runs `work` on the thread pool, and returns a promise for its result. `convert` makes a
/// JavaScript value of the result. The promise keeps the process alive until it is settled, as the
/// promises of `fs` do.
pub fn spawn<T, R>(
    env: &Env,
    work: impl FnOnce() -> core::Result<T> + Send + 'static,
    convert: impl FnOnce(T) -> R + Send + 'static,
) -> Result<PromiseRaw<'_, R>>
where
    T: Send + 'static,
    R: ToNapiValue + 'static,
{
    let (promise, task) = promise_and_task(env, work, convert)?;
    core::thread_pool::run(task);
    Ok(promise)
}

/// Runs `work` as [`spawn`] does, but on the threads for work that reads a whole mapping and may take
/// long.
pub fn spawn_search<T, R>(
    env: &Env,
    work: impl FnOnce() -> core::Result<T> + Send + 'static,
    convert: impl FnOnce(T) -> R + Send + 'static,
) -> Result<PromiseRaw<'_, R>>
where
    T: Send + 'static,
    R: ToNapiValue + 'static,
{
    let (promise, task) = promise_and_task(env, work, convert)?;
    core::thread_pool::run_search(task);
    Ok(promise)
}

/// Creates a promise, and the task for the thread pool that settles it.
fn promise_and_task<T, R>(
    env: &Env,
    work: impl FnOnce() -> core::Result<T> + Send + 'static,
    convert: impl FnOnce(T) -> R + Send + 'static,
) -> Result<(PromiseRaw<'_, R>, impl FnOnce() + Send + 'static)>
where
    T: Send + 'static,
    R: ToNapiValue + 'static,
{
    let (deferred, promise) = env.create_deferred()?;
    let task = move || {
        let result = catch_unwind(AssertUnwindSafe(work));
        deferred.resolve(move |env: Env| match result {
            Ok(Ok(value)) => Ok(convert(value)),
            Ok(Err(error)) => Err(to_js(&env, &error)),
            Err(_) => Err(Error::from_reason(
                "A thread of the library panicked: this is a bug in it",
            )),
        });
    };
    Ok((PromiseRaw::new(env.raw(), promise.raw()), task))
}

/// Settles a promise, from any thread.
pub type Settle<T> = Box<dyn FnOnce(core::Result<T>) + Send>;

/// Returns a promise for work that `start` begins elsewhere. `start` receives the function that
/// settles the promise.
pub fn promise<T, R>(
    env: &Env,
    start: impl FnOnce(Settle<T>),
    convert: impl FnOnce(T) -> R + Send + 'static,
) -> Result<PromiseRaw<'_, R>>
where
    T: Send + 'static,
    R: ToNapiValue + 'static,
{
    let (deferred, promise) = env.create_deferred()?;
    start(Box::new(move |result| {
        deferred.resolve(move |env: Env| result.map(convert).map_err(|error| to_js(&env, &error)));
    }));
    Ok(PromiseRaw::new(env.raw(), promise.raw()))
}

/// Defines operations of core as two functions of JavaScript each: `name`, which runs on the thread
/// pool and returns a promise, and `name_sync`, which runs on this thread.
///
/// The first word is the function that runs the work on the thread pool, [`spawn`] or
/// [`spawn_search`]. The body of an operation converts the arguments, and ends with the closure that
/// does the work. The expression after `=>` converts the result to the type of JavaScript. An
/// argument after a semicolon is the token that cancels the work: the function on the thread pool
/// takes it as its last argument, and on this thread nothing can cancel the work. The doc comments stay
/// at the operations: napi would declare them to TypeScript as raw strings.
macro_rules! twins {
    ($spawn:ident: impl $class:ident { $(
        $(#[$($doc:tt)*])*
        fn $name:ident, $sync:ident(&$self:ident $(, $argument:ident: $type:ty)* $(; $token:ident)?)
            -> $result:ty $body:block => $convert:expr;
    )* }) => {
        #[napi_derive::napi]
        impl $class { $(
            #[napi(catch_unwind)]
            #[allow(clippy::too_many_arguments, reason = "only the facade calls it")]
            pub fn $name<'env>(
                &$self,
                env: &'env Env,
                $($argument: $type,)*
                $($token: &$crate::binding::cancel::NativeCancelToken,)?
            ) -> Result<PromiseRaw<'env, $result>> {
                $(let $token = $token.shared();)?
                let work = $body;
                $crate::binding::promise::$spawn(env, work, $convert)
            }

            #[napi(catch_unwind)]
            #[allow(clippy::too_many_arguments, reason = "only the facade calls it")]
            pub fn $sync(&$self, env: &Env, $($argument: $type,)*) -> Result<$result> {
                $(let $token = std::sync::Arc::<$crate::core::cancel::CancelToken>::default();)?
                let work = $body;
                $crate::binding::promise::run(env, work, $convert)
            }
        )* }
    };
    ($spawn:ident: $(
        $(#[$($doc:tt)*])*
        fn $name:ident, $sync:ident($($argument:ident: $type:ty),*)
            -> $result:ty $body:block => $convert:expr;
    )*) => { $(
        #[napi_derive::napi(catch_unwind)]
        pub fn $name(
            env: &Env,
            $($argument: $type,)*
        ) -> Result<PromiseRaw<'_, $result>> {
            let work = $body;
            $crate::binding::promise::$spawn(env, work, $convert)
        }

        #[napi_derive::napi(catch_unwind)]
        pub fn $sync(env: &Env, $($argument: $type,)*) -> Result<$result> {
            let work = $body;
            $crate::binding::promise::run(env, work, $convert)
        }
    )* };
}
pub(super) use twins;
