//! File locks over any range of bytes.
//!
//! Locks on Windows keep other processes from reading and writing, which locks of this library never
//! do. So this library sets them 2^62 bytes further on, where no file has bytes.
//! <https://learn.microsoft.com/en-us/windows/win32/api/fileapi/nf-fileapi-lockfileex>

use std::fs::OpenOptions;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::OwnedHandle;
use std::path::Path;

use windows_sys::Win32::Foundation::{GENERIC_READ, GENERIC_WRITE};
use windows_sys::Win32::Storage::FileSystem::{
    LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx, ReOpenFile, UnlockFileEx,
};

use super::call::SHARE_ALL;
use super::errno::{EBADF, EBUSY, EIO, EISDIR, ENOENT, ENOSYS, EOPNOTSUPP, EOVERFLOW};
use super::file::{access_of, fstat, is_removed, stat};
use super::file_io::overlapped_at;
use super::handle::{as_pointer, own_handle};
use crate::core::sys::error::{Result, SysError};
use crate::core::sys::{Access, LockMode, RawHandle};

/// The offset of the lock that stands for the first byte of a file.
const LOCK_OFFSET: u64 = 1 << 62;

/// Sets, changes or (without a mode) removes the lock of an open file on the bytes from `start`. A
/// length of 0 extends to the largest possible offset. Returns false if a lock of another open file
/// conflicts; with `wait` the thread sleeps until none does.
///
/// Windows cannot change a lock in one step. The lock is released for a moment, and taken again in
/// its old mode if the new mode is not available. `EIO` means that the lock is lost.
pub fn lock_range(
    handle: RawHandle,
    mode: Option<LockMode>,
    start: u64,
    length: u64,
    wait: bool,
) -> Result<bool> {
    let range = shifted_range(start, length)?;
    if let Some(mode) = mode {
        check_access(handle, mode)?;
    }
    let had = unlock(handle, range);
    let Some(mode) = mode else {
        return Ok(true);
    };
    let taken = take(handle, mode, range, wait);
    // Take the old lock again if the new one failed. Another process may have locked meanwhile.
    if had && !matches!(taken, Ok(true)) && !take(handle, LockMode::Shared, range, false)? {
        return Err(SysError::new(EIO, "LockFileEx"));
    }
    taken
}

/// Checks that the handle is open for writing (exclusive locks) or reading (shared locks), which
/// every other system requires. Windows accepts any handle for any lock.
fn check_access(handle: RawHandle, mode: LockMode) -> Result<()> {
    let (reads, writes) = access_of(handle)?;
    let may = match mode {
        LockMode::Shared => reads,
        LockMode::Exclusive => writes,
    };
    if may {
        Ok(())
    } else {
        Err(SysError::new(EBADF, "LockFileEx"))
    }
}

fn shifted_range(start: u64, length: u64) -> Result<(u64, u64)> {
    let too_large = || {
        SysError::new(EOVERFLOW, "LockFileEx")
            .because("on Windows the ranges of locks begin below 2^62 bytes")
    };
    let rest = (LOCK_OFFSET - 1).checked_sub(start).ok_or_else(too_large)?;
    // No process can lock bytes after this range, so a lock up to its end covers them as well.
    match length {
        0 => Ok((start + LOCK_OFFSET, rest)),
        length => Ok((start + LOCK_OFFSET, length.min(rest))),
    }
}

fn take(handle: RawHandle, mode: LockMode, range: (u64, u64), wait: bool) -> Result<bool> {
    let exclusive = match mode {
        LockMode::Shared => 0,
        LockMode::Exclusive => LOCKFILE_EXCLUSIVE_LOCK,
    };
    let fail_immediately = if wait { 0 } else { LOCKFILE_FAIL_IMMEDIATELY };
    let mut overlapped = overlapped_at(range.0);
    // SAFETY: the handle is synchronous, so the call is complete when it returns.
    let done = unsafe {
        LockFileEx(
            as_pointer(handle),
            exclusive | fail_immediately,
            0,
            range.1 as u32,
            (range.1 >> 32) as u32,
            &raw mut overlapped,
        )
    };
    if done != 0 {
        return Ok(true);
    }
    let error = SysError::last("LockFileEx");
    if error.errno() == Some(EBUSY) {
        Ok(false)
    } else {
        Err(error)
    }
}

