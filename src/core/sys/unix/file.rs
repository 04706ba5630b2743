//! Files: what they are, how large, how they grow.

use std::ffi::CString;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::core::sys::error::{Result, SysError};
use crate::core::sys::file_kind::Kind;
use crate::core::sys::{FileSystem, Limit, OpenHow, Status};

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

/// Opens a file. Never waits for the other end of a FIFO, and never becomes the controlling
/// terminal. `open(2)`: <https://man7.org/linux/man-pages/man2/open.2.html>
pub fn open(path: &Path, how: OpenHow) -> Result<OwnedFd> {
    let flags = match how {
        OpenHow::Read => libc::O_RDONLY,
        OpenHow::ReadWrite => libc::O_RDWR,
        OpenHow::CreateNew => libc::O_RDWR | libc::O_CREAT | libc::O_EXCL,
        OpenHow::Create => libc::O_RDWR | libc::O_CREAT,
    };
    let flags = flags | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY;
    let path = c_path(path)?;
    loop {
        // SAFETY: the path ends in NUL; the mode is only read when a file is created.
        let fd = unsafe { libc::open(path.as_ptr(), flags, 0o666 as libc::c_uint) };
        if fd >= 0 {
            // SAFETY: the descriptor is new and ours alone.
            return Ok(unsafe { OwnedFd::from_raw_fd(fd) });
        }
        let error = SysError::last("open");
        if error.errno() != Some(libc::EINTR) {
            return Err(error);
        }
    }
}

/// Duplicates a descriptor of somebody else, close-on-exec.
pub fn duplicate(fd: i32) -> Result<OwnedFd> {
    // SAFETY: fcntl answers a bad descriptor with an error.
    let copy = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) };
    if copy < 0 {
        // `fs` says fstat for a bad descriptor handed to it; dup is what we did.
        return Err(SysError::last("dup"));
    }
    // SAFETY: the descriptor is new and ours alone.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Looks at a path without opening it, following symbolic links.
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

/// Looks at an open file. Safe to call in a signal handler.
pub fn fstat(fd: i32) -> Result<Status> {
    // SAFETY: all-zero is a valid stat, and the call fills it.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is valid for the call; a bad descriptor is an error.
    if unsafe { libc::fstat(fd, &raw mut stat) } != 0 {
        return Err(SysError::last("fstat"));
    }
    Ok(Status::of(&stat))
}

/// What a descriptor may be used for: (reading, writing).
pub fn access_of(fd: i32) -> Result<(bool, bool)> {
    // SAFETY: fcntl answers a bad descriptor with an error.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
    if flags < 0 {
        return Err(SysError::last("fcntl"));
    }
    // An O_PATH descriptor names a file without opening it.
    #[cfg(target_os = "linux")]
    if flags & libc::O_PATH != 0 {
        return Err(SysError::new(libc::EBADF, "mmap")
            .because("the descriptor was opened with O_PATH, which can't be read"));
    }
    Ok(match flags & libc::O_ACCMODE {
        libc::O_RDONLY => (true, false),
        libc::O_WRONLY => (false, true),
        _ => (true, true),
    })
}

/// Whether a descriptor was opened for appending.
#[must_use]
pub fn appends(fd: i32) -> bool {
    // SAFETY: fcntl answers a bad descriptor with an error.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
    flags >= 0 && flags & libc::O_APPEND != 0
}

/// The size in bytes of a block device, which has none in its status.
pub fn device_size(fd: i32) -> Result<u64> {
    #[cfg(target_os = "linux")]
    {
        const BLKGETSIZE64: libc::Ioctl = 0x8008_1272_u64 as libc::Ioctl;
        let mut size = 0_u64;
        // SAFETY: BLKGETSIZE64 writes one 64-bit number.
        if unsafe { libc::ioctl(fd, BLKGETSIZE64, &raw mut size) } != 0 {
            return Err(SysError::last("ioctl"));
        }
        Ok(size)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = fd;
        Err(SysError::Unsupported(
            "The size of a block device is known on Linux only",
        ))
    }
}

/// How many bytes of the disk an open file has; nothing where that is not known.
#[must_use]
pub fn allocated(fd: i32) -> u64 {
    // SAFETY: all-zero is a valid stat, and the call fills it.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is valid for the call; a bad descriptor is an error.
    if unsafe { libc::fstat(fd, &raw mut stat) } != 0 {
        return 0;
    }
    // Of 512 bytes each, whatever the blocks of the file system are.
    (stat.st_blocks as u64).saturating_mul(512)
}

/// How many bytes are free on the file system of an open file; nothing where it has no limit or
/// does not tell.
#[must_use]
pub fn free_space(fd: i32) -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: all-zero is a valid statvfs, and the call fills it.
        let mut fs: libc::statvfs = unsafe { std::mem::zeroed() };
        // SAFETY: the pointer is valid for the call; a bad descriptor is an error.
        if unsafe { libc::fstatvfs(fd, &raw mut fs) } != 0 || fs.f_blocks == 0 {
            return None;
        }
        #[allow(
            clippy::unnecessary_cast,
            reason = "the types differ between platforms"
        )]
        Some((fs.f_bfree as u64).saturating_mul(fs.f_frsize as u64))
    }
    // `statvfs` of macOS counts blocks in 32 bits, which a large disk has more of.
    #[cfg(not(target_os = "linux"))]
    {
        // SAFETY: all-zero is a valid statfs, and the call fills it.
        let mut fs: libc::statfs = unsafe { std::mem::zeroed() };
        // SAFETY: the pointer is valid for the call; a bad descriptor is an error.
        if unsafe { libc::fstatfs(fd, &raw mut fs) } != 0 || fs.f_blocks == 0 {
            return None;
        }
        Some(fs.f_bfree.saturating_mul(u64::from(fs.f_bsize)))
    }
}

