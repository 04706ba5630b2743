//! Pages: how they are replaced, protected, advised and brought in.
//!
//! Replacing happens in signal handlers too, so these functions allocate nothing and take no
//! lock. `mmap(2)`: <https://man7.org/linux/man-pages/man2/mmap.2.html>,
//! <https://developer.apple.com/library/archive/documentation/System/Conceptual/ManPages_iPhoneOS/man2/mmap.2.html>

use std::sync::atomic::{AtomicUsize, Ordering};

#[cfg(target_os = "linux")]
use super::errno::last_errno;
use crate::core::sys::error::{Result, SysError};
use crate::core::sys::{ExtraAdvice, Replacement};

/// The size of a page in bytes. Never assumed: 4 KiB, 16 KiB and 64 KiB all occur.
pub fn page_size() -> usize {
    // An atomic and not a OnceLock, because the fault handler asks too.
    static SIZE: AtomicUsize = AtomicUsize::new(0);
    let known = SIZE.load(Ordering::Relaxed);
    if known != 0 {
        return known;
    }
    // SAFETY: sysconf has no preconditions.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    let size = usize::try_from(size).unwrap_or(4096);
    SIZE.store(size, Ordering::Relaxed);
    size
}

/// The unit of file offsets for the system's own call; the same as a page on Unix.
#[must_use]
pub fn allocation_granularity() -> usize {
    page_size()
}

/// Puts `with` in the place of the pages at `address`, in one step: no other thread ever sees
/// the range unmapped.
///
/// Safe to call in a signal handler. On failure the old pages are still there.
///
/// # Safety
///
/// `address..address + length` must be whole pages of address space that the caller owns.
pub unsafe fn replace_pages(address: usize, length: usize, with: Replacement) -> Result<()> {
    const BOTH: i32 = libc::PROT_READ | libc::PROT_WRITE;
    const NO_FILE: i32 = libc::MAP_PRIVATE | libc::MAP_ANON;
    let (protection, flags, fd, offset) = match with {
        Replacement::Nothing => (libc::PROT_NONE, NO_FILE, -1, 0),
        Replacement::Zeros => (BOTH, NO_FILE, -1, 0),
        Replacement::PrivateFile { fd, offset } => (BOTH, libc::MAP_PRIVATE, fd, offset),
        Replacement::SharedFile {
            fd,
            offset,
            writable,
        } => {
            let protection = if writable { BOTH } else { libc::PROT_READ };
            (protection, libc::MAP_SHARED, fd, offset)
        }
    };
    let flags = flags | libc::MAP_FIXED | libc::MAP_NORESERVE;
    // SAFETY: the range belongs to the caller (this function's contract), so replacing what is
    // mapped there takes nothing from anybody else.
    let result = unsafe { mmap(address, length, protection, flags, fd, offset) };
    if result == usize::MAX {
        Err(SysError::last("mmap"))
    } else {
        Ok(())
    }
}

/// The system call itself where that is possible: a C library may take a lock around it (musl
/// waits for others in `mmap` with `MAP_FIXED`), which a signal handler must not.
#[cfg(target_os = "linux")]
unsafe fn mmap(
    address: usize,
    length: usize,
    protection: i32,
    flags: i32,
    fd: i32,
    offset: u64,
) -> usize {
    // SAFETY: the caller answers for the range; the arguments have the types of the system call.
    unsafe {
        libc::syscall(
            libc::SYS_mmap,
            address,
            length,
            protection,
            flags,
            fd,
            offset,
        ) as usize
    }
}

#[cfg(not(target_os = "linux"))]
unsafe fn mmap(
    address: usize,
    length: usize,
    protection: i32,
    flags: i32,
    fd: i32,
    offset: u64,
) -> usize {
    // SAFETY: the caller answers for the range.
    unsafe {
        libc::mmap(
            address as *mut _,
            length,
            protection,
            flags,
            fd,
            offset as libc::off_t,
        ) as usize
    }
}

/// Whether the file `fd` can be mapped at all: asks for one page at offset 0 and gives it back
/// untouched. Tells an empty file from the files of proc, sysfs and their like, whose size is 0
/// too.
pub fn probe_mappable(fd: i32) -> Result<()> {
    // SAFETY: a new mapping at an address of the kernel's choice disturbs nothing.
    let page = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            page_size(),
            libc::PROT_READ,
            libc::MAP_PRIVATE,
            fd,
            0,
        )
    };
    if page == libc::MAP_FAILED {
        return Err(SysError::last("mmap"));
    }
    // SAFETY: the page was mapped just now and nobody else knows it.
    unsafe { libc::munmap(page, page_size()) };
    Ok(())
}

/// Makes pages readable, and writable or not.
///
/// Safe to call in a signal handler.
///
/// # Safety
///
/// `address..address + length` must be whole pages that the caller owns.
pub unsafe fn protect_pages(address: usize, length: usize, writable: bool) -> Result<()> {
    let protection = libc::PROT_READ | if writable { libc::PROT_WRITE } else { 0 };
    // SAFETY: the caller owns the pages; revoking write access can at worst make a store trap,
    // which the fault guard answers.
    let result = unsafe { libc::mprotect(address as *mut _, length, protection) };
    if result == 0 {
        Ok(())
    } else {
        Err(SysError::last("mprotect"))
    }
}

