//! `ArrayBuffer`s over mapped pages. Only this module passes addresses of mapped memory to
//! JavaScript.
//!
//! Node-API calls one finalizer when the backing store is freed, and another one when the
//! `ArrayBuffer` object is collected. A single one does not mean that the address is unused: a
//! running operation may keep only the backing store alive, or only the object, depending on the
//! runtime. The hold on the region therefore ends when both finalizers have been called.

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

/// The references that an `ArrayBuffer` holds. They contain only state of the process, because
/// runtimes differ in when finalizers run while an environment ends.
struct Hold {
    held: Mutex<Option<(Arc<Region>, Arc<Registration>)>>,
    /// The number of finalizers that have not been called yet.
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

    fn release(&self) {
        let held = self.held.lock().ignore_poison().take();
        if let Some((region, _entry)) = held {
            region.remove_view();
        }
    }

    /// Handles the call of a finalizer. The last call frees the hold.
    ///
    /// # Safety
    ///
    /// `hold` must come from [`Hold::new`], and each finalizer must call this at most once.
    unsafe fn finalized(hold: *mut Self) {
        // SAFETY: only the last finalizer frees the hold, below.
        let this = unsafe { &*hold };
        if this.finalizers.fetch_sub(1, Ordering::AcqRel) == 1 {
            this.release();
            // SAFETY: this was the last finalizer, so no other code has the pointer.
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
    // SAFETY: as above. The runtime calls this once, after the last thread has dropped the buffer.
    unsafe { Hold::finalized(hold.cast()) };
}

/// The part of the address space of a region that an `ArrayBuffer` covers.
pub struct AddressRange {
    /// The address of its first byte.
    pub address: usize,
    /// The length in bytes.
    pub length: usize,
}

/// Creates an `ArrayBuffer` over a range of addresses. The range must lie in the region.
pub fn array_buffer<'env>(
    env: &'env Env,
    region: &Arc<Region>,
    registration: &Arc<Registration>,
    range: &AddressRange,
) -> Result<Unknown<'env>> {
    let hold = Hold::new(region, registration, 2);
    let mut value = ptr::null_mut();
    // SAFETY: the addresses belong to the region, which the hold keeps alive until the finalizers
    // have been called.
    let status = unsafe {
        sys::napi_create_external_arraybuffer(
            env.raw(),
            range.address as *mut c_void,
            range.length,
            Some(backing_store_freed),
            hold.cast(),
            &raw mut value,
        )
    };
    if status != sys::Status::napi_ok {
        // Runtimes differ in whether a failed creation calls the finalizer. Therefore the region is
        // released here, but the few bytes of the hold are not freed. SAFETY: the hold is freed
        // only after two finalizers, and at most one can have been called.
        unsafe { &*hold }.release();
        return Err(refused(env, status));
    }
    // SAFETY: the value is the object that was just created. The hold lives until this finalizer
    // has been called.
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
        // The buffer exists without its second finalizer, so it holds the region until the process
        // ends. That is a leak, but safe.
        check_status!(status, "The finalizer of an ArrayBuffer could not be added")?;
    }
    // SAFETY: the value is alive in the current scope.
    unsafe { Unknown::from_napi_value(env.raw(), value) }
}

/// The function of Node-API for a `SharedArrayBuffer` over foreign memory. It is experimental, and
/// exists in Node 22.23, 24.16, 26.1 and later and in Bun 1.4. Therefore it is looked up at run
/// time.
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
        // SAFETY: the function has had this signature in all versions that have it, as documented
        // in Node's documentation of Node-API.
        crate::core::sys::find_symbol(NAME)
            .map(|address| unsafe { std::mem::transmute::<*mut c_void, CreateShared>(address) })
    })
}

/// Reports whether the runtime supports views on a `SharedArrayBuffer`.
pub fn can_share() -> bool {
    create_shared().is_some()
}

/// Creates a `SharedArrayBuffer` over a range of addresses, which must lie in the region. The
/// buffer cannot be detached, so closing only revokes the pages.
pub fn shared_array_buffer<'env>(
    env: &'env Env,
    region: &Arc<Region>,
    registration: &Arc<Registration>,
    range: &AddressRange,
) -> Result<Unknown<'env>> {
    let Some(create) = create_shared() else {
        return Err(unsupported(
            env,
            "This runtime cannot create a SharedArrayBuffer over a mapping: leave out 'shared'",
        ));
    };
    let hold = Hold::new(region, registration, 1);
    let mut value = ptr::null_mut();
    // SAFETY: the addresses belong to the region, which the hold keeps alive until the finalizer
    // has been called.
    let status = unsafe {
        create(
            env.raw(),
            range.address as *mut c_void,
            range.length,
            shared_store_freed,
            hold.cast(),
            &raw mut value,
        )
    };
    if status != sys::Status::napi_ok {
        // The only finalizer frees the hold, if the runtime calls it. If the runtime does not, the
        // region stays mapped. That is a leak, but safe.
        return Err(refused(env, status));
    }
    // SAFETY: the value is alive in the current scope.
    unsafe { Unknown::from_napi_value(env.raw(), value) }
}

/// Creates an `ArrayBuffer` over the counter of faults of the process, which holds the current
/// number modulo 2^32. Returns nothing if the runtime does not allow buffers over foreign memory.
pub fn fault_counter(env: &Env) -> Option<Unknown<'_>> {
    unsafe extern "C" fn nothing_to_free(_: sys::napi_env, _: *mut c_void, _: *mut c_void) {}
    // The buffer covers the low half of the counter, which comes first on little-endian processors.
    const { assert!(cfg!(target_endian = "little")) };
    let mut value = ptr::null_mut();
    // SAFETY: the counter is a static of the library, and only `lib/` gets the buffer.
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
        // `refused` clears the pending exception, if there is one.
        drop(refused(env, status));
        return None;
    }
    // SAFETY: the value is alive in the current scope.
    unsafe { Unknown::from_napi_value(env.raw(), value) }.ok()
}

/// Detaches an `ArrayBuffer` in engines that have no `ArrayBuffer.prototype.transfer`.
#[napi_derive::napi]
pub fn detach(env: &Env, #[napi(ts_arg_type = "ArrayBuffer")] buffer: Unknown<'_>) -> bool {
    // SAFETY: the value is alive in the current scope. For a value that cannot be detached the call
    // returns an error.
    let status = unsafe { sys::napi_detach_arraybuffer(env.raw(), buffer.raw()) };
    status == sys::Status::napi_ok
}

/// Returns the address and length of the bytes of a `Uint8Array` over any kind of buffer.
///
/// The address is valid until JavaScript runs again.
pub fn bytes_of(env: &Env, array: &Unknown<'_>) -> Result<(*mut u8, usize)> {
    let mut length = 0;
    let mut data = ptr::null_mut();
    let mut kind = 0;
    // SAFETY: all pointers are valid for the call. For a value that is not a typed array the call
    // returns an error.
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

/// Returns the error for a failed creation of a buffer. Clears a pending exception.
fn refused(env: &Env, status: sys::napi_status) -> Error {
    match status {
        sys::Status::napi_no_external_buffers_allowed => unsupported(
            env,
            "This runtime does not allow buffers over foreign memory (Electron's memory cage): \
             use read, readInto and write, which copy",
        ),
        sys::Status::napi_pending_exception => {
            let mut exception = ptr::null_mut();
            // SAFETY: an exception is pending. Taking it clears it, so that another one can be
            // thrown.
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
