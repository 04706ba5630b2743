//! `ArrayBuffers` over mapped pages: the only place where JavaScript gets an address of ours.
//!
//! Node-API calls one finalizer when the backing store is freed, and another when the
//! `ArrayBuffer` object is gone. Neither alone means that nobody holds the address: work in
//! flight may keep only the one or only the other alive, differently in each runtime. The hold
//! on the region ends when both have been called.

use std::ffi::{CStr, c_void};
use std::ptr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use napi::bindgen_prelude::*;
use napi::{JsValue, check_status, sys};

use super::error::to_js;
use crate::core::fault::record;
use crate::core::mapping::region::Region;
use crate::core::mapping::registry::Registration;
use crate::core::poison::IgnorePoison;

/// What an `ArrayBuffer` holds on to. Process-wide state only: finalizers run at different
/// moments of an environment's end in different runtimes.
struct Hold {
    held: Mutex<Option<(Arc<Region>, Arc<Registration>)>>,
    /// Finalizers that are still to be called.
    finalizers: AtomicU8,
}

impl Hold {
    fn new(region: &Arc<Region>, registration: &Arc<Registration>, finalizers: u8) -> *mut Self {
        region.add_view();
        let held = Mutex::new(Some((Arc::clone(region), Arc::clone(registration))));
        Box::into_raw(Box::new(Self {
            held,
            finalizers: AtomicU8::new(finalizers),
        }))
    }

    fn let_go(&self) {
        let held = self.held.lock().ignore_poison().take();
        if let Some((region, _entry)) = held {
            region.remove_view();
        }
    }

    /// One finalizer less; frees the hold with the last.
    ///
    /// # Safety
    ///
    /// `hold` must come from [`Hold::new`], and each finalizer must call this once at most.
    unsafe fn finalized(hold: *mut Self) {
        // SAFETY: the hold is freed by the last of its finalizers only.
        let this = unsafe { &*hold };
        if this.finalizers.fetch_sub(1, Ordering::AcqRel) == 1 {
            this.let_go();
            // SAFETY: this was the last one; nobody else has the pointer.
            drop(unsafe { Box::from_raw(hold) });
        }
    }
}

unsafe extern "C" fn backing_store_freed(_: sys::napi_env, _: *mut c_void, hold: *mut c_void) {
    // SAFETY: Node-API hands back the pointer that was given for this finalizer, once.
    unsafe { Hold::finalized(hold.cast()) };
}

unsafe extern "C" fn object_collected(_: sys::napi_env, hold: *mut c_void, _: *mut c_void) {
    // SAFETY: as above.
    unsafe { Hold::finalized(hold.cast()) };
}

unsafe extern "C" fn shared_store_freed(_: *mut c_void, hold: *mut c_void) {
    // SAFETY: as above; the last of all threads that had the buffer calls it.
    unsafe { Hold::finalized(hold.cast()) };
}

/// Where in the region's address space an `ArrayBuffer` lies.
pub struct Place {
    /// The address of its first byte.
    pub address: usize,
    /// Bytes.
    pub length: usize,
}

/// An `ArrayBuffer` over `place`.
pub fn array_buffer<'env>(
    env: &'env Env,
    region: &Arc<Region>,
    registration: &Arc<Registration>,
    place: &Place,
) -> Result<Unknown<'env>> {
    let hold = Hold::new(region, registration, 2);
    let mut value = ptr::null_mut();
    // SAFETY: the address space is the region's, which the hold keeps; the finalizer takes the
    // hold back.
    let status = unsafe {
        sys::napi_create_external_arraybuffer(
            env.raw(),
            place.address as *mut c_void,
            place.length,
            Some(backing_store_freed),
            hold.cast(),
            &raw mut value,
        )
    };
    if status != sys::Status::napi_ok {
        // Runtimes differ in whether a failed creation calls the finalizer. The few bytes of the
        // hold are left to it; the region is not.
        // SAFETY: the hold is freed only after two finalizers, and at most one was promised.
        unsafe { &*hold }.let_go();
        return Err(refused(env, status));
    }
    // SAFETY: the value is the object that was just created; the finalizer takes the hold.
    let status = unsafe {
        sys::napi_add_finalizer(
            env.raw(),
            value,
            hold.cast(),
            Some(object_collected),
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    if status != sys::Status::napi_ok {
        // The buffer exists without its second finalizer: it holds the region for ever, which is
        // a leak and not a danger.
        check_status!(status, "The finalizer of an ArrayBuffer could not be added")?;
    }
    // SAFETY: the value is alive in the current scope.
    unsafe { Unknown::from_napi_value(env.raw(), value) }
}

/// Node-API's function for a `SharedArrayBuffer` over foreign memory: experimental, in Node 22.23,
/// 24.16 and 26.1 or later and in Bun 1.4, so it is looked up.
type CreateShared = unsafe extern "C" fn(
    sys::napi_env,
    *mut c_void,
    usize,
    unsafe extern "C" fn(*mut c_void, *mut c_void),
    *mut c_void,
    *mut sys::napi_value,
) -> sys::napi_status;

fn create_shared() -> Option<CreateShared> {
    const NAME: &CStr = c"node_api_create_external_sharedarraybuffer";
    static FOUND: OnceLock<Option<CreateShared>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        // SAFETY: the function has had this signature since it exists; see the table in Node's
        // documentation of Node-API.
        crate::core::sys::find_symbol(NAME)
            .map(|address| unsafe { std::mem::transmute::<*mut c_void, CreateShared>(address) })
    })
}

