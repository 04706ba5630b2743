//! Durability of bytes, files and names, and what each system call guarantees.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

#[cfg(target_vendor = "apple")]
use super::errno::last_errno;
use super::handle::raw;
use crate::core::sys::Reached;
use crate::core::sys::error::{Result, SysError};

/// Asks the system to start writing a range of a file out, and waits for nothing that it need
/// not. `address` is where that range is mapped; both are whole pages.
/// `sync_file_range(2)`: <https://man7.org/linux/man-pages/man2/sync_file_range.2.html>. On Linux
/// `msync` with `MS_ASYNC` does nothing.
///
/// # Safety
///
/// `address..address + length` must be mapped pages that the caller owns.
pub unsafe fn start_writing(fd: i32, offset: u64, address: usize, length: usize) -> Result<()> {
    #[cfg(target_os = "linux")]
    {
        let _ = address;
        // SAFETY: the call returns an error for bad arguments.
        let result = unsafe {
            libc::sync_file_range(
                fd,
                offset as libc::off64_t,
                length as libc::off64_t,
                libc::SYNC_FILE_RANGE_WRITE,
            )
        };
        if result == 0 {
            Ok(())
        } else {
            Err(SysError::last("sync_file_range"))
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (fd, offset);
        // SAFETY: the caller owns the pages, and none of them changes.
        if unsafe { libc::msync(address as *mut _, length, libc::MS_ASYNC) } == 0 {
            Ok(())
        } else {
            Err(SysError::last("msync"))
        }
    }
}

/// Sends what `msync` has written on to the medium. Only macOS needs it: there the drive keeps a
/// cache of its own until it is told to empty it. `fcntl(2)`, `F_FULLFSYNC`.
pub fn sync_drive(fd: i32) -> Result<Reached> {
    #[cfg(target_vendor = "apple")]
    return full_sync(fd, &[libc::F_FULLFSYNC, libc::F_BARRIERFSYNC]);
    #[cfg(not(target_vendor = "apple"))]
    {
        let _ = fd;
        Ok(Reached::Media)
    }
}

/// Sees that nothing written later gets to the medium before what was written so far. Systems
/// that have no such request get all of it there instead, or did already.
/// `fcntl(2)`, `F_BARRIERFSYNC`.
pub fn sync_barrier(fd: i32) -> Result<Reached> {
    #[cfg(target_vendor = "apple")]
    return full_sync(fd, &[libc::F_BARRIERFSYNC]);
    #[cfg(not(target_vendor = "apple"))]
    sync_drive(fd)
}

/// Makes a file, or a directory, durable with all its metadata.
/// `fsync(2)`: <https://man7.org/linux/man-pages/man2/fsync.2.html>
pub fn sync_all(fd: i32) -> Result<Reached> {
    #[cfg(target_vendor = "apple")]
    return full_sync(fd, &[libc::F_FULLFSYNC, libc::F_BARRIERFSYNC]);
    #[cfg(not(target_vendor = "apple"))]
    fsync(fd).map(|()| Reached::Media)
}

/// Makes the first of these requests that the file system supports, or `fsync`, which on macOS does
/// not flush the drive's cache.
#[cfg(target_vendor = "apple")]
fn full_sync(fd: i32, requests: &[libc::c_int]) -> Result<Reached> {
    for &request in requests {
        loop {
            // SAFETY: both requests take no argument.
            if unsafe { libc::fcntl(fd, request) } != -1 {
                return Ok(if request == libc::F_FULLFSYNC {
                    Reached::Media
                } else {
                    Reached::Barrier
                });
            }
            match last_errno() {
                libc::EINTR => {}
                // Network file systems refuse the strong requests.
                libc::ENOTSUP | libc::EINVAL | libc::ENOTTY | libc::ENODEV => break,
                // Any other error means a lost write.
                _ => return Err(SysError::last("fcntl")),
            }
        }
    }
    fsync(fd).map(|()| Reached::Drive)
}

fn fsync(fd: i32) -> Result<()> {
    loop {
        // SAFETY: fsync returns an error for a bad descriptor.
        if unsafe { libc::fsync(fd) } == 0 {
            return Ok(());
        }
        let error = SysError::last("fsync");
        if error.errno() != Some(libc::EINTR) {
            return Err(error);
        }
    }
}

/// Opens a directory, which it must be allowed to read, so that its names can be made durable by
/// [`sync_all`].
pub fn open_directory(path: &Path) -> Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_DIRECTORY | libc::O_NONBLOCK)
        .open(path)
        .map_err(|error| SysError::from_io(&error, "open"))
}

