//! The native side of replacing files, and of syncing directories.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::error::to_js;
use super::promise::spawn;
use crate::core::durability::replace_file::{self, Replacement};
use crate::core::file::flush_level::Achieved;
use crate::core::poison::IgnorePoison;

/// A file that is about to take the place of another. It is removed when this is collected.
#[napi]
pub struct NativeReplacement(Arc<Mutex<Replacement>>);

impl From<Replacement> for NativeReplacement {
    fn from(replacement: Replacement) -> Self {
        Self(Arc::new(Mutex::new(replacement)))
    }
}

fn lock(replacement: &Mutex<Replacement>) -> MutexGuard<'_, Replacement> {
    replacement.lock().ignore_poison()
}

/// Makes a file beside the one at `path`, on a thread of ours.
#[napi(ts_return_type = "Promise<NativeReplacement>", catch_unwind)]
pub fn begin_replacement(env: &Env, path: String, permissions: Option<u32>) -> Result<Object<'_>> {
    spawn(
        env,
        move || Replacement::begin(Path::new(&path), permissions),
        NativeReplacement::from,
    )
}

/// Makes a file beside the one at `path`, now.
#[napi(catch_unwind)]
pub fn begin_replacement_sync(
    env: &Env,
    path: String,
    permissions: Option<u32>,
) -> Result<NativeReplacement> {
    Replacement::begin(Path::new(&path), permissions)
        .map(NativeReplacement::from)
        .map_err(|error| to_js(env, &error))
}

#[napi]
impl NativeReplacement {
    /// The descriptor of the new file; open as long as this is.
    #[napi(getter, catch_unwind)]
    pub fn fd(&self, env: &Env) -> Result<i32> {
        lock(&self.0)
            .descriptor()
            .map_err(|error| to_js(env, &error))
    }

    /// Puts it in place, on a thread of ours: how durable it is.
    #[napi(ts_return_type = "Promise<string>", catch_unwind)]
    pub fn commit<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let replacement = Arc::clone(&self.0);
        spawn(env, move || lock(&replacement).commit(), Achieved::name)
    }

    /// Puts it in place, now: how durable it is.
    #[napi(catch_unwind)]
    pub fn commit_sync(&self, env: &Env) -> Result<&'static str> {
        lock(&self.0)
            .commit()
            .map(Achieved::name)
            .map_err(|error| to_js(env, &error))
    }

    /// Removes it, unless it is in place.
    #[napi(catch_unwind)]
    pub fn abandon(&self) {
        lock(&self.0).abandon();
    }
}

/// Makes the names in a directory durable, on a thread of ours.
#[napi(ts_return_type = "Promise<void>", catch_unwind)]
pub fn sync_directory(env: &Env, path: String) -> Result<Object<'_>> {
    spawn(
        env,
        move || replace_file::sync_directory(Path::new(&path)),
        |()| (),
    )
}

/// Makes the names in a directory durable, now.
#[napi(catch_unwind)]
pub fn sync_directory_sync(env: &Env, path: String) -> Result<()> {
    replace_file::sync_directory(Path::new(&path)).map_err(|error| to_js(env, &error))
}
