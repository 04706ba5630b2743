//! Durability of bytes, files and names, and what each system call guarantees.

use std::ffi::OsString;
use std::fs::{File, Metadata, OpenOptions};
use std::os::windows::ffi::OsStringExt;
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, FILE_READ_ATTRIBUTES,
    FlushFileBuffers, GetFinalPathNameByHandleW, MOVEFILE_REPLACE_EXISTING, MOVEFILE_WRITE_THROUGH,
    MoveFileExW,
};
use windows_sys::Win32::System::Memory::FlushViewOfFile;

use super::call::SHARE_ALL;
use super::errno::{EAGAIN, EBUSY, ENOTDIR};
use super::file::fstat;
use super::handle::{as_pointer, raw};
use super::virtual_memory::views_in;
use crate::core::sys::error::{Result, SysError};
use crate::core::sys::file_kind::Kind;
use crate::core::sys::{RawHandle, Reached};

/// The number of attempts to flush while a lock of another process on the file interferes.
const MAX_ATTEMPTS: u32 = 50;

/// Writes changed pages to the file. Afterwards they may still be in the cache of the drive only.
/// <https://learn.microsoft.com/en-us/windows/win32/api/memoryapi/nf-memoryapi-flushviewoffile>
///
/// # Safety
///
/// `address..address + length` must be mapped pages that the caller owns.
pub unsafe fn write_pages(address: usize, length: usize) -> Result<()> {
    // A region may consist of several views after it has grown, and one call accepts one view.
    for part in views_in(address, length) {
        for attempt in 1.. {
            // SAFETY: the caller owns the pages, and none of them changes.
            if unsafe { FlushViewOfFile(part.start as *const _, part.len()) } != 0 {
                break;
            }
            let error = SysError::last("msync");
            // The system's page writer can interfere with this call (ERROR_LOCK_VIOLATION).
            if error.errno() != Some(EBUSY) || attempt == MAX_ATTEMPTS {
                return Err(error);
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }
    Ok(())
}

/// Asks the system to start writing a range of a file to the disk.
///
/// # Safety
///
/// `address..address + length` must be mapped pages that the caller owns.
pub unsafe fn start_writing(_: RawHandle, _: u64, address: usize, length: usize) -> Result<()> {
    // SAFETY: the same contract.
    unsafe { write_pages(address, length) }
}

/// Flushes the file and the cache of the drive.
/// <https://learn.microsoft.com/en-us/windows/win32/api/fileapi/nf-fileapi-flushfilebuffers>
pub fn sync_drive(handle: RawHandle) -> Result<Reached> {
    for attempt in 1.. {
        // SAFETY: a bad handle is an error.
        if unsafe { FlushFileBuffers(as_pointer(handle)) } != 0 {
            break;
        }
        let error = SysError::last("fsync");
        if !matches!(error.errno(), Some(EBUSY | EAGAIN)) || attempt == MAX_ATTEMPTS {
            return Err(error);
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    Ok(Reached::Media)
}

/// Does the same as [`sync_drive`]: Windows has no weaker request.
pub fn sync_barrier(handle: RawHandle) -> Result<Reached> {
    sync_drive(handle)
}

/// Makes a file durable with all its metadata.
pub fn sync_all(handle: RawHandle) -> Result<Reached> {
    sync_drive(handle)
}

/// Opens a directory, so that another kind of file is refused early.
pub fn open_directory(path: &Path) -> Result<File> {
    let directory = OpenOptions::new()
        .access_mode(FILE_READ_ATTRIBUTES)
        .share_mode(SHARE_ALL)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS)
        .open(path)
        .map_err(|error| SysError::from_io(&error, "open"))?;
    if fstat(raw(&directory))?.kind == Kind::Directory {
        Ok(directory)
    } else {
        Err(SysError::new(ENOTDIR, "open"))
    }
}

/// Does nothing: Windows cannot flush directories. NTFS and ReFS keep names in a journal, which a
/// flush of any file of the volume writes up to its last entry.
pub fn sync_open_directory(_: &File) -> Result<Reached> {
    Ok(Reached::Media)
}

/// Makes the names in a directory durable, which they are on Windows already.
pub fn sync_directory(path: &Path) -> Result<Reached> {
    sync_open_directory(&open_directory(path)?)
}

/// Returns the current path of an open file, also after a rename.
#[must_use]
pub fn current_path(file: &File) -> Option<PathBuf> {
    let mut name = vec![0_u16; 1024];
    loop {
        // SAFETY: the vector has room for as many characters as are told.
        let count = unsafe {
            GetFinalPathNameByHandleW(
                as_pointer(raw(file)),
                name.as_mut_ptr(),
                name.len() as u32,
                0,
            )
        } as usize;
        match count {
            0 => return None,
            count if count < name.len() => {
                name.truncate(count);
                return Some(PathBuf::from(OsString::from_wide(&name)));
            }
            // With the NUL, if there is not enough room.
            count => name.resize(count, 0),
        }
    }
}

/// Does nothing: Windows is not known to keep damaged pages as clean ones.
pub fn drop_file_cache(_: RawHandle) {}

/// Creates a new file with the access rights that its directory gives.
pub fn create_new(path: &Path, _is_private: bool) -> Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .share_mode(SHARE_ALL)
        .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT)
        .open(path)
        .map_err(|error| SysError::from_io(&error, "open"))
}

/// Returns a temporary path in the directory of `target`, within the maximum length of a name.
#[must_use]
pub fn temporary_path(target: &Path, random: u64) -> PathBuf {
    const MAX_NAME: usize = 200;
    let name: String = target
        .file_name()
        .map(|name| name.to_string_lossy().chars().take(MAX_NAME).collect())
        .unwrap_or_default();
    target.with_file_name(format!(".{name}.{random:016x}.tmp"))
}

/// Gives a file another name, in the place of the file that has it, and waits until that is on
/// the disk. A file that is open keeps its place in this way: then it is tried as on Unix, with
/// `FILE_RENAME_FLAG_POSIX_SEMANTICS`, of which Windows 10 1709 and later are capable.
/// `file` is that file, open for writing: it may be read-only by now, and not be opened so again.
/// <https://learn.microsoft.com/en-us/windows/win32/api/winbase/nf-winbase-movefileexw>
pub fn rename(file: &File, from: &Path, to: &Path) -> Result<()> {
    use std::os::windows::ffi::OsStrExt;
    let wide = |path: &Path| -> Vec<u16> { path.as_os_str().encode_wide().chain([0]).collect() };
    let (old, new) = (wide(from), wide(to));
    let flags = MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH;
    // SAFETY: both names end in NUL.
    if unsafe { MoveFileExW(old.as_ptr(), new.as_ptr(), flags) } != 0 {
        return Ok(());
    }
    // The standard library's goes on to that.
    std::fs::rename(from, to).map_err(|error| {
        SysError::from_io(&error, "rename")
            .because("Windows doesn't replace a file that is open without sharing, or mapped")
    })?;
    sync_drive(raw(file)).map(|_| ())
}

/// A new file has the owner that the process gives it; there is no group.
#[allow(clippy::unnecessary_wraps, reason = "other systems may fail")]
pub fn copy_owner(_: &File, _: &Metadata) -> Result<()> {
    Ok(())
}

/// The permissions of a file as far as it has such here: whether it may be written.
#[must_use]
pub fn permissions_of(metadata: &Metadata) -> u32 {
    if metadata.permissions().readonly() {
        0o444
    } else {
        0o666
    }
}

/// Makes a file read-only for everybody, or not, as Node's `chmod` does here.
pub fn set_permissions(file: &File, permissions: u32) -> Result<()> {
    const OWNER_WRITES: u32 = 0o200;
    let fail = |error| SysError::from_io(&error, "fchmod");
    let mut now = file.metadata().map_err(fail)?.permissions();
    now.set_readonly(permissions & OWNER_WRITES == 0);
    file.set_permissions(now).map_err(fail)
}
