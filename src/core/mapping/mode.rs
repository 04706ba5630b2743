//! The modes of a mapping, with the letters of numpy and Node's fs.

use crate::core::sys::PageAccess;

/// numpy's and fs's letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `r`: stores neither kill nor reach the file.
    Read,
    /// `r+`: an existing file, for reading and writing.
    ReadWrite,
    /// `w+`: created, or emptied first.
    Write,
    /// `wx+`: created; it must not exist.
    CreateNew,
    /// `c`: copy-on-write.
    CopyOnWrite,
}

impl Mode {
    /// The mode with these letters.
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

    /// Its letters.
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

    /// What the mode means for the pages. `is_strict` counts for mode `r` only.
    #[must_use]
    pub fn access(self, is_strict: bool) -> PageAccess {
        match self {
            Self::Read if is_strict => PageAccess::ReadOnly,
            Self::Read | Self::CopyOnWrite => PageAccess::CopyOnWrite,
            Self::ReadWrite | Self::Write | Self::CreateNew => PageAccess::Shared,
        }
    }

    /// Whether stores reach the file.
    #[must_use]
    pub fn writes_file(self) -> bool {
        matches!(self, Self::ReadWrite | Self::Write | Self::CreateNew)
    }
}