/// Looks at the file system of an open file. Safe to call in a signal handler.
/// `statfs(2)`: <https://man7.org/linux/man-pages/man2/statfs.2.html>
pub fn file_system(fd: i32) -> Result<FileSystem> {
    // SAFETY: all-zero is a valid statfs, and the call fills it.
    let mut fs: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is valid for the call; a bad descriptor is an error.
    if unsafe { libc::fstatfs(fd, &raw mut fs) } != 0 {
        return Err(SysError::last("fstatfs"));
    }
    #[cfg(target_os = "linux")]
    {
        // From linux/magic.h: proc, sysfs, debugfs, tracefs, securityfs, cgroup, cgroup2, configfs,
        // nsfs, pidfs, efivarfs, bpf, selinuxfs, anonymous inodes.
        const VIRTUAL: [u32; 14] = [
            0x9fa0,
            0x6265_6572,
            0x6462_6720,
            0x7472_6163,
            0x7363_6673,
            0x0027_e0eb,
            0x6367_7270,
            0x6265_6570,
            0x6e73_6673,
            0x5049_4446,
            0xde5e_81e4,
            0xcafe_4a11,
            0xf97c_ff8c,
            0x0904_1934,
        ];
        // tmpfs (memfd too), ramfs, hugetlbfs, secret memory.
        const VOLATILE: [u32; 4] = [0x0102_1994, 0x8584_58f6, 0x9584_58f6, 0x5345_434d];
        const OVERLAYFS: u32 = 0x794c_7630;
        let magic = fs.f_type as u32;
        Ok(FileSystem {
            is_virtual: VIRTUAL.contains(&magic),
            is_volatile: VOLATILE.contains(&magic),
            // A tmpfs without a limit reports no blocks at all.
            is_full: fs.f_blocks != 0 && fs.f_bavail == 0,
            is_layered: magic == OVERLAYFS,
        })
    }
    #[cfg(not(target_os = "linux"))]
    Ok(FileSystem {
        is_virtual: false,
        is_volatile: false,
        is_full: fs.f_bavail == 0,
        is_layered: false,
    })
}

/// The size in bytes of the pages in which a file is mapped: huge ones on hugetlbfs.
#[must_use]
pub fn file_page_size(fd: i32) -> usize {
    #[cfg(target_os = "linux")]
    {
        const HUGETLBFS: u32 = 0x9584_58f6;
        // SAFETY: all-zero is a valid statfs, and the call fills it.
        let mut fs: libc::statfs = unsafe { std::mem::zeroed() };
        // SAFETY: the pointer is valid for the call; a bad descriptor is an error.
        let result = unsafe { libc::fstatfs(fd, &raw mut fs) };
        if result == 0 && fs.f_type as u32 == HUGETLBFS {
            return fs.f_bsize as usize;
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = fd;
    super::page_size()
}

/// Makes `0..length` of a file zeros, on the blocks that it has. Answers `EOPNOTSUPP` where the
/// file system can't.
pub fn zero(fd: i32, length: u64) -> Result<()> {
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

/// Writes all of `source..source + length` at `offset`. `pwrite(2)`.
///
/// # Safety
///
/// The source must be readable memory, or address space that nobody else uses: the kernel answers
/// what it can't read with `EFAULT`.
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
        // Nothing written without an error would go on for ever.
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

/// Reads bytes at a place of a file: as many as there are at once. Never takes anything out of a
/// pipe or a terminal: what has no places answers with an error.
/// `pread(2)`: <https://man7.org/linux/man-pages/man2/pread.2.html>
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

/// Whether the file has a byte at `offset`: false behind its end, an error where it can't be read.
/// Safe to call in a signal handler.
pub fn has_byte(fd: i32, offset: u64) -> Result<bool> {
    let mut byte = 0_u8;
    // SAFETY: reads at most one byte, into the local one.
    match unsafe { libc::pread(fd, (&raw mut byte).cast(), 1, offset as libc::off_t) } {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(SysError::last("pread")),
    }
}

/// Why a memory file refuses writers, if it does.
#[must_use]
pub fn is_sealed_against_writing(fd: i32) -> bool {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: fcntl answers a file that can't be sealed with an error.
        let seals = unsafe { libc::fcntl(fd, libc::F_GET_SEALS) };
        seals > 0 && seals & (libc::F_SEAL_WRITE | libc::F_SEAL_FUTURE_WRITE) != 0
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = fd;
        false
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

/// The name that the kernel has for an open descriptor, such as `anon_inode:[eventfd]`.
#[must_use]
pub fn describe(fd: i32) -> Option<String> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    std::fs::read_link(format!("/proc/self/fd/{fd}"))
        .ok()
        .map(|p| p.to_string_lossy().into_owned())
}

/// The limit in force, if there is one. `getrlimit(2)`.
#[must_use]
pub fn limit(which: Limit) -> Option<u64> {
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

/// Bytes written by a call are seen in every mapping of the file at once.
pub const WRITES_ARE_SEEN: bool = true;