/// Makes the names in an open directory durable.
pub fn sync_open_directory(directory: &File) -> Result<Reached> {
    sync_all(raw(directory))
}

/// Makes the names in a directory durable.
pub fn sync_directory(path: &Path) -> Result<Reached> {
    sync_open_directory(&open_directory(path)?)
}

/// Where an open file is now, whatever it was called when it was opened; none where it has no
/// name any more, or the system doesn't say.
#[must_use]
pub fn current_path(file: &File) -> Option<PathBuf> {
    let path = PathBuf::from(name_of(file)?);
    let (named, open) = (std::fs::metadata(&path).ok()?, file.metadata().ok()?);
    (named.dev() == open.dev() && named.ino() == open.ino()).then_some(path)
}

#[cfg(target_os = "linux")]
fn name_of(file: &File) -> Option<std::ffi::OsString> {
    let link = std::fs::read_link(format!("/proc/self/fd/{}", raw(file))).ok()?;
    Some(link.into_os_string())
}

#[cfg(target_vendor = "apple")]
fn name_of(file: &File) -> Option<std::ffi::OsString> {
    let mut name = [0_u8; libc::PATH_MAX as usize];
    // SAFETY: F_GETPATH writes a path that ends in NUL, of at most PATH_MAX bytes.
    if unsafe { libc::fcntl(raw(file), libc::F_GETPATH, name.as_mut_ptr()) } == -1 {
        return None;
    }
    let end = name.iter().position(|&byte| byte == 0)?;
    Some(OsStr::from_bytes(&name[..end]).to_owned())
}

/// Lets the system forget what it holds of a file, so that it is read from the disk again. Pages
/// that a process maps stay.
pub fn drop_file_cache(fd: i32) {
    #[cfg(target_os = "linux")]
    // SAFETY: advice on a descriptor.
    let _ = unsafe { libc::posix_fadvise(fd, 0, 0, libc::POSIX_FADV_DONTNEED) };
    #[cfg(not(target_os = "linux"))]
    let _ = fd;
}

/// Creates a new file that only its owner can access, or one with the default permissions.
pub fn create_new(path: &Path, is_private: bool) -> Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(if is_private { 0o600 } else { 0o666 })
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
        .map_err(|error| SysError::from_io(&error, "open"))
}

/// A temporary name beside `target`, in the same directory: hidden, and never longer than a name
/// may be.
#[must_use]
pub fn temporary_path(target: &Path, random: u64) -> PathBuf {
    const MAX_NAME: usize = 200;
    let name = target.file_name().map_or(&[][..], OsStrExt::as_bytes);
    let mut temporary = b".".to_vec();
    temporary.extend(&name[..name.len().min(MAX_NAME)]);
    temporary.extend(format!(".{random:016x}.tmp").bytes());
    target.with_file_name(OsStr::from_bytes(&temporary))
}

/// Renames a file, replacing a file of that name, in one step.
/// `rename(2)`: <https://man7.org/linux/man-pages/man2/rename.2.html>
pub fn rename(_: &File, from: &Path, to: &Path) -> Result<()> {
    std::fs::rename(from, to).map_err(|error| SysError::from_io(&error, "rename"))
}

/// Gives a file the owner and the group of `like`, if they differ.
/// `fchown(2)`: <https://man7.org/linux/man-pages/man2/fchown.2.html>
pub fn copy_owner(file: &File, like: &std::fs::Metadata) -> Result<()> {
    let own = file
        .metadata()
        .map_err(|error| SysError::from_io(&error, "fstat"))?;
    let change = |old: u32, new: u32| (old != new).then_some(new);
    let (user, group) = (change(own.uid(), like.uid()), change(own.gid(), like.gid()));
    if user.is_none() && group.is_none() {
        return Ok(());
    }
    fchown(file, user, group).map_err(|error| SysError::from_io(&error, "fchown"))
}

/// Returns the permissions of a file as a number, with the set-user-id, set-group-id and sticky
/// bits.
#[must_use]
pub fn permissions_of(metadata: &std::fs::Metadata) -> u32 {
    metadata.permissions().mode() & 0o7777
}

/// Gives a file these permissions, regardless of the umask.
pub fn set_permissions(file: &File, permissions: u32) -> Result<()> {
    file.set_permissions(std::fs::Permissions::from_mode(permissions))
        .map_err(|error| SysError::from_io(&error, "fchmod"))
}
