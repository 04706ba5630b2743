//! File systems: their kind, their free space, the size of their pages.

use super::memory::page_size;
use crate::core::sys::FileSystem;
use crate::core::sys::error::{Result, SysError};

/// Returns the size in bytes of a block device, which its status does not contain.
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

/// Returns the free bytes on the file system of an open file, or nothing where it has no limit or
/// reports none.
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
    // `statvfs` on macOS counts blocks in 32 bits, too few for a large disk.
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

/// Returns the properties of the file system of an open file. Safe to call in a signal handler.
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

/// Returns the size in bytes of the pages in which a file is mapped: huge pages on hugetlbfs.
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
    page_size()
}

/// Returns the name of the type of a file system, for messages.
#[must_use]
pub fn file_system_name(fd: i32) -> String {
    // SAFETY: all-zero is a valid statfs, and the call fills it.
    let mut fs: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is valid for the call; a bad descriptor is an error.
    if unsafe { libc::fstatfs(fd, &raw mut fs) } != 0 {
        return String::from("an unknown file system");
    }
    #[cfg(target_os = "linux")]
    {
        // From linux/magic.h.
        let name = match fs.f_type as u32 {
            0x6969 => "NFS",
            0xff53_4d42 => "CIFS",
            0xfe53_4d42 => "SMB",
            0x517b => "SMB (old)",
            0x6573_5546 => "FUSE",
            0x0102_1997 => "9P",
            0x00c3_6400 => "Ceph",
            0x0bd0_0bd0 => "Lustre",
            other => return format!("a file system of type {other:#x}"),
        };
        String::from(name)
    }
    #[cfg(not(target_os = "linux"))]
    String::from("this file system")
}
