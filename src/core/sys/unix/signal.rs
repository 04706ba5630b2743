//! The signals of a page that cannot be delivered, and the handlers that were installed before.
//!
//! One handler for SIGBUS and SIGSEGV asks core whether the address belongs to this library. If
//! not, it calls the previous handler or restores the default action, so that the signal and the
//! core dump are the same as without this library.
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

/// The actions that were in force before, each in a leaked box: a handler may read an old action
/// while a new one is stored, and only a few are ever stored.
static PREVIOUS: [AtomicPtr<libc::sigaction>; 2] = [
    AtomicPtr::new(ptr::null_mut()),
    AtomicPtr::new(ptr::null_mut()),
];

/// The function of core that decides about a trap, as a pointer.
static FAULT_HANDLER: AtomicUsize = AtomicUsize::new(0);

/// The threads that currently run a previous handler. If such a thread enters this handler again,
/// the previous handler has saved this one as its own previous handler. With more threads than
/// entries such a loop is not detected.
static CHAINING: [AtomicI32; 32] = [const { AtomicI32::new(0) }; 32];

type FaultHandler = fn(address: usize, trap: Trap) -> FaultAction;

/// Installs the handler for both signals, if it is not installed. Returns true if another handler
/// had replaced it.
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
        // Store the previous action first: a signal between the two steps must find it.
        PREVIOUS[index].store(Box::into_raw(Box::new(current)), Ordering::Release);
        action(signal, Some(&our_action()))?;
    }
    Ok(displaced)
}

fn our_action() -> libc::sigaction {
    // SAFETY: all-zero is a valid sigaction; the code below sets the fields that matter.
    let mut ours: libc::sigaction = unsafe { mem::zeroed() };
    ours.sa_sigaction = on_signal as *const () as usize;
    // SA_RESTART as in libuv: a signal from another process must not make system calls fail.
    ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
    // A fault inside the handler must end the process instead of recursing: both signals stay
    // blocked.
    for signal in SIGNALS {
        // SAFETY: the set is a local variable.
        unsafe { libc::sigaddset(&raw mut ours.sa_mask, signal) };
    }
    ours
}

/// Sets the action of a signal if one is given. Returns the action before.
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
    // SAFETY: with SA_SIGINFO the kernel passes a valid siginfo.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr() as usize) };
    // A jump into a mapping is a bug of the program, and no missing page.
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

/// Returns the kind of trap, or nothing for signals that no access caused, such as those of `kill`.
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

/// Returns the address of the instruction, or `usize::MAX` on platforms whose layout is unknown
/// here.
fn instruction_address(context: *mut c_void) -> usize {
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    // SAFETY: with SA_SIGINFO the kernel passes a valid context.
    return unsafe {
        (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs[libc::REG_RIP as usize] as usize
    };
    #[cfg(all(target_os = "linux", target_arch = "aarch64"))]
    // SAFETY: with SA_SIGINFO the kernel passes a valid context.
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

/// Does what would happen without this handler.
fn pass_on(signal: i32, info: *mut libc::siginfo_t, context: *mut c_void) {
    let index = usize::from(signal != SIGNALS[0]);
    let previous = PREVIOUS[index].load(Ordering::Acquire);
    // SAFETY: with SA_SIGINFO the kernel passes a valid siginfo.
    let code = unsafe { (*info).si_code };
    if previous.is_null() {
        return default_action(signal, code);
    }
    // SAFETY: boxes in PREVIOUS are never freed.
    let previous = unsafe { &*previous };
    match previous.sa_sigaction {
        // A signal from another process can be ignored, a fault cannot.
        libc::SIG_IGN if code <= 0 => {}
        libc::SIG_DFL | libc::SIG_IGN => default_action(signal, code),
        handler => {
            if is_chaining() {
                return default_action(signal, code);
            }
            let _entry = Chaining::enter();
            call(handler, previous, signal, info, context);
        }
    }
}

/// Calls a previous handler with the signal mask of its action.
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

/// Restores the default action. A fault then happens again, with the true address in the core dump.
/// A signal from another process is sent to this thread again.
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

/// An entry in [`CHAINING`], freed on drop.
struct Chaining(&'static AtomicI32);

impl Chaining {
    fn enter() -> Option<Self> {
        let me = thread_number();
        CHAINING
            .iter()
            .find(|entry| {
                entry
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
        .any(|entry| entry.load(Ordering::Relaxed) == me)
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

/// A notification that a signal handler can send and a thread can wait for: a pipe that never
/// blocks the sender.
#[derive(Debug)]
pub struct Notifier {
    reader: AtomicI32,
    writer: AtomicI32,
}

impl Notifier {
    /// Returns a notifier without a pipe, which [`Notifier::open`] creates.
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
        // SAFETY: the descriptors are new, and nothing else owns them. Only the sender must never
        // wait.
        unsafe { libc::fcntl(ends[1], libc::F_SETFL, libc::O_NONBLOCK) };
        self.reader.store(ends[0], Ordering::Release);
        self.writer.store(ends[1], Ordering::Release);
        Ok(())
    }

    /// Notifies the waiting thread. Safe to call in a signal handler. A full pipe already notifies.
    pub fn notify(&self) {
        let writer = self.writer.load(Ordering::Acquire);
        if writer >= 0 {
            // SAFETY: writes one byte from a static; failure means that the pipe already notifies.
            unsafe { libc::write(writer, ptr::from_ref(&0_u8).cast(), 1) };
        }
    }

    /// Waits for a notification. Returns false if none can come any more.
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

/// Sets the flag in a second step where the system has no call for both.
#[cfg(not(target_os = "linux"))]
unsafe fn close_on_exec_pipe(ends: &mut [i32; 2]) -> i32 {
    // SAFETY: pipe fills two descriptors, which nothing else owns.
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
    // SAFETY: the pointer and length are those of a slice; a failure cannot be handled here.
    unsafe { libc::write(2, bytes.as_ptr().cast(), bytes.len()) };
}

/// Blocks every signal on the calling thread except the two of faults, so that signals for the main
/// thread are not delivered to this one.
pub fn block_signals() {
    // SAFETY: the set is a local variable; only this thread's mask changes.
    unsafe {
        let mut all: libc::sigset_t = mem::zeroed();
        libc::sigfillset(&raw mut all);
        for signal in SIGNALS {
            libc::sigdelset(&raw mut all, signal);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, ptr::null_mut());
    }
}
