//! The modes of a mapping, with the letters that numpy and Node's fs use.

use crate::core::sys::PageAccess;

/// The mode of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `r`: for reading. A store does not reach the file, and does not end the process.
    Read,
    /// `r+`: an existing file, for reading and writing.
    ReadWrite,
    /// `w+`: for reading and writing. The file is created, or truncated first.
    Write,
    /// `wx+`: for reading and writing. The file is created, and must not exist before.
    CreateNew,
    /// `c`: copy-on-write. Stores stay in this process.
    CopyOnWrite,
}

impl Mode {
    /// Returns the mode with these letters.
    #[must_use]
    pub fn parse(letters: &str) -> Option<Self> {
        Some(match letters {
            "r" => Self::Read,
            "r+" => Self::ReadWrite,
            "w+" => Self::Write,
            "wx+" => Self::CreateNew,
            "c" => Self::CopyOnWrite,
            _ => return None,
        })
    }

    /// Returns the letters of the mode.
    #[must_use]
    pub fn letters(self) -> &'static str {
        match self {
            Self::Read => "r",
            Self::ReadWrite => "r+",
            Self::Write => "w+",
            Self::CreateNew => "wx+",
            Self::CopyOnWrite => "c",
        }
    }

    /// Returns how pages are mapped in this mode. `is_strict` has an effect only in mode `r`.
    #[must_use]
    pub fn access(self, is_strict: bool) -> PageAccess {
        match self {
            Self::Read if is_strict => PageAccess::ReadOnly,
            Self::Read | Self::CopyOnWrite => PageAccess::CopyOnWrite,
            Self::ReadWrite | Self::Write | Self::CreateNew => PageAccess::Shared,
        }
    }

    /// Reports whether stores reach the file.
    #[must_use]
    pub fn writes_file(self) -> bool {
        matches!(self, Self::ReadWrite | Self::Write | Self::CreateNew)
    }
}
