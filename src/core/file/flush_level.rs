//! How far a flush goes, and how durable the bytes are afterwards.

/// How far a flush goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Writing begins; nothing is promised.
    Schedule,
    /// What is written later gets to the disk later.
    Barrier,
    /// The bytes survive a loss of power.
    Data,
    /// The bytes, all that the system knows of the file, and the name that it was made under.
    All,
}

impl Level {
    /// The level with this name.
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

    /// What this system has to do for it.
    pub(in crate::core) fn here(self) -> Self {
        match self {
            Self::Barrier if !cfg!(target_vendor = "apple") => Self::Data,
            level => level,
        }
    }
}

/// What a flush did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flushed {
    /// Bytes that were asked for and are now as durable as `achieved` says.
    pub bytes: u64,
    /// How durable.
    pub achieved: Achieved,
}

/// How durable bytes can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Achieved {
    /// There was nothing to flush: private memory, or no bytes.
    None,
    /// The file lives in memory; nothing makes it durable.
    Volatile,
    /// They are on their way.
    Schedule,
    /// The drive has them, and may still lose them.
    Fsync,
    /// The drive has them, and writes nothing later before them.
    Barrier,
    /// They survive a loss of power.
    Data,
    /// So does everything else about the file.
    All,
}

impl Achieved {
    /// The name that JavaScript sees.
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
