//! The size of a file and the disk blocks under it.

#[cfg(target_vendor = "apple")]
use super::file::fstat;
use crate::core::sys::error::{Result, SysError};

/// How many bytes of the disk an open file has; nothing where that is not known.
#[must_use]
pub fn allocated_bytes(fd: i32) -> u64 {
    // SAFETY: all-zero is a valid stat, and the call fills it.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is valid for the call; a bad descriptor is an error.
    if unsafe { libc::fstat(fd, &raw mut stat) } != 0 {
        return 0;
    }
    // Of 512 bytes each, whatever the blocks of the file system are.
    (stat.st_blocks as u64).saturating_mul(512)
}

/// Makes `0..length` of a file zeros, on the blocks that it has. Answers `EOPNOTSUPP` where the
/// file system can't.
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

/// Whether a block can be had for a page of the file that lies within its size: asks for one.
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

/// Makes the file `size` bytes long, without allocating.
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
/// Answers `EOPNOTSUPP` where the file system can't.
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
        // Only what is added can be asked for.
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
