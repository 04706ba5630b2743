//! Kinds of things that a path or descriptor can name.

/// The kind of thing that a path or descriptor names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file, or a memory file.
    Regular,
    /// A directory.
    Directory,
    /// A disk or partition.
    BlockDevice,
    /// The zero device, whose mapping contains zeros.
    ZeroDevice,
    /// Any other character device, such as a terminal or a random number generator.
    CharacterDevice,
    /// A FIFO or pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A symbolic link that leads nowhere.
    SymbolicLink,
    /// A kernel object without a file, such as an eventfd, a timer or an epoll set.
    KernelObject,
    /// A file whose contents the kernel generates on each read, as in proc and sysfs.
    Virtual,
}

impl Kind {
    /// Returns the name that messages and the `kind` of an error contain.
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
