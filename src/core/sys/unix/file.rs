//! Opening files, and their status.

use std::ffi::CString;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::core::sys::error::{Result, SysError};
use crate::core::sys::file_kind::Kind;
use crate::core::sys::{Limit, OpenMode, Status};

impl Status {
    fn of(stat: &libc::stat) -> Self {
        #[allow(
            clippy::unnecessary_cast,
            reason = "the types differ between platforms"
        )]
        Self {
            kind: kind_of(stat),
            size: u64::try_from(stat.st_size).unwrap_or(0),
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
            links: stat.st_nlink as u64,
        }
    }
}

fn kind_of(stat: &libc::stat) -> Kind {
    match stat.st_mode & libc::S_IFMT {
        libc::S_IFREG => Kind::Regular,
        libc::S_IFDIR => Kind::Directory,
        libc::S_IFBLK => Kind::BlockDevice,
        libc::S_IFCHR if is_zero_device(stat) => Kind::ZeroDevice,
        libc::S_IFCHR => Kind::CharacterDevice,
        libc::S_IFIFO => Kind::Fifo,
        libc::S_IFSOCK => Kind::Socket,
        libc::S_IFLNK => Kind::SymbolicLink,
        _ => Kind::KernelObject,
    }
}

/// The zero device of Linux is character device 1, 5.
fn is_zero_device(stat: &libc::stat) -> bool {
    cfg!(target_os = "linux") && stat.st_rdev == libc::makedev(1, 5)
}

fn c_path(path: &Path) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| SysError::NullByteInPath)
}

/// Opens a file. Does not wait for the other end of a FIFO, and does not make a terminal the
/// controlling terminal. `open(2)`: <https://man7.org/linux/man-pages/man2/open.2.html>
pub fn open(path: &Path, how: OpenMode) -> Result<OwnedFd> {
    let flags = match how {
        OpenMode::Read => libc::O_RDONLY,
        OpenMode::ReadWrite => libc::O_RDWR,
        OpenMode::CreateNew => libc::O_RDWR | libc::O_CREAT | libc::O_EXCL,
        OpenMode::Create => libc::O_RDWR | libc::O_CREAT,
    };
    let flags = flags | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY;
    let path = c_path(path)?;
    loop {
        // SAFETY: the path ends in NUL; the kernel reads the mode only when it creates a file.
        let fd = unsafe { libc::open(path.as_ptr(), flags, 0o666 as libc::c_uint) };
        if fd >= 0 {
            // SAFETY: the descriptor is new, and nothing else owns it.
            return Ok(unsafe { OwnedFd::from_raw_fd(fd) });
        }
        let error = SysError::last("open");
        if error.errno() != Some(libc::EINTR) {
            return Err(error);
        }
    }
}

/// Returns the status of the file at a path without opening it. Follows symbolic links.
pub fn stat(path: &Path) -> Result<Status> {
    let path = c_path(path)?;
    // SAFETY: all-zero is a valid stat, and the call fills it.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are valid for the call.
    if unsafe { libc::stat(path.as_ptr(), &raw mut stat) } != 0 {
        return Err(SysError::last("stat"));
    }
    Ok(Status::of(&stat))
}

/// Returns the status of an open file. Safe to call in a signal handler.
pub fn fstat(fd: i32) -> Result<Status> {
    // SAFETY: all-zero is a valid stat, and the call fills it.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is valid for the call; a bad descriptor is an error.
    if unsafe { libc::fstat(fd, &raw mut stat) } != 0 {
        return Err(SysError::last("fstat"));
    }
    Ok(Status::of(&stat))
}

/// Returns the access that a descriptor allows: (reading, writing).
pub fn access_of(fd: i32) -> Result<(bool, bool)> {
    // SAFETY: fcntl returns an error for a bad descriptor.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
    if flags < 0 {
        return Err(SysError::last("fcntl"));
    }
    // An O_PATH descriptor names a file without opening it.
    #[cfg(target_os = "linux")]
    if flags & libc::O_PATH != 0 {
        return Err(SysError::new(libc::EBADF, "mmap")
            .because("the descriptor was opened with O_PATH and cannot be read"));
    }
    Ok(match flags & libc::O_ACCMODE {
        libc::O_RDONLY => (true, false),
        libc::O_WRONLY => (false, true),
        _ => (true, true),
    })
}

/// Reports whether a descriptor was opened for appending.
#[must_use]
pub fn appends(fd: i32) -> bool {
    // SAFETY: fcntl returns an error for a bad descriptor.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
    flags >= 0 && flags & libc::O_APPEND != 0
}

/// Reports whether seals on a memory file forbid writing.
#[must_use]
pub fn is_sealed_against_writing(fd: i32) -> bool {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: fcntl returns an error for a file that cannot be sealed.
        let seals = unsafe { libc::fcntl(fd, libc::F_GET_SEALS) };
        seals > 0 && seals & (libc::F_SEAL_WRITE | libc::F_SEAL_FUTURE_WRITE) != 0
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = fd;
        false
    }
}

/// Returns the kernel's name of an open descriptor, such as `anon_inode:[eventfd]`.
#[must_use]
pub fn kernel_name(fd: i32) -> Option<String> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    std::fs::read_link(format!("/proc/self/fd/{fd}"))
        .ok()
        .map(|p| p.to_string_lossy().into_owned())
}

/// Returns the limit in force, or nothing without a limit. `getrlimit(2)`.
#[must_use]
pub fn resource_limit(which: Limit) -> Option<u64> {
    let resource = match which {
        Limit::AddressSpace => libc::RLIMIT_AS,
        Limit::Data => libc::RLIMIT_DATA,
        Limit::LockedMemory => libc::RLIMIT_MEMLOCK,
        Limit::FileSize => libc::RLIMIT_FSIZE,
        Limit::OpenFiles => libc::RLIMIT_NOFILE,
    };
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the pointer is valid for the call.
    let result = unsafe { libc::getrlimit(resource, &raw mut limit) };
    #[allow(
        clippy::unnecessary_cast,
        reason = "the types differ between platforms"
    )]
    (result == 0 && limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur as u64)
}
