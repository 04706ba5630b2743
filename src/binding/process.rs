//! What concerns the whole process: the registry of mappings, the platform, the fault guard.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use napi::bindgen_prelude::*;
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi_derive::napi;

use super::array_buffer;
use super::error::to_js;
use crate::core::fault::{handler, record};
use crate::core::mapping::{advice, registry};
use crate::core::sys;

/// An entry of the registry.
#[napi(object, object_from_js = false)]
pub struct MappingRecord {
    /// The mapping's number.
    pub id: f64,
    /// The file, as the user named it.
    pub path: Option<String>,
    /// A name that the user gave.
    pub label: Option<String>,
    /// The mode's letters.
    pub mode: &'static str,
    /// Where in the file, in bytes.
    pub offset: f64,
    /// Bytes.
    pub length: f64,
    /// Array buffers over it that still exist.
    pub views: f64,
    /// Pins that hold it open.
    pub pins: f64,
    /// The thread of JavaScript that opened it.
    pub thread: u32,
    /// `open` or `revoked`.
    pub state: &'static str,
    /// Whether the garbage collector ends it, by design.
    pub gc_owned: bool,
    /// Faults so far.
    pub faults: f64,
    /// There once a flush of its file has failed.
    pub damaged: Option<bool>,
    /// Where it was opened.
    pub stack: Option<String>,
}

/// Every mapping of this process.
#[napi(catch_unwind)]
pub fn mappings() -> Vec<MappingRecord> {
    let record = |entry: registry::Entry| MappingRecord {
        id: entry.id as f64,
        path: entry.description.path,
        label: entry.description.label,
        mode: entry.description.mode,
        offset: entry.description.offset as f64,
        length: entry.description.length as f64,
        views: entry.views as f64,
        pins: entry.pins as f64,
        thread: entry.description.thread,
        state: if entry.is_revoked { "revoked" } else { "open" },
        gc_owned: entry.description.gc_owned,
        faults: entry.faults as f64,
        damaged: entry.is_damaged.then_some(true),
        stack: entry.description.stack,
    };
    registry::entries().into_iter().map(record).collect()
}

/// What this platform can do.
#[napi(catch_unwind)]
pub fn capabilities(env: &Env) -> BTreeMap<String, bool> {
    advice::support()
        .into_iter()
        .map(|(name, supported)| (format!("advise:{name}"), supported))
        .chain([
            (String::from("discard:dontneed"), true),
            (String::from("discard:free"), true),
            (String::from("discard:remove"), cfg!(target_os = "linux")),
            (
                String::from("externalArrayBuffer"),
                array_buffer::fault_counter(env).is_some(),
            ),
            (String::from("faultGuard"), true),
            (String::from("hugePages"), cfg!(target_os = "linux")),
            (String::from("lock"), true),
            (String::from("lock:range"), sys::has_range_locks()),
            (String::from("lockMemory"), true),
            (String::from("lockMemory:onFault"), sys::can_lock_on_fault()),
            (String::from("evict:private"), sys::can_page_out()),
            (String::from("protect"), true),
            (String::from("noReserve"), sys::HAS_UNRESERVED_MEMORY),
            (String::from("reserve"), sys::can_reserve_address_space()),
            (String::from("resize"), true),
            (String::from("resize:shared"), sys::TRUNCATES_MAPPED_FILES),
            (String::from("residency:cache"), sys::can_count_cache()),
            (String::from("sharedArrayBuffer"), array_buffer::can_share()),
        ])
        .collect()
}

/// The size of a page in bytes.
#[napi(catch_unwind)]
pub fn page_size() -> u32 {
    sys::page_size() as u32
}

/// The unit of file offsets of the system's own call, in bytes.
#[napi(catch_unwind)]
pub fn allocation_granularity() -> u32 {
    sys::allocation_granularity() as u32
}

/// How many faults there were in the whole process.
#[napi(catch_unwind)]
pub fn fault_total() -> f64 {
    record::fault_total() as f64
}

/// The same, modulo 2^32, as memory that always has the number of the moment, where the runtime
/// allows that.
#[napi(ts_return_type = "ArrayBuffer | null", catch_unwind)]
pub fn fault_counter(env: &Env) -> Option<Unknown<'_>> {
    array_buffer::fault_counter(env)
}

/// Puts the fault guard back in front of other handlers; true if it had been displaced.
#[napi(catch_unwind)]
pub fn check_guard(env: &Env) -> Result<bool> {
    handler::install_guard().map_err(|error| to_js(env, &error))
}

/// Calls `callback` with the number of a mapping soon after a fault on it, until this
/// environment ends. Does not keep the process alive.
#[napi(catch_unwind)]
pub fn watch_faults(env: &Env, callback: Function<'_, f64, ()>) -> Result<()> {
    static NEXT_KEY: AtomicU64 = AtomicU64::new(0);
    let key = NEXT_KEY.fetch_add(1, Ordering::Relaxed);
    let call = callback
        .build_threadsafe_function::<f64>()
        .callee_handled::<false>()
        .weak::<true>()
        .build()?;
    handler::listen(key, move |id| {
        // A call that can't be delivered is for an environment that is ending.
        let _ = call.call(id as f64, ThreadsafeFunctionCallMode::NonBlocking);
    });
    env.add_env_cleanup_hook(key, handler::stop_listening)?;
    Ok(())
}
