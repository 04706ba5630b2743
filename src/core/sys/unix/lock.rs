//! File locks: locks of an open file description over any range of bytes, and `flock` for whole
//! files on systems without range locks.
//!
//! POSIX locks (`F_SETLK`) are never used: the process loses them whenever any code in it closes
//! any descriptor of the file.
//! `fcntl_locking(2)`: <https://man7.org/linux/man-pages/man2/F_OFD_SETLK.2const.html>,
//! `flock(2)`: <https://man7.org/linux/man-pages/man2/flock.2.html>

use std::ffi::CString;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::file::{fstat, stat};
use crate::core::sys::error::{Result, SysError};
use crate::core::sys::{Access, LockMode};

fn flags(access: Access) -> libc::c_int {
    match (access.reads, access.writes) {
        (true, true) => libc::O_RDWR,
        (false, true) => libc::O_WRONLY,
        _ => libc::O_RDONLY,
    }
}

/// Sets, changes or (without a mode) removes the lock of an open file description on the bytes from
/// `start`. A length of 0 extends to the largest possible offset. Returns false if a lock of
/// another description conflicts; with `wait` the thread sleeps until none does.
pub fn lock_range(
    fd: i32,
    mode: Option<LockMode>,
    start: u64,
    length: u64,
    wait: bool,
) -> Result<bool> {
    let request = if wait {
        libc::F_OFD_SETLKW
    } else {
        libc::F_OFD_SETLK
    };
    let mut lock = describe_range(mode, start, length)?;
    attempt("fcntl", || {
        // SAFETY: the pointer is valid for the call; a bad descriptor is an error.
        unsafe { libc::fcntl(fd, request, &raw mut lock) }
    })
}

/// Returns the mode of the first lock of another description on these bytes that conflicts with
/// `mode`.
pub fn test_range(fd: i32, mode: LockMode, start: u64, length: u64) -> Result<Option<LockMode>> {
    let mut lock = describe_range(Some(mode), start, length)?;
    // SAFETY: the pointer is valid for the call; a bad descriptor is an error.
    if unsafe { libc::fcntl(fd, libc::F_OFD_GETLK, &raw mut lock) } != 0 {
        return Err(SysError::last("fcntl"));
    }
    #[allow(
        clippy::unnecessary_cast,
        reason = "the types differ between platforms"
    )]
    let (free, shared) = (
        libc::F_UNLCK as libc::c_short,
        libc::F_RDLCK as libc::c_short,
    );
    Ok(match lock.l_type {
        found if found == free => None,
        found if found == shared => Some(LockMode::Shared),
        _ => Some(LockMode::Exclusive),
    })
}

#[allow(
    clippy::unnecessary_cast,
    reason = "the types differ between platforms"
)]
fn describe_range(mode: Option<LockMode>, start: u64, length: u64) -> Result<libc::flock> {
    let too_large = |_| SysError::new(libc::EOVERFLOW, "fcntl");
    // SAFETY: all-zero is a valid flock; locks of descriptions want l_pid to be 0.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = match mode {
        None => libc::F_UNLCK,
        Some(LockMode::Shared) => libc::F_RDLCK,
        Some(LockMode::Exclusive) => libc::F_WRLCK,
    } as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock.l_start = libc::off_t::try_from(start).map_err(too_large)?;
    lock.l_len = libc::off_t::try_from(length).map_err(too_large)?;
    Ok(lock)
}

/// Does the same as `lock_range` for the whole file, with `flock`. Changing the mode of a lock with
/// `flock` may lose the lock.
pub fn lock_whole_file(fd: i32, mode: Option<LockMode>, wait: bool) -> Result<bool> {
    let operation = match mode {
        None => libc::LOCK_UN,
        Some(LockMode::Shared) => libc::LOCK_SH,
        Some(LockMode::Exclusive) => libc::LOCK_EX,
    };
    let operation = if wait {
        operation
    } else {
        operation | libc::LOCK_NB
    };
    attempt("flock", || {
        // SAFETY: flock answers a bad descriptor with an error.
        unsafe { libc::flock(fd, operation) }
    })
}

/// Repeats a locking call while signals interrupt it. Returns false if another lock conflicts.
fn attempt(syscall: &'static str, mut call: impl FnMut() -> libc::c_int) -> Result<bool> {
    loop {
        if call() == 0 {
            return Ok(true);
        }
        let error = SysError::last(syscall);
        match error.errno() {
            Some(libc::EINTR) => {}
            // POSIX allows both numbers for a conflicting lock.
            Some(libc::EAGAIN | libc::EACCES) => return Ok(false),
            _ => return Err(error),
        }
    }
}

/// Reports whether an error means that the system or the file system lacks this kind of lock.
#[must_use]
pub fn is_lock_refused(error: &SysError) -> bool {
    // Two of these numbers are equal on some systems.
    let refusals = [libc::EINVAL, libc::ENOSYS, libc::EOPNOTSUPP, libc::ENOTSUP];
    error.errno().is_some_and(|errno| refusals.contains(&errno))
}

