//! The signals of a page that can't be delivered, and the handlers that were there before ours.
//!
//! One handler for SIGBUS and SIGSEGV asks core whether the address is one of ours. If not, it
//! does what would have happened without us: it calls the previous handler, or restores the
//! default action, so that the signal and the core dump are the real ones.
//!
//! Everything that runs in the handler is async-signal-safe: atomics and system calls, no
//! allocation, no lock. `sigaction(2)`: <https://man7.org/linux/man-pages/man2/sigaction.2.html>,
//! `signal-safety(7)`: <https://man7.org/linux/man-pages/man7/signal-safety.7.html>

use std::ffi::c_void;
use std::mem;
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicUsize, Ordering};

use super::errno::{last_errno, set_errno};
use crate::core::poison::IgnorePoison;
use crate::core::sys::error::{Result, SysError};
use crate::core::sys::{FaultAction, Trap};

const SIGNALS: [i32; 2] = [libc::SIGBUS, libc::SIGSEGV];

/// The actions that were in force before ours, a leaked box each: a handler may be reading an
/// old one while a new one is put in place, and there are never more than a few.
static PREVIOUS: [AtomicPtr<libc::sigaction>; 2] = [
    AtomicPtr::new(ptr::null_mut()),
    AtomicPtr::new(ptr::null_mut()),
];

/// Core's judgement, as a function pointer.
static FAULT_HANDLER: AtomicUsize = AtomicUsize::new(0);

/// The threads that are inside a previous handler right now. One that comes here again was
/// called in a circle: by a handler that had saved ours as its previous one. Where there are
/// more threads than places, a circle is not noticed.
static CHAINING: [AtomicI32; 32] = [const { AtomicI32::new(0) }; 32];

type FaultHandler = fn(address: usize, trap: Trap) -> FaultAction;

/// Puts our handler in front for both signals, if it isn't there. True if somebody else had put
/// theirs in its place since.
pub fn install_fault_handler(judge: FaultHandler) -> Result<bool> {
    static CHANGING: Mutex<()> = Mutex::new(());
    let _guard = CHANGING.lock().ignore_poison();
    FAULT_HANDLER.store(judge as usize, Ordering::Release);
    let mut displaced = false;
    for (index, signal) in SIGNALS.into_iter().enumerate() {
        let current = action(signal, None)?;
        if current.sa_sigaction == on_signal as *const () as usize {
            continue;
        }
        displaced |= !PREVIOUS[index].load(Ordering::Acquire).is_null();
        // The previous action is published first: a signal between the two steps must find it.
        PREVIOUS[index].store(Box::into_raw(Box::new(current)), Ordering::Release);
        action(signal, Some(&our_action()))?;
    }
    Ok(displaced)
}

fn our_action() -> libc::sigaction {
    // SAFETY: all-zero is a valid sigaction; what matters is filled in below.
    let mut ours: libc::sigaction = unsafe { mem::zeroed() };
    ours.sa_sigaction = on_signal as *const () as usize;
    // SA_RESTART as libuv has it: a signal from outside must not make system calls fail.
    ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
    // A fault of the handler itself must kill and not recurse: both signals stay blocked in it.
    for signal in SIGNALS {
        // SAFETY: the set is ours.
        unsafe { libc::sigaddset(&raw mut ours.sa_mask, signal) };
    }
    ours
}

/// Sets the action of a signal if one is given; the action before.
fn action(signal: i32, new: Option<&libc::sigaction>) -> Result<libc::sigaction> {
    // SAFETY: all-zero is a valid sigaction, and the call fills it.
    let mut old: libc::sigaction = unsafe { mem::zeroed() };
    // SAFETY: both pointers are valid or null; our handler is async-signal-safe.
    let result =
        unsafe { libc::sigaction(signal, new.map_or(ptr::null(), ptr::from_ref), &raw mut old) };
    if result == 0 {
        Ok(old)
    } else {
        Err(SysError::last("sigaction"))
    }
}

extern "C" fn on_signal(signal: i32, info: *mut libc::siginfo_t, context: *mut c_void) {
    let errno = last_errno();
    // SAFETY: with SA_SIGINFO the kernel hands us a valid siginfo.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr() as usize) };
    // A jump into a mapping is somebody's bug and no missing page.
    let trap = trap(signal, code).filter(|_| instruction_address(context) != address);
    let verdict = match (trap, FAULT_HANDLER.load(Ordering::Acquire)) {
        (None, _) | (_, 0) => FaultAction::PassOn,
        (Some(trap), judge) => {
            // SAFETY: FAULT_HANDLER only ever holds 0 or a function of this very type.
            let judge: FaultHandler = unsafe { mem::transmute(judge) };
            judge(address, trap)
        }
    };
    match verdict {
        FaultAction::Retry => {}
        FaultAction::PassOn => pass_on(signal, info, context),
        FaultAction::Terminate => default_action(signal, code),
    }
    set_errno(errno);
}

