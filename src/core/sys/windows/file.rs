//! Opening files, and their status.

use std::fs::OpenOptions;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::OwnedHandle;
use std::path::Path;
use std::ptr;

use windows_sys::Wdk::Storage::FileSystem::{FileAccessInformation, NtQueryInformationFile};
use windows_sys::Win32::Foundation::GetLastError;
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_APPEND_DATA, FILE_ATTRIBUTE_DIRECTORY,
    FILE_FLAG_BACKUP_SEMANTICS, FILE_READ_ATTRIBUTES, FILE_READ_DATA, FILE_STANDARD_INFO,
    FILE_TYPE_CHAR, FILE_TYPE_DISK, FILE_TYPE_PIPE, FILE_WRITE_DATA, FileStandardInfo,
    GetFileInformationByHandle, GetFileInformationByHandleEx, GetFileType,
};
use windows_sys::Win32::System::IO::IO_STATUS_BLOCK;
use windows_sys::Win32::System::Pipes::GetNamedPipeInfo;

use super::call::SHARE_ALL;
use super::errno::{EBADF, EINVAL, EISDIR, EOPNOTSUPP};
use super::handle::{as_pointer, raw};
use crate::core::sys::error::{Result, SysError};
use crate::core::sys::file_kind::Kind;
use crate::core::sys::{Limit, OpenMode, RawHandle, Status};

fn check_path(path: &Path) -> Result<()> {
    use std::os::windows::ffi::OsStrExt;
    if path.as_os_str().encode_wide().any(|unit| unit == 0) {
        return Err(SysError::NullByteInPath);
    }
    Ok(())
}

/// Opens a file. `CreateFileW`:
/// <https://learn.microsoft.com/en-us/windows/win32/api/fileapi/nf-fileapi-createfilew>
pub fn open(path: &Path, how: OpenMode) -> Result<OwnedHandle> {
    check_path(path)?;
    let mut options = OpenOptions::new();
    options.read(true).share_mode(SHARE_ALL);
    match how {
        OpenMode::Read => &mut options,
        OpenMode::ReadWrite => options.write(true),
        OpenMode::CreateNew => options.write(true).create_new(true),
        OpenMode::Create => options.write(true).create(true),
    };
    options
        .open(path)
        .map(OwnedHandle::from)
        .map_err(|error| SysError::from_io(&error, "open"))
}

/// Returns the status of the file at a path without opening it for reading or writing.
pub fn stat(path: &Path) -> Result<Status> {
    check_path(path)?;
    if is_pipe_name(path) {
        // Opening a named pipe, even only for its attributes, uses a connection of its server.
        return Ok(Status {
            kind: Kind::Fifo,
            size: 0,
            device: 0,
            inode: 0,
            links: 1,
        });
    }
    let file = OpenOptions::new()
        .access_mode(FILE_READ_ATTRIBUTES)
        .share_mode(SHARE_ALL)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS)
        .open(path)
        .map_err(|error| SysError::from_io(&error, "stat"))?;
    fstat(raw(&file))
}

