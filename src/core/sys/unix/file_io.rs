//! Reading and writing at an offset.

use crate::core::sys::error::{Result, SysError};

/// Writes all of `source..source + length` at `offset`. `pwrite(2)`.
///
/// # Safety
///
/// The source must be readable memory, or address space that belongs to the caller. The kernel
/// fails with `EFAULT` for memory that it cannot read.
pub unsafe fn write_at(fd: i32, source: *const u8, length: usize, offset: u64) -> Result<()> {
    let mut done = 0;
    while done < length {
        let at = (offset + done as u64) as libc::off_t;
        // SAFETY: the caller answers for the source; a bad descriptor is an error.
        let written = unsafe { libc::pwrite(fd, source.add(done).cast(), length - done, at) };
        if written > 0 {
            done += written as usize;
            continue;
        }
        // A call that writes nothing and reports no error would repeat forever.
        let error = if written == 0 {
            SysError::new(libc::EIO, "pwrite")
        } else {
            SysError::last("pwrite")
        };
        if error.errno() != Some(libc::EINTR) {
            return Err(error);
        }
    }
    Ok(())
}

/// Reads bytes at an offset of a file, as many as one call returns. Never consumes bytes of a pipe
/// or a terminal: a file without offsets causes an error. `pread(2)`:
/// <https://man7.org/linux/man-pages/man2/pread.2.html>
pub fn read_at(fd: i32, target: &mut [u8], offset: u64) -> Result<usize> {
    loop {
        // SAFETY: the kernel writes no more than the length of the slice, into the slice.
        let count = unsafe {
            libc::pread(
                fd,
                target.as_mut_ptr().cast(),
                target.len(),
                offset as libc::off_t,
            )
        };
        if let Ok(count) = usize::try_from(count) {
            return Ok(count);
        }
        let error = SysError::last("pread");
        if error.errno() != Some(libc::EINTR) {
            return Err(error);
        }
    }
}

/// Reports whether the file has a byte at `offset`: false after its end, an error if the byte
/// cannot be read. Safe to call in a signal handler.
pub fn has_byte(fd: i32, offset: u64) -> Result<bool> {
    let mut byte = 0_u8;
    // SAFETY: reads at most one byte, into the local one.
    match unsafe { libc::pread(fd, (&raw mut byte).cast(), 1, offset as libc::off_t) } {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(SysError::last("pread")),
    }
}

/// Bytes that a system call writes appear in every mapping of the file at once.
pub const WRITES_ARE_COHERENT: bool = true;
