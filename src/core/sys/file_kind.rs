//! Kinds of things that a path or descriptor can name.

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
}