fn is_pipe_name(path: &Path) -> bool {
    let name = path.to_string_lossy().replace('/', "\\").to_lowercase();
    name.starts_with(r"\\.\pipe\") || name.starts_with(r"\\?\pipe\")
}

/// Returns the status of an open file. Safe to call in an exception handler.
pub fn fstat(handle: RawHandle) -> Result<Status> {
    // SAFETY: a bad handle is an error.
    let kind = match unsafe { GetFileType(as_pointer(handle)) } {
        FILE_TYPE_DISK => Kind::Regular,
        FILE_TYPE_CHAR => Kind::CharacterDevice,
        FILE_TYPE_PIPE if is_named_pipe(handle) => Kind::Fifo,
        FILE_TYPE_PIPE => Kind::Socket,
        // SAFETY: no preconditions.
        _ if unsafe { GetLastError() } != 0 => return Err(SysError::last("fstat")),
        _ => Kind::KernelObject,
    };
    let mut status = Status {
        kind,
        size: 0,
        device: 0,
        inode: 0,
        links: 1,
    };
    if kind != Kind::Regular {
        return Ok(status);
    }
    // SAFETY: all-zero is valid, and the call fills it.
    let mut info: BY_HANDLE_FILE_INFORMATION = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is valid for the call.
    if unsafe { GetFileInformationByHandle(as_pointer(handle), &raw mut info) } == 0 {
        let error = SysError::last("fstat");
        // A disk or a partition has the type of a disk, but no attributes of a file.
        return match error.errno() {
            Some(EISDIR | EINVAL | EOPNOTSUPP) => Ok(Status {
                kind: Kind::BlockDevice,
                ..status
            }),
            _ => Err(error),
        };
    }
    let pair = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
    if info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY != 0 {
        status.kind = Kind::Directory;
    } else {
        status.size = pair(info.nFileSizeHigh, info.nFileSizeLow);
    }
    status.device = u64::from(info.dwVolumeSerialNumber);
    status.inode = pair(info.nFileIndexHigh, info.nFileIndexLow);
    status.links = u64::from(info.nNumberOfLinks);
    Ok(status)
}

/// Reports whether a handle is a named pipe. Sockets have the file type of pipes, but not their
/// properties.
fn is_named_pipe(handle: RawHandle) -> bool {
    let null = ptr::null_mut;
    // SAFETY: the pointers to unwanted results may be null.
    unsafe { GetNamedPipeInfo(as_pointer(handle), null(), null(), null(), null()) != 0 }
}

/// Returns the rights with which a handle was opened.
fn granted_rights(handle: RawHandle) -> Result<u32> {
    let mut rights = 0_u32;
    // SAFETY: all-zero is valid, and the call fills it.
    let mut block: IO_STATUS_BLOCK = unsafe { std::mem::zeroed() };
    // SAFETY: FileAccessInformation is one number of 32 bits.
    let status = unsafe {
        NtQueryInformationFile(
            as_pointer(handle),
            &raw mut block,
            (&raw mut rights).cast(),
            4,
            FileAccessInformation,
        )
    };
    if status < 0 {
        return Err(SysError::new(EBADF, "fcntl"));
    }
    Ok(rights)
}

/// Returns the access that a handle allows: (reading, writing).
pub fn access_of(handle: RawHandle) -> Result<(bool, bool)> {
    let rights = granted_rights(handle)?;
    Ok((
        rights & FILE_READ_DATA != 0,
        rights & (FILE_WRITE_DATA | FILE_APPEND_DATA) != 0,
    ))
}

/// Reports whether a handle was opened for appending.
#[must_use]
pub fn appends(handle: RawHandle) -> bool {
    granted_rights(handle)
        .is_ok_and(|rights| rights & (FILE_APPEND_DATA | FILE_WRITE_DATA) == FILE_APPEND_DATA)
}

pub(super) fn standard_info(handle: RawHandle) -> Option<FILE_STANDARD_INFO> {
    // SAFETY: all-zero is valid, and the call fills it.
    let mut info: FILE_STANDARD_INFO = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer and size are those of the structure that the class fills.
    let done = unsafe {
        GetFileInformationByHandleEx(
            as_pointer(handle),
            FileStandardInfo,
            (&raw mut info).cast(),
            size_of::<FILE_STANDARD_INFO>() as u32,
        )
    };
    (done != 0).then_some(info)
}

/// Reports whether an open file is removed once its last handle is closed.
pub(super) fn is_removed(handle: RawHandle) -> bool {
    standard_info(handle).is_some_and(|info| info.DeletePending || info.NumberOfLinks == 0)
}

/// Returns false: Windows cannot seal files.
#[must_use]
pub fn is_sealed_against_writing(_: RawHandle) -> bool {
    false
}

/// Returns nothing: Windows has no name of an open object that would help a user.
#[must_use]
pub fn kernel_name(_: RawHandle) -> Option<String> {
    None
}

/// Returns nothing: Windows has no such limit for processes.
#[must_use]
pub fn resource_limit(_: Limit) -> Option<u64> {
    None
}
