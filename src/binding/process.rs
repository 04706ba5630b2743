//! Functions for the whole process: the registry of mappings, the capabilities, the fault guard.

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
    /// The number of the mapping.
    pub id: f64,
    /// The path of the file, as the user gave it.
    pub path: Option<String>,
    /// The label that the user gave the mapping.
    pub label: Option<String>,
    /// The letters of the mode.
    pub mode: &'static str,
    /// The offset in the file, in bytes.
    pub offset: f64,
    /// The length in bytes.
    pub length: f64,
    /// The number of array buffers over the mapping that still exist.
    pub views: f64,
    /// The number of pins that keep the mapping open.
    pub pins: f64,
    /// The number of the JavaScript thread that opened it.
    pub thread: u32,
    /// `open` or `revoked`.
    pub state: &'static str,
    /// Whether the mapping is meant to be closed by the garbage collector.
    pub gc_owned: bool,
    /// The number of faults.
    pub faults: f64,
    /// True if a flush of its file has failed; none otherwise.
    pub damaged: Option<bool>,
    /// The stack of the call that opened it, if stacks are recorded.
    pub stack: Option<String>,
}

/// Returns the entries of all mappings of this process.
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

/// Returns the name of each capability, and whether this platform and runtime have it.
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

/// Returns the size of a page in bytes.
#[napi(catch_unwind)]
pub fn page_size() -> u32 {
    sys::page_size() as u32
}

/// Returns the alignment of file offsets that the system requires to map a file, in bytes.
#[napi(catch_unwind)]
pub fn allocation_granularity() -> u32 {
    sys::allocation_granularity() as u32
}

/// Returns the number of faults in the whole process.
#[napi(catch_unwind)]
pub fn fault_total() -> f64 {
    record::fault_total() as f64
}

/// Returns an `ArrayBuffer` over the counter of faults, which holds the current number modulo 2^32.
/// Returns null if the runtime does not allow buffers over foreign memory.
#[napi(ts_return_type = "ArrayBuffer | null", catch_unwind)]
pub fn fault_counter(env: &Env) -> Option<Unknown<'_>> {
    array_buffer::fault_counter(env)
}

/// Installs the fault guard again, so that it runs before other signal handlers. Returns true if
/// another handler had replaced it.
#[napi(catch_unwind)]
pub fn check_guard(env: &Env) -> Result<bool> {
    handler::install_guard().map_err(|error| to_js(env, &error))
}

/// Calls `callback` with the number of a mapping soon after each fault of it, until this
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
        // A call fails only if the environment is ending.
        let _ = call.call(id as f64, ThreadsafeFunctionCallMode::NonBlocking);
    });
    env.add_env_cleanup_hook(key, handler::stop_listening)?;
    Ok(())
}
