//! Files: what they are, how large, how they grow.

use std::fs::OpenOptions;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::OwnedHandle;
use std::path::Path;
use std::ptr;

use windows_sys::Wdk::Storage::FileSystem::{
    FileAccessInformation, FileFsFullSizeInformation, NtQueryInformationFile,
    NtQueryVolumeInformationFile,
};
use windows_sys::Wdk::System::SystemServices::FILE_FS_FULL_SIZE_INFORMATION;
use windows_sys::Win32::Foundation::{ERROR_HANDLE_EOF, GetLastError};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ALLOCATION_INFO, FILE_APPEND_DATA, FILE_ATTRIBUTE_DIRECTORY,
    FILE_END_OF_FILE_INFO, FILE_FLAG_BACKUP_SEMANTICS, FILE_READ_ATTRIBUTES, FILE_READ_DATA,
    FILE_STANDARD_INFO, FILE_TYPE_CHAR, FILE_TYPE_DISK, FILE_TYPE_PIPE, FILE_WRITE_DATA,
    FileAllocationInfo, FileEndOfFileInfo, FileStandardInfo, GetFileInformationByHandle,
    GetFileInformationByHandleEx, GetFileType, ReadFile, SetFileInformationByHandle, WriteFile,
};
use windows_sys::Win32::System::IO::{DeviceIoControl, IO_STATUS_BLOCK, OVERLAPPED};
use windows_sys::Win32::System::Ioctl::{FILE_ZERO_DATA_INFORMATION, FSCTL_SET_ZERO_DATA};
use windows_sys::Win32::System::Pipes::GetNamedPipeInfo;

use super::call::SHARE_ALL;
use super::errno::{EINVAL, EIO, EOPNOTSUPP};
use super::handle::{pointer, raw};
use crate::core::sys::error::{Result, SysError};
use crate::core::sys::file_kind::Kind;
use crate::core::sys::{FileSystem, Limit, OpenHow, RawHandle, Status};

fn check_path(path: &Path) -> Result<()> {
    use std::os::windows::ffi::OsStrExt;
    if path.as_os_str().encode_wide().any(|unit| unit == 0) {
        return Err(SysError::NullByteInPath);
    }
    Ok(())
}

/// Opens a file. `CreateFileW`:
/// <https://learn.microsoft.com/en-us/windows/win32/api/fileapi/nf-fileapi-createfilew>
pub fn open(path: &Path, how: OpenHow) -> Result<OwnedHandle> {
    check_path(path)?;
    let mut options = OpenOptions::new();
    options.read(true).share_mode(SHARE_ALL);
    match how {
        OpenHow::Read => &mut options,
        OpenHow::ReadWrite => options.write(true),
        OpenHow::CreateNew => options.write(true).create_new(true),
        OpenHow::Create => options.write(true).create(true),
    };
    options
        .open(path)
        .map(OwnedHandle::from)
        .map_err(|error| SysError::from_io(&error, "open"))
}

