//! Vectored exception handling: core decides about a failed access to a region of this library, and
//! every other exception goes to the next handler.
//!
//! Windows raises an exception in the thread and at the instruction that caused it, never between
//! other instructions. So a handler may take locks that the faulting code does not hold.
//! <https://learn.microsoft.com/en-us/windows/win32/debug/vectored-exception-handling>

use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering};

use windows_sys::Win32::Foundation::{
    EXCEPTION_ACCESS_VIOLATION, EXCEPTION_IN_PAGE_ERROR, GetLastError, HANDLE, SetLastError,
};
use windows_sys::Win32::Storage::FileSystem::WriteFile;
use windows_sys::Win32::System::Console::{GetStdHandle, STD_ERROR_HANDLE};
use windows_sys::Win32::System::Diagnostics::Debug::{
    AddVectoredExceptionHandler, EXCEPTION_POINTERS, EXCEPTION_RECORD,
};
use windows_sys::Win32::System::Threading::{
    CreateEventW, GetCurrentProcess, INFINITE, SetEvent, TerminateProcess, WaitForSingleObject,
};

use super::reservation::{reservation_at, wait_for_change};
use super::virtual_memory::is_readable;
use crate::core::poison::IgnorePoison;
use crate::core::sys::error::{Result, SysError};
use crate::core::sys::{FaultAction, Trap};

const EXCEPTION_CONTINUE_EXECUTION: i32 = -1;
const EXCEPTION_CONTINUE_SEARCH: i32 = 0;

/// The function of core that decides about a trap, as a pointer.
static FAULT_HANDLER: AtomicUsize = AtomicUsize::new(0);

type FaultHandler = fn(address: usize, trap: Trap) -> FaultAction;

/// Installs the handler before the others, once. No other handler can replace it: a handler that is
/// installed later runs earlier and passes on other exceptions, as V8 does for WebAssembly.
pub fn install_fault_handler(judge: FaultHandler) -> Result<bool> {
    static IS_INSTALLED: Mutex<bool> = Mutex::new(false);
    let mut is_installed = IS_INSTALLED.lock().ignore_poison();
    FAULT_HANDLER.store(judge as usize, Ordering::Release);
    if !*is_installed {
        // SAFETY: the handler has this signature, and the library stays loaded.
        if unsafe { AddVectoredExceptionHandler(1, Some(on_exception)) }.is_null() {
            return Err(SysError::last("AddVectoredExceptionHandler"));
        }
        *is_installed = true;
    }
    Ok(false)
}

unsafe extern "system" fn on_exception(pointers: *mut EXCEPTION_POINTERS) -> i32 {
    // SAFETY: the system passes valid records.
    let record = unsafe { &*(*pointers).ExceptionRecord };
    // The code that trapped may ask for the error of its last call afterwards.
    // SAFETY: no preconditions, as below.
    let error = unsafe { GetLastError() };
    let result = answer(record);
    // SAFETY: as above.
    unsafe { SetLastError(error) };
    result
}

fn answer(record: &EXCEPTION_RECORD) -> i32 {
    let Some((address, access, trap)) = access_of(record) else {
        return EXCEPTION_CONTINUE_SEARCH;
    };
    // Another thread is mapping the pages again. The access may work afterwards.
    if wait_for_change(address) {
        return EXCEPTION_CONTINUE_EXECUTION;
    }
    // A load may work by now, because the pages were mapped again before this handler ran. In other
    // memory a trap can have other reasons: V8 uses protection keys that no query shows.
    let is_load = access == Access::Load && trap == Trap::Forbidden;
    if is_load && reservation_at(address).is_some() && is_readable(address) {
        return EXCEPTION_CONTINUE_EXECUTION;
    }
    let judge = FAULT_HANDLER.load(Ordering::Acquire);
    if judge == 0 {
        return EXCEPTION_CONTINUE_SEARCH;
    }
    // SAFETY: FAULT_HANDLER only ever holds 0 or a function of this very type.
    let judge: FaultHandler = unsafe { std::mem::transmute(judge) };
    match judge(address, trap) {
        FaultAction::Retry => EXCEPTION_CONTINUE_EXECUTION,
        FaultAction::PassOn => EXCEPTION_CONTINUE_SEARCH,
        FaultAction::Terminate => {
            // SAFETY: ends this process with the exception as exit code, like an unhandled
            // exception.
            unsafe { TerminateProcess(GetCurrentProcess(), record.ExceptionCode.cast_unsigned()) };
            EXCEPTION_CONTINUE_SEARCH
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Load,
    Store,
}

/// Returns the address, the access and the kind of trap of a record, or nothing for other
/// exceptions and for a jump into memory, which is a bug of the program and no missing page.
fn access_of(record: &EXCEPTION_RECORD) -> Option<(usize, Access, Trap)> {
    let trap = match record.ExceptionCode {
        EXCEPTION_ACCESS_VIOLATION => Trap::Forbidden,
        EXCEPTION_IN_PAGE_ERROR => Trap::Undeliverable,
        _ => return None,
    };
    if record.NumberParameters < 2 {
        return None;
    }
    let access = match record.ExceptionInformation[0] {
        0 => Access::Load,
        1 => Access::Store,
        _ => return None,
    };
    let address = record.ExceptionInformation[1];
    (address != record.ExceptionAddress as usize).then_some((address, access, trap))
}

/// A notification that a handler can send and a thread can wait for: an event.
#[derive(Debug)]
pub struct Notifier {
    event: AtomicIsize,
    is_open: AtomicBool,
}

impl Notifier {
    /// Returns a notifier without an event, which [`Notifier::open`] creates.
    #[must_use]
    pub const fn closed() -> Self {
        Self {
            event: AtomicIsize::new(0),
            is_open: AtomicBool::new(false),
        }
    }

    /// Creates the event, for the life of the process.
    pub fn open(&self) -> Result<()> {
        // SAFETY: an event that resets itself, without a name.
        let event = unsafe { CreateEventW(ptr::null(), 0, 0, ptr::null()) };
        if event.is_null() {
            return Err(SysError::last("CreateEvent"));
        }
        self.event.store(event as isize, Ordering::Release);
        self.is_open.store(true, Ordering::Release);
        Ok(())
    }

    /// Notifies the waiting thread.
    pub fn notify(&self) {
        if self.is_open.load(Ordering::Acquire) {
            // SAFETY: the event is never closed.
            unsafe { SetEvent(self.event.load(Ordering::Acquire) as HANDLE) };
        }
    }

    /// Waits for a notification. Returns false if none can come any more.
    pub fn wait(&self) -> bool {
        const WAIT_OBJECT_0: u32 = 0;
        // SAFETY: the event is never closed.
        unsafe {
            WaitForSingleObject(self.event.load(Ordering::Acquire) as HANDLE, INFINITE)
                == WAIT_OBJECT_0
        }
    }
}

/// Writes to standard error. Safe to call in an exception handler.
pub fn write_error(bytes: &[u8]) {
    let mut written = 0;
    // SAFETY: the pointer and length are those of a slice; a failure cannot be handled here.
    unsafe {
        WriteFile(
            GetStdHandle(STD_ERROR_HANDLE),
            bytes.as_ptr(),
            bytes.len() as u32,
            &raw mut written,
            ptr::null_mut(),
        )
    };
}