/// Whether views can be on a `SharedArrayBuffer`.
pub fn can_share() -> bool {
    create_shared().is_some()
}

/// A `SharedArrayBuffer` over `place`. It can't be detached: closing relies on the pages alone.
pub fn shared_array_buffer<'env>(
    env: &'env Env,
    region: &Arc<Region>,
    registration: &Arc<Registration>,
    place: &Place,
) -> Result<Unknown<'env>> {
    let Some(create) = create_shared() else {
        return Err(unsupported(
            env,
            "This runtime can't put a SharedArrayBuffer over a mapping",
        ));
    };
    let hold = Hold::new(region, registration, 1);
    let mut value = ptr::null_mut();
    // SAFETY: as for an ArrayBuffer.
    let status = unsafe {
        create(
            env.raw(),
            place.address as *mut c_void,
            place.length,
            shared_store_freed,
            hold.cast(),
            &raw mut value,
        )
    };
    if status != sys::Status::napi_ok {
        // Here the one finalizer frees the hold, if the runtime calls it; if not, the region
        // stays mapped: a leak and not a danger.
        return Err(refused(env, status));
    }
    // SAFETY: the value is alive in the current scope.
    unsafe { Unknown::from_napi_value(env.raw(), value) }
}

/// The process's number of faults as it changes, modulo 2^32: an `ArrayBuffer` over where it is
/// counted. Nothing where the runtime allows no such thing.
pub fn fault_counter(env: &Env) -> Option<Unknown<'_>> {
    unsafe extern "C" fn nothing_to_free(_: sys::napi_env, _: *mut c_void, _: *mut c_void) {}
    // Its low half comes first, on every processor that there are binaries for.
    const { assert!(cfg!(target_endian = "little")) };
    let mut value = ptr::null_mut();
    // SAFETY: the counter lives as long as the library, and only the facade sees the buffer.
    let status = unsafe {
        sys::napi_create_external_arraybuffer(
            env.raw(),
            record::fault_counter().as_ptr().cast(),
            size_of::<u32>(),
            Some(nothing_to_free),
            ptr::null_mut(),
            &raw mut value,
        )
    };
    if status != sys::Status::napi_ok {
        // It takes back the exception, if there is one.
        drop(refused(env, status));
        return None;
    }
    // SAFETY: the value is alive in the current scope.
    unsafe { Unknown::from_napi_value(env.raw(), value) }.ok()
}

/// Detaches an `ArrayBuffer` in engines that have no `ArrayBuffer.prototype.transfer`.
#[napi_derive::napi]
pub fn detach(env: &Env, #[napi(ts_arg_type = "ArrayBuffer")] buffer: Unknown<'_>) -> bool {
    // SAFETY: both values are of the current scope; a value that can't be detached is an error.
    let status = unsafe { sys::napi_detach_arraybuffer(env.raw(), buffer.raw()) };
    status == sys::Status::napi_ok
}

/// The bytes of a `Uint8Array`, of any kind of buffer: address and length.
///
/// The address is good until JavaScript runs again.
pub fn bytes_of(env: &Env, array: &Unknown<'_>) -> Result<(*mut u8, usize)> {
    let mut length = 0;
    let mut data = ptr::null_mut();
    let mut kind = 0;
    // SAFETY: all pointers are valid for the call; what is no typed array is an error.
    let status = unsafe {
        sys::napi_get_typedarray_info(
            env.raw(),
            array.raw(),
            &raw mut kind,
            &raw mut length,
            &raw mut data,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    check_status!(status, "A Uint8Array was expected")?;
    if kind != sys::TypedarrayType::uint8_array {
        return Err(Error::new(Status::InvalidArg, "A Uint8Array was expected"));
    }
    Ok((data.cast(), length))
}

fn refused(env: &Env, status: sys::napi_status) -> Error {
    match status {
        sys::Status::napi_no_external_buffers_allowed => unsupported(
            env,
            "This runtime does not allow buffers over foreign memory (Electron's memory cage): \
             use read, readInto and write, which copy",
        ),
        sys::Status::napi_pending_exception => {
            let mut exception = ptr::null_mut();
            // SAFETY: an exception is pending; taking it clears it, so that ours can be thrown.
            unsafe {
                sys::napi_get_and_clear_last_exception(env.raw(), &raw mut exception);
                Unknown::from_napi_value(env.raw(), exception)
                    .map_or_else(|error| error, Error::from)
            }
        }
        status => Error::new(Status::from(status), "The ArrayBuffer could not be created"),
    }
}

fn unsupported(env: &Env, message: &str) -> Error {
    to_js(
        env,
        &crate::core::Error::rule("ERR_MEMMAP_UNSUPPORTED", message),
    )
}
