//! Pages: size, replacement, protection, advice, readability.
//!
//! Signal handlers replace pages too, so these functions allocate nothing and take no lock. `mmap(2)`: <https://man7.org/linux/man-pages/man2/mmap.2.html>,
//! <https://developer.apple.com/library/archive/documentation/System/Conceptual/ManPages_iPhoneOS/man2/mmap.2.html>

use std::sync::atomic::{AtomicUsize, Ordering};

#[cfg(target_os = "linux")]
use super::errno::last_errno;
use crate::core::sys::error::{Result, SysError};
use crate::core::sys::{ExtraAdvice, Replacement};

/// Returns the size of a page in bytes: 4 KiB, 16 KiB or 64 KiB, depending on the kernel.
pub fn page_size() -> usize {
    // An atomic instead of a OnceLock, because the fault handler calls this function.
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

/// Returns the unit of file offsets that can be mapped: one page on Unix.
#[must_use]
pub fn allocation_granularity() -> usize {
    page_size()
}

/// Replaces the pages at `address` with `with` in one step: no other thread sees the range
/// unmapped.
///
/// Safe to call in a signal handler. On failure the old pages stay mapped.
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
    // SAFETY: the range belongs to the caller (this function's contract), so the replacement
    // affects no other owner.
    let result = unsafe { mmap(address, length, protection, flags, fd, offset) };
    if result == usize::MAX {
        Err(SysError::last("mmap"))
    } else {
        Ok(())
    }
}

/// Makes the system call directly. A C library may take a lock around it, which a signal handler
/// must not do: in musl `mmap` with `MAP_FIXED` waits for other threads.
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

/// Checks whether the file `fd` can be mapped: maps one page at offset 0 and unmaps it untouched.
/// Distinguishes an empty file from files of proc, sysfs and similar, whose size is also 0.
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
    // SAFETY: the page was just mapped, and no other code has its address.
    unsafe { libc::munmap(page, page_size()) };
    Ok(())
}

/// Makes pages readable, and writable if `writable` is true.
///
/// Safe to call in a signal handler.
///
/// # Safety
///
/// `address..address + length` must be whole pages that the caller owns.
pub unsafe fn protect_pages(address: usize, length: usize, writable: bool) -> Result<()> {
    let protection = libc::PROT_READ | if writable { libc::PROT_WRITE } else { 0 };
    // SAFETY: the caller owns the pages. Without write access a store traps, and the fault handler
    // takes care of that.
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
    /// Returns the kernel's number of this advice, where the platform has it.
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
/// A word on which no thread waits.
#[cfg(target_os = "linux")]
static UNUSED_FUTEX: u32 = 0;

/// Reports without a trap whether the page of `address` can be read. The kernel compares the first
/// word of the page before it moves zero waiting threads (`futex(2)`, `FUTEX_CMP_REQUEUE`).
/// Emulators leave this comparison to the kernel; some read the arguments of other calls
/// themselves, and crash.
///
/// Safe to call in a signal handler.
#[cfg(target_os = "linux")]
#[must_use]
pub fn is_readable(address: usize) -> bool {
    const FUTEX_CMP_REQUEUE: i32 = 4;
    let page = address & !(page_size() - 1);
    // SAFETY: the call wakes and moves no thread, whatever the word is, and only reads the word; a
    // bad address is an error.
    let result = unsafe {
        libc::syscall(
            libc::SYS_futex,
            page,
            FUTEX_CMP_REQUEUE | FUTEX_PRIVATE,
            0,
            0_usize,
            &raw const UNUSED_FUTEX,
            0,
        )
    };
    // EAGAIN means that the word was read and is not 0.
    result >= 0 || last_errno() == libc::EAGAIN
}

/// Reports without a trap whether the word at `address`, a multiple of four, is writable: the
/// kernel combines it with zero by `or` (`futex(2)`, `FUTEX_WAKE_OP`).
///
/// Safe to call in a signal handler.
#[cfg(target_os = "linux")]
#[must_use]
pub fn is_writable(address: usize) -> bool {
    const FUTEX_WAKE_OP: i32 = 5;
    const OR_WITH_0: u32 = 2 << 28;
    // SAFETY: no thread waits on the first word, and `or` with zero keeps the value of the second;
    // a bad address is an error.
    let result = unsafe {
        libc::syscall(
            libc::SYS_futex,
            &raw const UNUSED_FUTEX,
            FUTEX_WAKE_OP | FUTEX_PRIVATE,
            0,
            0_usize,
            address,
            OR_WITH_0,
        )
    };
    result >= 0
}

/// Returns false: without such a call no address is known to be writable.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn is_writable(_address: usize) -> bool {
    false
}

/// Returns false: without such a call no address is known to be readable.
#[cfg(not(target_os = "linux"))]
pub fn is_readable(_address: usize) -> bool {
    false
}

/// Frees the memory of private pages without a file. They contain zeros afterwards.
///
/// # Safety
///
/// `address..address + length` must be whole pages of memory without a file that no other code
/// uses.
pub unsafe fn free_pages(address: usize, length: usize) -> Result<()> {
    // The kernel does not free locked pages. If unlocking fails, the call below fails too.
    // SAFETY: the caller owns the pages.
    unsafe { libc::munlock(address as *const _, length) };
    #[cfg(target_os = "linux")]
    {
        // SAFETY: no code uses the contents (this function's contract).
        if unsafe { libc::madvise(address as *mut _, length, libc::MADV_DONTNEED) } != 0 {
            return Err(SysError::last("madvise"));
        }
        Ok(())
    }
    // On other systems the advice keeps the contents, and the number of mapped ranges is not
    // limited.
    #[cfg(not(target_os = "linux"))]
    // SAFETY: as the caller says.
    unsafe {
        replace_pages(address, length, Replacement::Zeros)
    }
}
