//! The size of a file and the disk blocks under it.

#[cfg(target_vendor = "apple")]
use super::file::fstat;
use crate::core::sys::error::{Result, SysError};

/// Returns how many bytes on the disk an open file occupies, or 0 where that is unknown.
#[must_use]
pub fn allocated_bytes(fd: i32) -> u64 {
    // SAFETY: all-zero is a valid stat, and the call fills it.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is valid for the call; a bad descriptor is an error.
    if unsafe { libc::fstat(fd, &raw mut stat) } != 0 {
        return 0;
    }
    // This count is in units of 512 bytes, whatever the block size of the file system.
    (stat.st_blocks as u64).saturating_mul(512)
}

/// Sets `0..length` of a file to zeros and keeps its blocks. Fails with `EOPNOTSUPP` where the file
/// system does not support this.
pub fn zero_start(fd: i32, length: u64) -> Result<()> {
    #[cfg(target_os = "linux")]
    {
        let mode = libc::FALLOC_FL_ZERO_RANGE | libc::FALLOC_FL_KEEP_SIZE;
        // SAFETY: fallocate answers bad arguments with an error.
        let result = unsafe { libc::fallocate(fd, mode, 0, length as libc::off_t) };
        if result == 0 {
            Ok(())
        } else {
            Err(SysError::last("fallocate"))
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (fd, length);
        Err(SysError::new(libc::EOPNOTSUPP, "fallocate"))
    }
}

/// Allocates a block for a page within the size of the file, which shows whether a block is free.
/// Safe to call in a signal handler.
pub fn allocate_page(fd: i32, offset: u64, length: usize) -> Result<()> {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: fallocate answers bad arguments with an error.
        let result = unsafe {
            libc::syscall(
                libc::SYS_fallocate,
                fd,
                libc::FALLOC_FL_KEEP_SIZE,
                offset,
                length,
            )
        };
        if result == 0 {
            Ok(())
        } else {
            Err(SysError::last("fallocate"))
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (fd, offset, length);
        Err(SysError::new(libc::EOPNOTSUPP, "fallocate"))
    }
}

/// Sets the size of the file to `size` bytes without allocating blocks.
pub fn truncate(fd: i32, size: u64) -> Result<()> {
    loop {
        // SAFETY: ftruncate answers a bad descriptor or size with an error.
        if unsafe { libc::ftruncate(fd, size as libc::off_t) } == 0 {
            return Ok(());
        }
        let error = SysError::last("ftruncate");
        if error.errno() != Some(libc::EINTR) {
            return Err(error);
        }
    }
}

/// Allocates blocks for `offset..offset + length` and makes the file at least that long.
/// Fails with `EOPNOTSUPP` where the file system does not support this.
/// `fallocate(2)`: <https://man7.org/linux/man-pages/man2/fallocate.2.html>
pub fn allocate(fd: i32, offset: u64, length: u64) -> Result<()> {
    #[cfg(target_os = "linux")]
    loop {
        // SAFETY: fallocate answers bad arguments with an error.
        let result =
            unsafe { libc::fallocate(fd, 0, offset as libc::off_t, length as libc::off_t) };
        if result == 0 {
            return Ok(());
        }
        let error = SysError::last("fallocate");
        if error.errno() != Some(libc::EINTR) {
            return Err(error);
        }
    }
    #[cfg(target_vendor = "apple")]
    {
        // The request covers only the bytes after the end of the file.
        let size = fstat(fd)?.size;
        let Some(length) = (offset + length).checked_sub(size).filter(|&rest| rest > 0) else {
            return Ok(());
        };
        let mut request = libc::fstore_t {
            fst_flags: libc::F_ALLOCATEALL,
            fst_posmode: libc::F_PEOFPOSMODE,
            fst_offset: 0,
            fst_length: length as libc::off_t,
            fst_bytesalloc: 0,
        };
        // SAFETY: F_PREALLOCATE reads and writes one fstore_t.
        if unsafe { libc::fcntl(fd, libc::F_PREALLOCATE, &raw mut request) } != 0 {
            let error = SysError::last("fcntl");
            if error.errno() == Some(libc::ENOTSUP) {
                return Err(SysError::new(libc::EOPNOTSUPP, "fcntl"));
            }
            return Err(error);
        }
        truncate(fd, size + length)
    }
}