/// Opens the file at a path for locking. With `create`, creates an empty file that only its owner
/// can access.
pub fn open_to_lock(path: &Path, access: Access, create: bool) -> Result<OwnedFd> {
    let mut flags = flags(access);
    if create {
        flags |= libc::O_CREAT;
    }
    open_with(path, flags)
}

fn open_with(path: &Path, flags: libc::c_int) -> Result<OwnedFd> {
    const OWNER_ONLY: libc::c_uint = 0o600;
    let flags = flags | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY;
    let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| SysError::NullByteInPath)?;
    loop {
        // SAFETY: the path ends in NUL; the mode is only read when a file is created.
        let fd = unsafe { libc::open(path.as_ptr(), flags, OWNER_ONLY) };
        if fd >= 0 {
            // SAFETY: the descriptor is new and ours alone.
            return Ok(unsafe { OwnedFd::from_raw_fd(fd) });
        }
        let error = SysError::last("open");
        if error.errno() != Some(libc::EINTR) {
            return Err(error);
        }
    }
}

/// Opens an open file again, for the same access, with a new open file description. `path` is the
/// path of the file, for systems that need it.
pub fn reopen(fd: i32, path: Option<&Path>) -> Result<OwnedFd> {
    let access = lock_access(fd)?;
    let again = match reopen_path(fd) {
        Some(own) => open_with(&own, flags(access)),
        None => Err(SysError::new(libc::ENOENT, "open")),
    };
    match (again, path) {
        // The path may lead to another file by now, where the system gives no link to the open
        // file.
        (Ok(again), _) if is_same(fd, again.as_raw_fd())? => Ok(again),
        (_, Some(path)) => {
            let again = open_with(path, flags(access))?;
            if is_same(fd, again.as_raw_fd())? {
                return Ok(again);
            }
            Err(SysError::FileReplaced(
                "Another file has replaced the open one, which cannot be opened again for the \
                 lock; open the new file, or lock by path",
            ))
        }
        (Ok(_), None) => Err(SysError::FileReplaced(
            "The file was renamed or replaced, and cannot be opened again for the lock",
        )),
        (Err(error), None) => Err(error.because(
            "a lock needs its own open file description, and this file cannot be opened again",
        )),
    }
}

/// Returns the access for which a descriptor is open.
pub fn lock_access(fd: i32) -> Result<Access> {
    // SAFETY: fcntl answers a bad descriptor with an error.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
    if flags < 0 {
        return Err(SysError::last("fcntl"));
    }
    let access = flags & libc::O_ACCMODE;
    Ok(Access {
        reads: access != libc::O_WRONLY,
        writes: access != libc::O_RDONLY,
    })
}

fn is_same(one: i32, other: i32) -> Result<bool> {
    let (one, other) = (fstat(one)?, fstat(other)?);
    Ok((one.device, one.inode) == (other.device, other.inode))
}

/// Returns a path that leads to an open file whatever its current name.
#[cfg(target_os = "linux")]
#[allow(
    clippy::unnecessary_wraps,
    reason = "other systems may not know the path"
)]
fn reopen_path(fd: i32) -> Option<PathBuf> {
    Some(PathBuf::from(format!("/proc/self/fd/{fd}")))
}

/// Returns the current path of the file. On macOS opening `/dev/fd/N` duplicates the descriptor,
/// which would share its locks. `fcntl(2)`, `F_GETPATH`.
#[cfg(target_vendor = "apple")]
fn reopen_path(fd: i32) -> Option<PathBuf> {
    use std::ffi::{CStr, OsStr};
    let mut path = [0 as libc::c_char; libc::PATH_MAX as usize];
    // SAFETY: F_GETPATH writes at most PATH_MAX bytes, with a NUL at their end.
    if unsafe { libc::fcntl(fd, libc::F_GETPATH, path.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: the call ended it with a NUL.
    let path = unsafe { CStr::from_ptr(path.as_ptr()) };
    Some(PathBuf::from(OsStr::from_bytes(path.to_bytes())))
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn reopen_path(_: i32) -> Option<PathBuf> {
    None
}

/// Reports whether a path still leads to an open file.
pub fn path_leads_to(path: &Path, fd: i32) -> Result<bool> {
    let status = fstat(fd)?;
    match stat(path) {
        Ok(now) => Ok((now.device, now.inode) == (status.device, status.inode)),
        Err(error) if error.errno() == Some(libc::ENOENT) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A thread can sleep until a lock is free, and a signal can wake it.
pub const CAN_SLEEP_FOR_LOCKS: bool = true;

/// A lock changes its mode in one step.
pub const CHANGES_LOCKS_ATOMICALLY: bool = true;

/// The name of range locks: locks of an open file description.
pub const RANGE_LOCKS: &str = "ofd";

/// Reports whether this system has locks over ranges of bytes.
#[must_use]
pub fn has_range_locks() -> bool {
    static ANSWER: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *ANSWER.get_or_init(|| {
        // Any file works, because nothing is locked.
        let Ok(file) = std::env::current_exe().and_then(std::fs::File::open) else {
            return false;
        };
        test_range(file.as_raw_fd(), LockMode::Shared, 0, 1).is_ok()
    })
}