/// What trapped, for signals that come from an access at all; `kill` and its like do not.
fn trap(signal: i32, code: i32) -> Option<Trap> {
    const BUS_ADRERR: i32 = 2;
    const SEGV_ACCERR: i32 = 2;
    // A page with a hardware memory error was consumed (Linux).
    const BUS_MCEERR_AR: i32 = 4;
    if code <= 0 {
        return None;
    }
    if cfg!(target_vendor = "apple") {
        return Some(Trap::Unclear);
    }
    match (signal, code) {
        (libc::SIGBUS, BUS_ADRERR | BUS_MCEERR_AR) => Some(Trap::Undeliverable),
        (libc::SIGSEGV, SEGV_ACCERR) => Some(Trap::Forbidden),
        _ => None,
    }
}

/// Where the processor was; no address at all where the platform's layout is not known here.
fn instruction_address(context: *mut c_void) -> usize {
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    // SAFETY: with SA_SIGINFO the kernel hands us a valid context.
    return unsafe {
        (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs[libc::REG_RIP as usize] as usize
    };
    #[cfg(all(target_os = "linux", target_arch = "aarch64"))]
    // SAFETY: with SA_SIGINFO the kernel hands us a valid context.
    return unsafe { (*context.cast::<libc::ucontext_t>()).uc_mcontext.pc as usize };
    #[cfg(not(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    )))]
    {
        let _ = context;
        usize::MAX
    }
}

/// What would have happened without us.
fn pass_on(signal: i32, info: *mut libc::siginfo_t, context: *mut c_void) {
    let index = usize::from(signal != SIGNALS[0]);
    let previous = PREVIOUS[index].load(Ordering::Acquire);
    // SAFETY: with SA_SIGINFO the kernel hands us a valid siginfo.
    let code = unsafe { (*info).si_code };
    if previous.is_null() {
        return default_action(signal, code);
    }
    // SAFETY: boxes in PREVIOUS are never freed.
    let previous = unsafe { &*previous };
    match previous.sa_sigaction {
        // The kernel lets a signal from outside be ignored, but not a fault.
        libc::SIG_IGN if code <= 0 => {}
        libc::SIG_DFL | libc::SIG_IGN => default_action(signal, code),
        handler => {
            if is_chaining() {
                return default_action(signal, code);
            }
            let _place = Chaining::enter();
            call(handler, previous, signal, info, context);
        }
    }
}

/// Calls a previous handler with the mask that it asked for.
fn call(
    handler: usize,
    previous: &libc::sigaction,
    signal: i32,
    info: *mut libc::siginfo_t,
    context: *mut c_void,
) {
    // SAFETY: the sets are valid; pthread_sigmask changes this thread only, and the old mask is
    // put back. The handler was installed by its owner for exactly this signal and signature.
    unsafe {
        let mut old: libc::sigset_t = mem::zeroed();
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const previous.sa_mask, &raw mut old);
        if previous.sa_flags & libc::SA_NODEFER != 0 {
            let mut own: libc::sigset_t = mem::zeroed();
            libc::sigaddset(&raw mut own, signal);
            libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const own, ptr::null_mut());
        }
        if previous.sa_flags & libc::SA_SIGINFO != 0 {
            let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut c_void) =
                mem::transmute(handler);
            handler(signal, info, context);
        } else {
            let handler: extern "C" fn(i32) = mem::transmute(handler);
            handler(signal);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const old, ptr::null_mut());
    }
}

/// Restores the default action. A fault then comes again by itself, with the true address in
/// the core dump; a signal from outside is sent again to this thread.
fn default_action(signal: i32, code: i32) {
    // SAFETY: all-zero is SIG_DFL without flags; raising is async-signal-safe, and the signal
    // stays blocked until this handler returns.
    unsafe {
        let default: libc::sigaction = mem::zeroed();
        libc::sigaction(signal, &raw const default, ptr::null_mut());
        if code <= 0 {
            libc::raise(signal);
        }
    }
}

