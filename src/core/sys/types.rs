//! The types of this layer, the same on every system.

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
    /// Loads only; a store causes a fault.
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

/// The part of the result of `fstat(2)` that mapping needs.
#[derive(Debug, Clone, Copy)]
pub struct Status {
    /// The kind of thing.
    pub kind: Kind,
    /// The size in bytes; 0 for a thing without a size.
    pub size: u64,
    /// The number of the file system.
    pub device: u64,
    /// The number of the file in the file system.
    pub inode: u64,
    /// The number of names (hard links).
    pub links: u64,
}

/// The way to open a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// For reading; the file must exist.
    Read,
    /// For reading and writing; the file must exist.
    ReadWrite,
    /// For reading and writing; the file must not exist.
    CreateNew,
    /// For reading and writing; the file is created if it does not exist.
    Create,
}

/// The properties of a file system that mapping needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileSystem {
    /// The kernel generates the contents: proc, sysfs and similar.
    pub is_virtual: bool,
    /// The contents live in memory only, so flushing cannot make them durable.
    pub is_volatile: bool,
    /// This user can allocate no block.
    pub is_full: bool,
    /// The file system shows files of other file systems in layers: overlayfs.
    pub is_layered: bool,
}

/// The resource limits of a process.
#[derive(Debug, Clone, Copy)]
pub enum Limit {
    /// `RLIMIT_AS`: bytes of address space.
    AddressSpace,
    /// `RLIMIT_DATA`: bytes of private writable memory.
    Data,
    /// `RLIMIT_MEMLOCK`: bytes locked in memory.
    LockedMemory,
    /// `RLIMIT_FSIZE`: bytes to which the process can extend a file.
    FileSize,
    /// `RLIMIT_NOFILE`: open descriptors.
    OpenFiles,
}

/// The replacement of pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replacement {
    /// An inaccessible reservation: system calls fail with `EFAULT`, and a load or store traps.
    Nothing,
    /// Private zeros, readable and writable.
    Zeros,
    /// A private copy-on-write mapping of the file at `offset`.
    PrivateFile {
        /// The file.
        fd: RawHandle,
        /// The offset in the file, a multiple of the page size.
        offset: u64,
    },
    /// A shared mapping of the file at `offset`.
    SharedFile {
        /// The file.
        fd: RawHandle,
        /// The offset in the file, a multiple of the page size.
        offset: u64,
        /// Whether stores are allowed.
        writable: bool,
    },
}

/// Advice that memmap2 does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtraAdvice {
    /// Not needed soon: deactivate.
    Cold,
    /// Not needed soon: write to swap or file, and reclaim now.
    Pageout,
    /// Collapse into huge pages now.
    Collapse,
    /// Zeros in a child process after fork.
    WipeOnFork,
    /// Undoes `WipeOnFork`.
    KeepOnFork,
}

/// The reason why an access trapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trap {
    /// The page is mapped, but the system cannot deliver its contents.
    Undeliverable,
    /// The protection of the page forbids the access.
    Forbidden,
    /// The platform does not distinguish the two.
    Unclear,
}

/// The action after a trap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultAction {
    /// The page was replaced: run the instruction again.
    Retry,
    /// The address is outside this library's regions: pass the trap to the previous handler.
    PassOn,
    /// The user asked for the default action: end the process now.
    Terminate,
}

/// The stage that written bytes have reached on the way to the medium. A later stage is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    /// The drive, perhaps only its cache, which a power loss empties.
    Drive,
    /// The drive, which writes them before anything sent later.
    Barrier,
    /// The medium.
    Media,
}

/// The kind of access that populating prepares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Populate {
    /// Loads: no byte changes and no page becomes dirty.
    ForReading,
    /// Stores: private pages get their own memory, shared pages become dirty.
    ForWriting,
}

/// The state of a range of a file in the page cache, in pages of the system's size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(C)]
pub struct CacheCounts {
    /// Pages in the cache.
    pub cached: u64,
    /// Pages that must be written to the disk before they can be evicted.
    pub dirty: u64,
    /// Pages that are being written to the disk.
    pub writeback: u64,
    /// Pages that were evicted.
    pub evicted: u64,
    /// Evicted pages that the system would have kept with more memory.
    pub recently_evicted: u64,
}

/// The mode of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LockMode {
    /// Others can hold shared locks on the same bytes.
    Shared,
    /// Others can hold no lock on the same bytes.
    Exclusive,
}

impl LockMode {
    /// Reports whether locks of these two modes exclude each other on the same bytes.
    #[must_use]
    pub fn excludes(self, other: Self) -> bool {
        self == Self::Exclusive || other == Self::Exclusive
    }
}

/// The access for which a descriptor is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Access {
    /// Reading, which shared locks need.
    pub reads: bool,
    /// Writing, which exclusive locks need.
    pub writes: bool,
}

impl Access {
    /// Reading and writing.
    pub const FULL: Self = Self {
        reads: true,
        writes: true,
    };
}
