//! What the seam is made of, the same on every system.

use crate::core::sys::file_kind::Kind;

/// The number of an open file: a descriptor, or a handle of Windows, which as a number can be kept
/// in an atomic and given to other threads.
#[cfg(unix)]
pub type RawHandle = std::os::fd::RawFd;
/// The number of an open file: a descriptor, or a handle of Windows, which as a number can be kept
/// in an atomic and given to other threads.
#[cfg(windows)]
pub type RawHandle = isize;

/// How the pages of a region may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageAccess {
    /// Loads only; a store is a fault.
    ReadOnly,
    /// Loads and stores; stores stay private.
    CopyOnWrite,
    /// Loads and stores; stores reach the file.
    Shared,
}

/// What to map of a file, and how.
#[derive(Debug, Clone, Copy)]
pub struct MapRequest {
    /// The file.
    pub handle: RawHandle,
    /// The offset in the file, in bytes; a multiple of the allocation granularity.
    pub offset: u64,
    /// The bytes that the file has from `offset` on.
    pub length: usize,
    /// The bytes of address space to reserve; `length` counts where that is more.
    pub reserve: usize,
    /// How the pages may be used.
    pub access: PageAccess,
    /// Map private pages without reserving swap for them (`MAP_NORESERVE`).
    pub no_reserve: bool,
}

/// What `fstat(2)` says, as far as mapping cares.
#[derive(Debug, Clone, Copy)]
pub struct Status {
    /// What kind of thing it is.
    pub kind: Kind,
    /// Its size in bytes; 0 for what has none.
    pub size: u64,
    /// The file system.
    pub device: u64,
    /// The file in it.
    pub inode: u64,
    /// How many names it has.
    pub links: u64,
}

/// How to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// For reading; it must exist.
    Read,
    /// For reading and writing; it must exist.
    ReadWrite,
    /// For reading and writing; it must not exist.
    CreateNew,
    /// For reading and writing; created if it doesn't exist.
    Create,
}

/// What a file system is, as far as mapping cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileSystem {
    /// Its contents are made up by the kernel: proc, sysfs and their like.
    pub is_virtual: bool,
    /// Its contents live in memory only: flushing can't make them durable.
    pub is_volatile: bool,
    /// No block is free for this user.
    pub is_full: bool,
    /// It shows the files of others, layer over layer: overlayfs.
    pub is_layered: bool,
}

/// Limits that the process runs under.
#[derive(Debug, Clone, Copy)]
pub enum Limit {
    /// `RLIMIT_AS`: bytes of address space.
    AddressSpace,
    /// `RLIMIT_DATA`: bytes of private writable memory.
    Data,
    /// `RLIMIT_MEMLOCK`: bytes that are locked in memory.
    LockedMemory,
    /// `RLIMIT_FSIZE`: bytes of a file that it makes longer.
    FileSize,
    /// `RLIMIT_NOFILE`: open descriptors.
    OpenFiles,
}

/// What takes the place of pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replacement {
    /// An inaccessible reservation: the kernel answers EFAULT, a load or store traps.
    Nothing,
    /// Private zeros that can be read and written.
    Zeros,
    /// A private copy-on-write mapping of the file at `offset`.
    PrivateFile {
        /// The file.
        fd: RawHandle,
        /// Where in the file, a multiple of the page size.
        offset: u64,
    },
    /// A shared mapping of the file at `offset`.
    SharedFile {
        /// The file.
        fd: RawHandle,
        /// Where in the file, a multiple of the page size.
        offset: u64,
        /// Whether it can be stored into.
        writable: bool,
    },
}

/// Advice that memmap2 does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtraAdvice {
    /// Not needed soon: deactivate.
    Cold,
    /// Not needed soon: write out and reclaim now.
    Pageout,
    /// Collapse into huge pages now.
    Collapse,
    /// Zeros in a child after fork.
    WipeOnFork,
    /// Undo `WipeOnFork`.
    KeepOnFork,
}

/// What kind of access trapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trap {
    /// The page exists for the process, but the system can't deliver its contents.
    Undeliverable,
    /// The access goes against the protection of the page.
    Forbidden,
    /// The platform does not tell the two apart.
    Unclear,
}

/// What core makes of a trap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultAction {
    /// The page was replaced: the instruction is to be tried again.
    Retry,
    /// Not one of our addresses: as if we weren't there.
    PassOn,
    /// The user wants the process to end: the default action, now.
    Terminate,
}

/// How far towards the medium written bytes were sent. What is further compares as greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    /// The drive has them, maybe in a cache that a loss of power empties.
    Drive,
    /// The same, and the drive will write nothing later before them.
    Barrier,
    /// The medium.
    Media,
}

/// What populating is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Populate {
    /// Loads: no byte changes, and no page becomes dirty.
    ForReading,
    /// Stores: private pages get memory of their own, shared ones become dirty.
    ForWriting,
}

/// What the page cache has of a part of a file, in pages of the system's size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(C)]
pub struct CacheCounts {
    /// Pages that are there.
    pub cached: u64,
    /// Pages that must be written to the disk before they can go.
    pub dirty: u64,
    /// Pages that are being written.
    pub writeback: u64,
    /// Pages that were there and are not any more.
    pub evicted: u64,
    /// Those of them that the system would like to have kept.
    pub recently_evicted: u64,
}

/// What a lock lets others do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LockMode {
    /// Others may have shared locks.
    Shared,
    /// Others may have no lock.
    Exclusive,
}

impl LockMode {
    /// Whether locks of these modes can't be on the same bytes at a time.
    #[must_use]
    pub fn excludes(self, other: Self) -> bool {
        self == Self::Exclusive || other == Self::Exclusive
    }
}

/// What a descriptor is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Access {
    /// Shared locks need it.
    pub reads: bool,
    /// Exclusive locks need it.
    pub writes: bool,
}

impl Access {
    /// Both.
    pub const FULL: Self = Self {
        reads: true,
        writes: true,
    };
}
