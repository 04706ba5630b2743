//! Kinds of things that a path or descriptor can name, and which of them can be mapped.
//!
//! `mmap` itself says yes to things that fault later (sockets, devices without size), so the
//! kind is asked first.

use crate::core::error::{Error, Result};

/// What a path or descriptor names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file, or a memory file.
    Regular,
    /// A directory.
    Directory,
    /// A disk.
    BlockDevice,
    /// The zero device, which maps as zeros.
    ZeroDevice,
    /// Any other character device: a terminal, random numbers, …
    CharacterDevice,
    /// A FIFO or pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A symbolic link that could not be followed.
    SymbolicLink,
    /// An object of the kernel without a file: an eventfd, a timer, an epoll set, …
    KernelObject,
    /// A file whose contents the kernel makes up on each read: proc, sysfs, …
    Virtual,
}

impl Kind {
    /// The name used in messages and as the `kind` of an error.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Regular => "regular file",
            Self::Directory => "directory",
            Self::BlockDevice => "block device",
            Self::ZeroDevice => "zero device",
            Self::CharacterDevice => "character device",
            Self::Fifo => "pipe",
            Self::Socket => "socket",
            Self::SymbolicLink => "symbolic link",
            Self::KernelObject => "kernel object",
            Self::Virtual => "virtual file",
        }
    }

    /// Refuses what can't be mapped. Devices have no size of their own to trust, so they are
    /// mapped only when the length is given.
    pub fn check(self, length_is_given: bool, described: Option<&str>) -> Result<()> {
        let remedy = match self {
            Self::Regular => return Ok(()),
            Self::BlockDevice | Self::ZeroDevice if length_is_given => return Ok(()),
            Self::BlockDevice | Self::ZeroDevice => {
                "give the option 'length' to say that you mean to map a device"
            }
            Self::Directory => "name a file in it",
            Self::Virtual => "its contents are made up on each read: read it with fs instead",
            Self::Fifo | Self::Socket => "its bytes pass by once: read them with a stream",
            Self::CharacterDevice => "it has no contents to map: read it with fs instead",
            Self::SymbolicLink | Self::KernelObject => "only files can be mapped",
        };
        let name = self.name();
        let detail = described.map(|d| format!(" ({d})")).unwrap_or_default();
        let message = format!("A {name}{detail} can't be mapped: {remedy}");
        Err(Error::not_mappable(name, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_and_devices_of_given_length_pass() {
        assert!(Kind::Regular.check(false, None).is_ok());
        assert!(Kind::ZeroDevice.check(false, None).is_err());
        assert!(Kind::ZeroDevice.check(true, None).is_ok());
        assert!(Kind::BlockDevice.check(true, None).is_ok());
        for kind in [
            Kind::Directory,
            Kind::Fifo,
            Kind::Socket,
            Kind::Virtual,
            Kind::KernelObject,
        ] {
            let error = kind.check(true, Some("x")).unwrap_err().to_string();
            assert!(
                error.contains(kind.name()) && error.contains("(x)"),
                "{error}"
            );
        }
    }
}
