//! File systems: their kind, their free space, the size of their pages.

use std::ptr;

use windows_sys::Wdk::Storage::FileSystem::{
    FileFsFullSizeInformation, NtQueryVolumeInformationFile,
};
use windows_sys::Wdk::System::SystemServices::FILE_FS_FULL_SIZE_INFORMATION;
use windows_sys::Win32::Storage::FileSystem::GetVolumeInformationByHandleW;
use windows_sys::Win32::System::IO::IO_STATUS_BLOCK;

use super::file::fstat;
use super::handle::as_pointer;
use super::virtual_memory::page_size;
use crate::core::sys::error::{Result, SysError};
use crate::core::sys::{FileSystem, RawHandle};

/// Fails: Windows cannot map block devices.
pub fn device_size(_: RawHandle) -> Result<u64> {
    Err(SysError::Unsupported(
        "Windows cannot map disks; read it with fs instead",
    ))
}

/// Returns the properties of the file system. None of them is known on Windows.
#[allow(clippy::unnecessary_wraps, reason = "other systems may fail")]
pub fn file_system(_: RawHandle) -> Result<FileSystem> {
    Ok(FileSystem {
        is_virtual: false,
        is_volatile: false,
        is_full: false,
        is_layered: false,
    })
}

/// Returns the free bytes for this user on the volume of an open file, or nothing if the volume does
/// not report them. `NtQueryVolumeInformationFile`:
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
            as_pointer(handle),
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

/// Returns the size in bytes of the pages in which a file is mapped.
#[must_use]
pub fn file_page_size(_: RawHandle) -> usize {
    page_size()
}

/// Returns the name of the type of a file system, for messages.
#[must_use]
pub fn file_system_name(handle: RawHandle) -> String {
    let mut name = [0_u16; 64];
    // SAFETY: the array has room for as many characters as are told; the rest may be null.
    let done = unsafe {
        GetVolumeInformationByHandleW(
            as_pointer(handle),
            ptr::null_mut(),
            0,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            name.as_mut_ptr(),
            name.len() as u32,
        )
    };
    let end = name.iter().position(|&unit| unit == 0).unwrap_or(0);
    if done == 0 || end == 0 || fstat(handle).is_err() {
        return String::from("an unknown file system");
    }
    String::from_utf16_lossy(&name[..end])
}
