//! Reading and writing at an offset.

use windows_sys::Win32::Foundation::{ERROR_HANDLE_EOF, GetLastError};
use windows_sys::Win32::Storage::FileSystem::{ReadFile, WriteFile};
use windows_sys::Win32::System::IO::OVERLAPPED;

use super::errno::EIO;
use super::handle::as_pointer;
use crate::core::sys::RawHandle;
use crate::core::sys::error::{Result, SysError};

/// Returns the structure that gives a call the offset in the file.
pub(super) fn overlapped_at(offset: u64) -> OVERLAPPED {
    // SAFETY: all-zero is a valid OVERLAPPED.
    let mut overlapped: OVERLAPPED = unsafe { std::mem::zeroed() };
    overlapped.Anonymous.Anonymous.Offset = offset as u32;
    overlapped.Anonymous.Anonymous.OffsetHigh = (offset >> 32) as u32;
    overlapped
}

/// Bytes that a call writes may not appear at once in a mapping of a file on another machine
/// (`CreateFileMapping`, Remarks), so this library writes by stores into the mapping here.
pub const WRITES_ARE_COHERENT: bool = false;

/// Writes all of `source..source + length` at `offset`. `WriteFile`.
///
/// # Safety
///
/// The source must be readable memory, or address space that belongs to the caller. The system
/// returns an error for memory that it cannot read.
pub unsafe fn write_at(
    handle: RawHandle,
    source: *const u8,
    length: usize,
    offset: u64,
) -> Result<()> {
    const MAX_WRITE: usize = 1 << 30;
    let mut done = 0;
    while done < length {
        let mut overlapped = overlapped_at(offset + done as u64);
        let mut written = 0;
        let count = (length - done).min(MAX_WRITE) as u32;
        // SAFETY: the caller answers for the source; the handle is synchronous, so that the call
        // is over when it returns.
        let result = unsafe {
            WriteFile(
                as_pointer(handle),
                source.add(done),
                count,
                &raw mut written,
                &raw mut overlapped,
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

/// Reads bytes at an offset of a file, as many as one call returns. A file without offsets causes
/// an error.
pub fn read_at(handle: RawHandle, target: &mut [u8], offset: u64) -> Result<usize> {
    let mut count = 0;
    let mut overlapped = overlapped_at(offset);
    // SAFETY: the system writes no more than the length of the slice, into the slice.
    let result = unsafe {
        ReadFile(
            as_pointer(handle),
            target.as_mut_ptr(),
            target.len().min(1 << 30) as u32,
            &raw mut count,
            &raw mut overlapped,
        )
    };
    // SAFETY: no preconditions.
    if result == 0 && unsafe { GetLastError() } != ERROR_HANDLE_EOF {
        return Err(SysError::last("read"));
    }
    Ok(count as usize)
}

/// Reports whether the file has a byte at `offset`: false after its end, an error if the byte
/// cannot be read. Safe to call in an exception handler.
pub fn has_byte(handle: RawHandle, offset: u64) -> Result<bool> {
    let mut byte = 0_u8;
    let mut count = 0;
    let mut overlapped = overlapped_at(offset);
    // SAFETY: reads at most one byte, into the local one.
    let result = unsafe {
        ReadFile(
            as_pointer(handle),
            &raw mut byte,
            1,
            &raw mut count,
            &raw mut overlapped,
        )
    };
    // SAFETY: no preconditions.
    if result == 0 && unsafe { GetLastError() } != ERROR_HANDLE_EOF {
        return Err(SysError::last("read"));
    }
    Ok(count == 1)
}