/// Removes the lock of exactly this range. Reports whether there was one.
fn unlock(handle: RawHandle, range: (u64, u64)) -> bool {
    let mut overlapped = overlapped_at(range.0);
    // SAFETY: as above; a range that is not locked causes an error.
    unsafe {
        UnlockFileEx(
            as_pointer(handle),
            0,
            range.1 as u32,
            (range.1 >> 32) as u32,
            &raw mut overlapped,
        ) != 0
    }
}

/// Returns the mode of a lock of another open file on these bytes that conflicts with `mode`.
/// Windows has no such query, so this function takes the lock for a moment.
pub fn test_range(
    handle: RawHandle,
    mode: LockMode,
    start: u64,
    length: u64,
) -> Result<Option<LockMode>> {
    let range = shifted_range(start, length)?;
    if take(handle, mode, range, false)? {
        unlock(handle, range);
        return Ok(None);
    }
    if mode == LockMode::Exclusive && take(handle, LockMode::Shared, range, false)? {
        unlock(handle, range);
        return Ok(Some(LockMode::Shared));
    }
    Ok(Some(LockMode::Exclusive))
}

/// Does the same as `lock_range` for the whole file.
pub fn lock_whole_file(handle: RawHandle, mode: Option<LockMode>, wait: bool) -> Result<bool> {
    lock_range(handle, mode, 0, 0, wait)
}

/// Reports whether an error means that the file system lacks locks.
#[must_use]
pub fn is_lock_refused(error: &SysError) -> bool {
    matches!(error.errno(), Some(EISDIR | ENOSYS | EOPNOTSUPP))
}

fn rights(access: Access) -> u32 {
    match (access.reads, access.writes) {
        (true, true) => GENERIC_READ | GENERIC_WRITE,
        (false, true) => GENERIC_WRITE,
        _ => GENERIC_READ,
    }
}

/// Opens the file at a path for locking. With `create`, creates an empty file if none exists.
pub fn open_to_lock(path: &Path, access: Access, create: bool) -> Result<OwnedHandle> {
    OpenOptions::new()
        .write(access.writes)
        .access_mode(rights(access))
        .share_mode(SHARE_ALL)
        .create(create)
        .open(path)
        .map(OwnedHandle::from)
        .map_err(|error| SysError::from_io(&error, "open"))
}

/// Opens an open file again, for the same access, with its own locks.
/// <https://learn.microsoft.com/en-us/windows/win32/api/winbase/nf-winbase-reopenfile>
pub fn reopen(handle: RawHandle, _: Option<&Path>) -> Result<OwnedHandle> {
    let access = rights(lock_access(handle)?);
    // SAFETY: a bad handle is an error.
    own_handle(
        unsafe { ReOpenFile(as_pointer(handle), access, SHARE_ALL, 0) },
        "open",
    )
}

/// Returns the access for which a handle is open.
pub fn lock_access(handle: RawHandle) -> Result<Access> {
    let (reads, writes) = access_of(handle)?;
    Ok(Access { reads, writes })
}

/// Reports whether a path still leads to an open file. A removed file may keep its name until its
/// last handle is closed.
pub fn path_leads_to(path: &Path, handle: RawHandle) -> Result<bool> {
    if is_removed(handle) {
        return Ok(false);
    }
    let status = fstat(handle)?;
    match stat(path) {
        Ok(now) => Ok((now.device, now.inode) == (status.device, status.inode)),
        Err(error) if error.errno() == Some(ENOENT) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A thread that sleeps for a lock gets it at the moment in which it becomes free, and holds it for
/// a while even if its caller has given up. So no thread sleeps for a lock; the library retries.
pub const CAN_SLEEP_FOR_LOCKS: bool = false;

/// A lock changes its mode in several steps, between which it is not held: see [`lock_range`].
pub const CHANGES_LOCKS_ATOMICALLY: bool = false;

/// The name of range locks.
pub const RANGE_LOCKS: &str = "LockFileEx";

/// Reports whether this system has locks over ranges of bytes.
#[must_use]
pub fn has_range_locks() -> bool {
    true
}
