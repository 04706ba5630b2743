//! The level of durability that a flush requests, and the one that it achieves.

/// The level of durability that a flush requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Writing is started, without any guarantee.
    Schedule,
    /// The bytes reach the disk before anything that is written later.
    Barrier,
    /// The bytes survive a power failure.
    Data,
    /// The bytes, all metadata of the file, and its name if the library created it, survive a power
    /// failure.
    All,
}

impl Level {
    /// Returns the level with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "schedule" => Self::Schedule,
            "barrier" => Self::Barrier,
            "data" => Self::Data,
            "all" => Self::All,
            _ => return None,
        })
    }

    /// Returns the level to request from this system. Only Apple's systems have a barrier.
    pub(in crate::core) fn here(self) -> Self {
        match self {
            Self::Barrier if !cfg!(target_vendor = "apple") => Self::Data,
            level => level,
        }
    }
}

/// The result of a flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flushed {
    /// The number of requested bytes that now have the durability `achieved`.
    pub bytes: u64,
    /// The durability.
    pub achieved: Achieved,
}

/// The durability of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Achieved {
    /// Nothing had to be flushed: the memory is private, or the range is empty.
    None,
    /// The file is in memory only and cannot become durable.
    Volatile,
    /// Writing the bytes has started.
    Schedule,
    /// The drive has the bytes, and may still lose them in a power failure.
    Fsync,
    /// The drive has the bytes, and stores nothing that is written later before them.
    Barrier,
    /// The bytes survive a power failure.
    Data,
    /// The bytes and all metadata of the file survive a power failure.
    All,
}

impl Achieved {
    /// Returns the name that JavaScript sees.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Volatile => "volatile",
            Self::Schedule => "schedule",
            Self::Fsync => "fsync",
            Self::Barrier => "barrier",
            Self::Data => "data",
            Self::All => "all",
        }
    }
}