/// `MADV_COLLAPSE` of Linux 6.1, which musl's headers lack.
#[cfg(target_os = "linux")]
const MADV_COLLAPSE: i32 = 25;

impl ExtraAdvice {
    /// The kernel's number, where the platform has this advice.
    #[must_use]
    pub fn number(self) -> Option<i32> {
        #[cfg(target_os = "linux")]
        return Some(match self {
            Self::Cold => libc::MADV_COLD,
            Self::Pageout => libc::MADV_PAGEOUT,
            Self::Collapse => MADV_COLLAPSE,
            Self::WipeOnFork => libc::MADV_WIPEONFORK,
            Self::KeepOnFork => libc::MADV_KEEPONFORK,
        });
        #[cfg(not(target_os = "linux"))]
        None
    }
}

/// Gives advice that memmap2 does not know.
/// `madvise(2)`: <https://man7.org/linux/man-pages/man2/madvise.2.html>
///
/// # Safety
///
/// `address..address + length` must be whole pages that the caller owns.
pub unsafe fn advise_pages(address: usize, length: usize, number: i32) -> Result<()> {
    // SAFETY: the caller owns the pages, and no ExtraAdvice changes what they contain.
    let result = unsafe { libc::madvise(address as *mut _, length, number) };
    if result == 0 {
        Ok(())
    } else {
        Err(SysError::last("madvise"))
    }
}

#[cfg(target_os = "linux")]
const FUTEX_PRIVATE: i32 = 128;
/// A word on which nobody ever waits.
#[cfg(target_os = "linux")]
static NOBODY_WAITS: u32 = 0;

/// Whether the page of `address` can be read, found out without a trap: the kernel is asked to look
/// at its first word before it moves none of those who wait there (`futex(2)`,
/// `FUTEX_CMP_REQUEUE`). Emulators leave that look to the kernel; at what other calls are given some
/// look themselves, and die of it.
///
/// Safe to call in a signal handler.
#[cfg(target_os = "linux")]
#[must_use]
pub fn is_readable(address: usize) -> bool {
    const FUTEX_CMP_REQUEUE: i32 = 4;
    let page = address & !(page_size() - 1);
    // SAFETY: nobody is woken and nobody is moved, whatever the word is, which is only read; a bad
    // address is an error.
    let result = unsafe {
        libc::syscall(
            libc::SYS_futex,
            page,
            FUTEX_CMP_REQUEUE | FUTEX_PRIVATE,
            0,
            0_usize,
            &raw const NOBODY_WAITS,
            0,
        )
    };
    // The word may be another one than 0.
    result >= 0 || last_errno() == libc::EAGAIN
}

/// Whether the word at `address`, a multiple of four, can be stored into, found out without a
/// trap: the kernel is asked to `or` it with zero (`futex(2)`, `FUTEX_WAKE_OP`).
///
/// Safe to call in a signal handler.
#[cfg(target_os = "linux")]
#[must_use]
pub fn is_writable(address: usize) -> bool {
    const FUTEX_WAKE_OP: i32 = 5;
    const OR_WITH_0: u32 = 2 << 28;
    // SAFETY: nobody waits on the first word, and a word that is or-ed with zero keeps its value;
    // a bad address is an error.
    let result = unsafe {
        libc::syscall(
            libc::SYS_futex,
            &raw const NOBODY_WAITS,
            FUTEX_WAKE_OP | FUTEX_PRIVATE,
            0,
            0_usize,
            address,
            OR_WITH_0,
        )
    };
    result >= 0
}

/// Where there is no such call, nothing is known to be writable.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn is_writable(_address: usize) -> bool {
    false
}

/// Where there is no such call, nothing is known to be readable.
#[cfg(not(target_os = "linux"))]
pub fn is_readable(_address: usize) -> bool {
    false
}

/// Frees the memory behind private pages without a file. They are zeros from then on.
///
/// # Safety
///
/// `address..address + length` must be whole pages of memory without a file, that nobody else
/// knows of.
pub unsafe fn free_pages(address: usize, length: usize) -> Result<()> {
    // Pages that are locked in memory are not given up. Failing to unlock shows below.
    // SAFETY: the caller owns the pages.
    unsafe { libc::munlock(address as *const _, length) };
    #[cfg(target_os = "linux")]
    {
        // SAFETY: nobody misses the contents.
        if unsafe { libc::madvise(address as *mut _, length, libc::MADV_DONTNEED) } != 0 {
            return Err(SysError::last("madvise"));
        }
        Ok(())
    }
    // Elsewhere the advice leaves the contents as they are, and pieces are not counted.
    #[cfg(not(target_os = "linux"))]
    // SAFETY: as the caller says.
    unsafe {
        replace_pages(address, length, Replacement::Zeros)
    }
}