/// Looks at a path without opening what it leads to for any access.
pub fn stat(path: &Path) -> Result<Status> {
    check_path(path)?;
    if is_pipe_name(path) {
        // Even looking at a named pipe takes a connection from its server.
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

/// Looks at an open file. Safe to call in an exception handler.
pub fn fstat(handle: RawHandle) -> Result<Status> {
    // SAFETY: a bad handle is an error.
    let kind = match unsafe { GetFileType(pointer(handle)) } {
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
    if unsafe { GetFileInformationByHandle(pointer(handle), &raw mut info) } == 0 {
        let error = SysError::last("fstat");
        // A disk or a partition: of type disk, but without the attributes of a file.
        return match error.errno() {
            Some(super::EISDIR | EINVAL | EOPNOTSUPP) => Ok(Status {
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

/// Sockets have the file type of pipes, and no pipe's properties.
fn is_named_pipe(handle: RawHandle) -> bool {
    let null = ptr::null_mut;
    // SAFETY: what is not wanted may be null.
    unsafe { GetNamedPipeInfo(pointer(handle), null(), null(), null(), null()) != 0 }
}

/// The rights with which a handle was opened.
fn granted(handle: RawHandle) -> Result<u32> {
    let mut rights = 0_u32;
    // SAFETY: all-zero is valid, and the call fills it.
    let mut block: IO_STATUS_BLOCK = unsafe { std::mem::zeroed() };
    // SAFETY: FileAccessInformation is one number of 32 bits.
    let status = unsafe {
        NtQueryInformationFile(
            pointer(handle),
            &raw mut block,
            (&raw mut rights).cast(),
            4,
            FileAccessInformation,
        )
    };
    if status < 0 {
        return Err(SysError::new(super::EBADF, "fcntl"));
    }
    Ok(rights)
}

/// What a handle may be used for: (reading, writing).
pub fn access_of(handle: RawHandle) -> Result<(bool, bool)> {
    let rights = granted(handle)?;
    Ok((
        rights & FILE_READ_DATA != 0,
        rights & (FILE_WRITE_DATA | FILE_APPEND_DATA) != 0,
    ))
}

/// Whether a handle was opened for appending.
#[must_use]
pub fn appends(handle: RawHandle) -> bool {
    granted(handle)
        .is_ok_and(|rights| rights & (FILE_APPEND_DATA | FILE_WRITE_DATA) == FILE_APPEND_DATA)
}

/// Bytes written by a call may not be seen at once in a mapping of a file of another machine
/// (`CreateFileMapping`, Remarks), so writing is storing here.
pub const WRITES_ARE_SEEN: bool = false;

/// The size in bytes of a block device.
pub fn device_size(_: RawHandle) -> Result<u64> {
    Err(SysError::Unsupported(
        "Windows cannot map disks; read it with fs instead",
    ))
}

/// What the file system is, as far as mapping cares: nothing of that is known here.
#[allow(clippy::unnecessary_wraps, reason = "other systems may fail")]
pub fn file_system(_: RawHandle) -> Result<FileSystem> {
    Ok(FileSystem {
        is_virtual: false,
        is_volatile: false,
        is_full: false,
        is_layered: false,
    })
}

fn standard_info(handle: RawHandle) -> Option<FILE_STANDARD_INFO> {
    // SAFETY: all-zero is valid, and the call fills it.
    let mut info: FILE_STANDARD_INFO = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer and size are those of the structure that the class fills.
    let done = unsafe {
        GetFileInformationByHandleEx(
            pointer(handle),
            FileStandardInfo,
            (&raw mut info).cast(),
            size_of::<FILE_STANDARD_INFO>() as u32,
        )
    };
    (done != 0).then_some(info)
}

/// How many bytes of the disk an open file has; nothing where that is not known.
#[must_use]
pub fn allocated(handle: RawHandle) -> u64 {
    standard_info(handle).map_or(0, |info| info.AllocationSize.cast_unsigned())
}

/// Whether an open file will be gone when it is closed everywhere.
pub(super) fn is_removed(handle: RawHandle) -> bool {
    standard_info(handle).is_some_and(|info| info.DeletePending || info.NumberOfLinks == 0)
}

/// How many bytes are free on the volume of an open file, for this user; nothing where it does
/// not tell. `NtQueryVolumeInformationFile`:
/// <https://learn.microsoft.com/en-us/windows-hardware/drivers/ddi/ntifs/nf-ntifs-ntqueryvolumeinformationfile>
#[must_use]
pub fn free_space(handle: RawHandle) -> Option<u64> {
    // SAFETY: all-zero is valid, and the call fills it.
    let mut info: FILE_FS_FULL_SIZE_INFORMATION = unsafe { std::mem::zeroed() };
    // SAFETY: the same.
    let mut block: IO_STATUS_BLOCK = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer and size are those of the structure that the class fills.
    let status = unsafe {
        NtQueryVolumeInformationFile(
            pointer(handle),
            &raw mut block,
            (&raw mut info).cast(),
            size_of::<FILE_FS_FULL_SIZE_INFORMATION>() as u32,
            FileFsFullSizeInformation,
        )
    };
    if status < 0 || info.TotalAllocationUnits == 0 {
        return None;
    }
    let unit = u64::from(info.SectorsPerAllocationUnit) * u64::from(info.BytesPerSector);
    let free = info.CallerAvailableAllocationUnits.cast_unsigned();
    Some(free.saturating_mul(unit))
}

/// The size in bytes of the pages in which a file is mapped.
#[must_use]
pub fn file_page_size(_: RawHandle) -> usize {
    super::page_size()
}

/// Makes `0..length` of a file zeros. Answers `EOPNOTSUPP` where the file system can't.
/// `FSCTL_SET_ZERO_DATA`:
/// <https://learn.microsoft.com/en-us/windows/win32/api/winioctl/ni-winioctl-fsctl_set_zero_data>
pub fn zero(handle: RawHandle, length: u64) -> Result<()> {
    let range = FILE_ZERO_DATA_INFORMATION {
        FileOffset: 0,
        BeyondFinalZero: length as i64,
    };
    let mut returned = 0;
    // SAFETY: the request reads one FILE_ZERO_DATA_INFORMATION and writes nothing.
    let done = unsafe {
        DeviceIoControl(
            pointer(handle),
            FSCTL_SET_ZERO_DATA,
            (&raw const range).cast(),
            size_of::<FILE_ZERO_DATA_INFORMATION>() as u32,
            ptr::null_mut(),
            0,
            &raw mut returned,
            ptr::null_mut(),
        )
    };
    if done != 0 {
        return Ok(());
    }
    let error = SysError::last("fallocate");
    match error.errno() {
        // How file systems say that they don't know a request.
        Some(super::EISDIR | EINVAL) => Err(SysError::new(EOPNOTSUPP, "fallocate")),
        _ => Err(error),
    }
}

/// Whether a block can be had for a page: there is no such question here.
pub fn allocate_page(_: RawHandle, _: u64, _: usize) -> Result<()> {
    Err(SysError::new(EOPNOTSUPP, "fallocate"))
}

pub(super) fn at(offset: u64) -> OVERLAPPED {
    // SAFETY: all-zero is a valid OVERLAPPED.
    let mut place: OVERLAPPED = unsafe { std::mem::zeroed() };
    place.Anonymous.Anonymous.Offset = offset as u32;
    place.Anonymous.Anonymous.OffsetHigh = (offset >> 32) as u32;
    place
}

/// Writes all of `source..source + length` at `offset`. `WriteFile`.
///
/// # Safety
///
/// The source must be readable memory, or address space that nobody else uses: the system answers
/// what it can't read with an error.
pub unsafe fn write_at(
    handle: RawHandle,
    source: *const u8,
    length: usize,
    offset: u64,
) -> Result<()> {
    const MOST: usize = 1 << 30;
    let mut done = 0;
    while done < length {
        let mut place = at(offset + done as u64);
        let mut written = 0;
        let count = (length - done).min(MOST) as u32;
        // SAFETY: the caller answers for the source; the handle is synchronous, so that the call
        // is over when it returns.
        let result = unsafe {
            WriteFile(
                pointer(handle),
                source.add(done),
                count,
                &raw mut written,
                &raw mut place,
            )
        };
        match (result, written) {
            (0, _) => return Err(SysError::last("write")),
            (_, 0) => return Err(SysError::new(EIO, "write")),
            _ => done += written as usize,
        }
    }
    Ok(())
}

/// Reads bytes at a place of a file: as many as there are at once. What has no places answers
/// with an error.
pub fn read_at(handle: RawHandle, target: &mut [u8], offset: u64) -> Result<usize> {
    let mut count = 0;
    let mut place = at(offset);
    // SAFETY: the system writes no more than the length of the slice, into the slice.
    let result = unsafe {
        ReadFile(
            pointer(handle),
            target.as_mut_ptr(),
            target.len().min(1 << 30) as u32,
            &raw mut count,
            &raw mut place,
        )
    };
    // SAFETY: no preconditions.
    if result == 0 && unsafe { GetLastError() } != ERROR_HANDLE_EOF {
        return Err(SysError::last("read"));
    }
    Ok(count as usize)
}

/// Whether the file has a byte at `offset`: false behind its end, an error where it can't be read.
/// Safe to call in an exception handler.
pub fn has_byte(handle: RawHandle, offset: u64) -> Result<bool> {
    let mut byte = 0_u8;
    let mut count = 0;
    let mut place = at(offset);
    // SAFETY: reads at most one byte, into the local one.
    let result = unsafe {
        ReadFile(
            pointer(handle),
            &raw mut byte,
            1,
            &raw mut count,
            &raw mut place,
        )
    };
    // SAFETY: no preconditions.
    if result == 0 && unsafe { GetLastError() } != ERROR_HANDLE_EOF {
        return Err(SysError::last("read"));
    }
    Ok(count == 1)
}

/// Files can't be sealed here.
#[must_use]
pub fn is_sealed_against_writing(_: RawHandle) -> bool {
    false
}

/// Makes the file `size` bytes long, without allocating.
pub fn truncate(handle: RawHandle, size: u64) -> Result<()> {
    let end = FILE_END_OF_FILE_INFO {
        EndOfFile: i64::try_from(size).map_err(|_| SysError::new(EINVAL, "ftruncate"))?,
    };
    set(handle, FileEndOfFileInfo, &end, "ftruncate")
}

/// Allocates clusters up to `offset + length` and makes the file at least that long. What the
/// file has already keeps what is under it, holes too.
/// <https://learn.microsoft.com/en-us/windows/win32/api/winbase/ns-winbase-file_allocation_info>
pub fn allocate(handle: RawHandle, offset: u64, length: u64) -> Result<()> {
    let too_large = || SysError::new(super::EFBIG, "fallocate");
    let end = offset.checked_add(length).ok_or_else(too_large)?;
    // Setting less than the file has would cut it.
    if end <= fstat(handle)?.size {
        return Ok(());
    }
    let request = FILE_ALLOCATION_INFO {
        AllocationSize: i64::try_from(end).map_err(|_| too_large())?,
    };
    match set(handle, FileAllocationInfo, &request, "fallocate") {
        // File systems that can't, and wine, which does not know the request.
        Err(error) if matches!(error.errno(), Some(super::EISDIR | super::ENOSYS | EINVAL)) => {
            Err(SysError::new(EOPNOTSUPP, "fallocate"))
        }
        Err(error) => Err(error),
        Ok(()) => truncate(handle, end),
    }
}

fn set<T>(handle: RawHandle, class: i32, value: &T, syscall: &'static str) -> Result<()> {
    // SAFETY: the pointer and size are those of the structure that the class wants.
    let done = unsafe {
        SetFileInformationByHandle(
            pointer(handle),
            class,
            ptr::from_ref(value).cast(),
            size_of::<T>() as u32,
        )
    };
    if done == 0 {
        Err(SysError::last(syscall))
    } else {
        Ok(())
    }
}

/// What the system calls an open object: nothing that a user could do something with.
#[must_use]
pub fn describe(_: RawHandle) -> Option<String> {
    None
}

/// No such limit is set for processes here.
#[must_use]
pub fn limit(_: Limit) -> Option<u64> {
    None
}
