//! The size of a file and the disk clusters under it.

use std::ptr;

use windows_sys::Win32::Storage::FileSystem::{
    FILE_ALLOCATION_INFO, FILE_END_OF_FILE_INFO, FileAllocationInfo, FileEndOfFileInfo,
    SetFileInformationByHandle,
};
use windows_sys::Win32::System::IO::DeviceIoControl;
use windows_sys::Win32::System::Ioctl::{FILE_ZERO_DATA_INFORMATION, FSCTL_SET_ZERO_DATA};

use super::errno::{EFBIG, EINVAL, EISDIR, ENOSYS, EOPNOTSUPP};
use super::file::{fstat, standard_info};
use super::handle::as_pointer;
use crate::core::sys::RawHandle;
use crate::core::sys::error::{Result, SysError};

/// Returns how many bytes on the disk an open file occupies, or 0 where that is unknown.
#[must_use]
pub fn allocated_bytes(handle: RawHandle) -> u64 {
    standard_info(handle).map_or(0, |info| info.AllocationSize.cast_unsigned())
}

/// Sets `0..length` of a file to zeros. Fails with `EOPNOTSUPP` where the file system does not support
/// this.
/// `FSCTL_SET_ZERO_DATA`:
/// <https://learn.microsoft.com/en-us/windows/win32/api/winioctl/ni-winioctl-fsctl_set_zero_data>
pub fn zero_start(handle: RawHandle, length: u64) -> Result<()> {
    let range = FILE_ZERO_DATA_INFORMATION {
        FileOffset: 0,
        BeyondFinalZero: length as i64,
    };
    let mut returned = 0;
    // SAFETY: the request reads one FILE_ZERO_DATA_INFORMATION and writes nothing.
    let done = unsafe {
        DeviceIoControl(
            as_pointer(handle),
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
        // File systems report an unknown request with these numbers.
        Some(EISDIR | EINVAL) => Err(SysError::new(EOPNOTSUPP, "fallocate")),
        _ => Err(error),
    }
}

/// Fails with `EOPNOTSUPP`: Windows has no request to allocate a single page.
pub fn allocate_page(_: RawHandle, _: u64, _: usize) -> Result<()> {
    Err(SysError::new(EOPNOTSUPP, "fallocate"))
}

/// Sets the size of the file to `size` bytes without allocating clusters.
pub fn truncate(handle: RawHandle, size: u64) -> Result<()> {
    let end = FILE_END_OF_FILE_INFO {
        EndOfFile: i64::try_from(size).map_err(|_| SysError::new(EINVAL, "ftruncate"))?,
    };
    set(handle, FileEndOfFileInfo, &end, "ftruncate")
}

/// Allocates clusters up to `offset + length` and makes the file at least that long. The existing part
/// of the file keeps its clusters and its holes.
/// <https://learn.microsoft.com/en-us/windows/win32/api/winbase/ns-winbase-file_allocation_info>
pub fn allocate(handle: RawHandle, offset: u64, length: u64) -> Result<()> {
    let too_large = || SysError::new(EFBIG, "fallocate");
    let end = offset.checked_add(length).ok_or_else(too_large)?;
    // An allocation smaller than the file would truncate it.
    if end <= fstat(handle)?.size {
        return Ok(());
    }
    let request = FILE_ALLOCATION_INFO {
        AllocationSize: i64::try_from(end).map_err(|_| too_large())?,
    };
    match set(handle, FileAllocationInfo, &request, "fallocate") {
        // Some file systems do not support the request, and Wine does not know it.
        Err(error) if matches!(error.errno(), Some(EISDIR | ENOSYS | EINVAL)) => {
            Err(SysError::new(EOPNOTSUPP, "fallocate"))
        }
        Err(error) => Err(error),
        Ok(()) => truncate(handle, end),
    }
}

fn set<T>(handle: RawHandle, class: i32, value: &T, syscall: &'static str) -> Result<()> {
    // SAFETY: the pointer and size are those of the structure of this class.
    let done = unsafe {
        SetFileInformationByHandle(
            as_pointer(handle),
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
