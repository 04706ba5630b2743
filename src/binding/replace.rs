//! The native side of replacing files, and of flushing directories.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::error::to_js;
use super::promise::twins;
use crate::core::durability::replace_file::{self, Replacement};
use crate::core::file::flush_level::Achieved;
use crate::core::poison::IgnorePoison;

/// A new file that will replace another one. The garbage collector removes it with this object.
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

#[napi]
impl NativeReplacement {
    /// The descriptor of the new file, open as long as this object exists.
    #[napi(getter, catch_unwind)]
    pub fn fd(&self, env: &Env) -> Result<i32> {
        lock(&self.0)
            .descriptor()
            .map_err(|error| to_js(env, &error))
    }

    /// Removes the new file unless it has replaced the old one.
    #[napi(catch_unwind)]
    pub fn abandon(&self) {
        lock(&self.0).abandon();
    }
}

twins! { spawn: impl NativeReplacement {
    /// Renames the new file over the old one. Returns the level of durability that was reached.
    fn commit, commit_sync(&self) -> &'static str {
        let replacement = Arc::clone(&self.0);
        move || lock(&replacement).commit()
    } => Achieved::name;
} }

twins! { spawn:
    /// Creates a file beside the one at `path`.
    fn begin_replacement, begin_replacement_sync(path: String, permissions: Option<u32>)
        -> NativeReplacement {
        move || Replacement::begin(Path::new(&path), permissions)
    } => NativeReplacement::from;

    /// Makes the names in a directory durable.
    fn sync_directory, sync_directory_sync(path: String) -> () {
        move || replace_file::sync_directory(Path::new(&path))
    } => |()| ();
}
