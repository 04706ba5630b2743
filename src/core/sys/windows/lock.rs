//! Locks on files, over any range of bytes.
//!
//! Locks of Windows keep others from reading and writing, which locks of this library never do.
//! So they are set where no file has bytes: 2^62 further on.
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

/// Where locks are set that stand for the first byte of a file.
const LOCK_OFFSET: u64 = 1 << 62;

/// Sets, changes or (without a mode) removes the lock of an open file on the bytes from `start`
/// on; a length of 0 reaches to the end of all files. False if another one's lock is in the way;
/// with `wait` the thread sleeps until none is.
///
/// A lock can't be made exclusive in one step here: it is let go for a moment, and taken again as
/// it was where the other can't be had. `EIO` says that it is lost.
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
    // What there was is had again, whatever became of the other. Somebody may have been quicker.
    if had && !matches!(taken, Ok(true)) && !take(handle, LockMode::Shared, range, false)? {
        return Err(SysError::new(EIO, "LockFileEx"));
    }
    taken
}

/// Windows takes any handle for any lock; every other system wants one that is open for writing to
/// keep readers out, and one for reading to keep writers out.
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
    // Nobody can lock what is behind, so whoever has all before it has that as well.
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
    // SAFETY: the handle is synchronous, so that the call is over when it returns.
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

/// Whether there was a lock of this very range.
fn unlock(handle: RawHandle, range: (u64, u64)) -> bool {
    let mut overlapped = overlapped_at(range.0);
    // SAFETY: as above; what is not locked is an error.
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

/// The lock that another open file has on these bytes and that is in the way of `mode`. There is
/// no such question here, so it is found out by locking for a moment.
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

/// The same as `lock_range` for the whole file.
pub fn lock_whole_file(handle: RawHandle, mode: Option<LockMode>, wait: bool) -> Result<bool> {
    lock_range(handle, mode, 0, 0, wait)
}

/// Whether an error says that the file system lacks locks.
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

/// Opens the file at a path, to lock it. It is created, empty, if that is asked for.
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

/// Opens an open file once more, for the same access, with locks of its own.
/// <https://learn.microsoft.com/en-us/windows/win32/api/winbase/nf-winbase-reopenfile>
pub fn reopen(handle: RawHandle, _: Option<&Path>) -> Result<OwnedHandle> {
    let access = rights(lock_access(handle)?);
    // SAFETY: a bad handle is an error.
    own_handle(
        unsafe { ReOpenFile(as_pointer(handle), access, SHARE_ALL, 0) },
        "open",
    )
}

/// What a handle is open for.
pub fn lock_access(handle: RawHandle) -> Result<Access> {
    let (reads, writes) = access_of(handle)?;
    Ok(Access { reads, writes })
}

/// Whether a path still leads to an open file. One that was removed may keep its name until it is
/// closed everywhere.
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

/// Who sleeps for a lock gets it in the very moment in which it is free, and has it for a while even
/// if nobody wants it any more. So nobody sleeps, and each is asked for again and again.
pub const CAN_SLEEP_FOR_LOCKS: bool = false;

/// A lock is changed in several steps, between which there is none: see [`lock_range`].
pub const CHANGES_LOCKS_ATOMICALLY: bool = false;

/// The name of the locks over ranges.
pub const RANGE_LOCKS: &str = "LockFileEx";

/// Whether this system has locks over ranges of bytes.
#[must_use]
pub fn has_range_locks() -> bool {
    true
}