/// A place in [`CHAINING`], given back on drop.
struct Chaining(&'static AtomicI32);

impl Chaining {
    fn enter() -> Option<Self> {
        let me = thread_number();
        CHAINING
            .iter()
            .find(|place| {
                place
                    .compare_exchange(0, me, Ordering::Relaxed, Ordering::Relaxed)
                    .is_ok()
            })
            .map(Self)
    }
}

fn is_chaining() -> bool {
    let me = thread_number();
    CHAINING
        .iter()
        .any(|place| place.load(Ordering::Relaxed) == me)
}

impl Drop for Chaining {
    fn drop(&mut self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

#[cfg(target_os = "linux")]
fn thread_number() -> i32 {
    // SAFETY: gettid has no preconditions.
    unsafe { libc::syscall(libc::SYS_gettid) as i32 }
}

#[cfg(not(target_os = "linux"))]
fn thread_number() -> i32 {
    // SAFETY: no preconditions. The low half of the port name tells threads apart.
    unsafe { libc::pthread_mach_thread_np(libc::pthread_self()) as i32 }
}

/// A bell that a signal handler can ring and a thread can wait for: a pipe that never blocks
/// the ringer.
#[derive(Debug)]
pub struct Notifier {
    reader: AtomicI32,
    writer: AtomicI32,
}

impl Notifier {
    /// A bell without a rope; [`Notifier::hang`] makes it ring.
    #[must_use]
    pub const fn closed() -> Self {
        Self {
            reader: AtomicI32::new(-1),
            writer: AtomicI32::new(-1),
        }
    }

    /// Creates the pipe, for the life of the process.
    pub fn open(&self) -> Result<()> {
        let mut ends = [0_i32; 2];
        // SAFETY: the array has room for the two descriptors.
        if unsafe { close_on_exec_pipe(&mut ends) } != 0 {
            return Err(SysError::last("pipe"));
        }
        // SAFETY: the descriptors are new and ours. Only the ringer must never wait.
        unsafe { libc::fcntl(ends[1], libc::F_SETFL, libc::O_NONBLOCK) };
        self.reader.store(ends[0], Ordering::Release);
        self.writer.store(ends[1], Ordering::Release);
        Ok(())
    }

    /// Rings. Safe to call in a signal handler; a full pipe is ringing already.
    pub fn notify(&self) {
        let writer = self.writer.load(Ordering::Acquire);
        if writer >= 0 {
            // SAFETY: one byte from a static; failure means that the bell rings already.
            unsafe { libc::write(writer, ptr::from_ref(&0_u8).cast(), 1) };
        }
    }

    /// Waits for the bell; false when it can ring no more.
    pub fn wait(&self) -> bool {
        let mut bytes = [0_u8; 64];
        loop {
            // SAFETY: reads into the array at most its length.
            let count = unsafe {
                libc::read(
                    self.reader.load(Ordering::Acquire),
                    bytes.as_mut_ptr().cast(),
                    bytes.len(),
                )
            };
            if count > 0 {
                return true;
            }
            if count == 0 || last_errno() != libc::EINTR {
                return false;
            }
        }
    }
}

#[cfg(target_os = "linux")]
unsafe fn close_on_exec_pipe(ends: &mut [i32; 2]) -> i32 {
    // SAFETY: pipe2 fills two descriptors.
    unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) }
}

/// In two steps where the system has no call for both.
#[cfg(not(target_os = "linux"))]
unsafe fn close_on_exec_pipe(ends: &mut [i32; 2]) -> i32 {
    // SAFETY: pipe fills two descriptors, which are ours.
    unsafe {
        let result = libc::pipe(ends.as_mut_ptr());
        for end in ends {
            libc::fcntl(*end, libc::F_SETFD, libc::FD_CLOEXEC);
        }
        result
    }
}

/// Writes to standard error. Safe to call in a signal handler.
pub fn write_error(bytes: &[u8]) {
    // SAFETY: the pointer and length are those of a slice; nothing can be done about a failure.
    unsafe { libc::write(2, bytes.as_ptr().cast(), bytes.len()) };
}

/// Blocks every signal on the calling thread, so that those meant for the main thread never
/// land here. Faults are delivered to the thread that caused them all the same.
pub fn block_signals() {
    // SAFETY: the set is ours; only this thread's mask changes.
    unsafe {
        let mut all: libc::sigset_t = mem::zeroed();
        libc::sigfillset(&raw mut all);
        for signal in SIGNALS {
            libc::sigdelset(&raw mut all, signal);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, ptr::null_mut());
    }
}
