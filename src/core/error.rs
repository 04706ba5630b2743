//! The error type, with the fields that JavaScript sees.

use std::fmt;
use std::io;

use super::sys::{self, SysError};

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// An error of the system, or a broken rule of this library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// A failed system call.
    System {
        /// The error number as in C, positive.
        errno: i32,
        /// The name of the failed call, as in its manual page.
        syscall: &'static str,
        /// The file, as the caller named it.
        path: Option<String>,
        /// A clause that explains the error and names a remedy, where more is known than the number.
        hint: Option<String>,
    },
    /// A rule of this library was broken.
    Rule {
        /// A stable code, such as `ERR_MEMMAP_CLOSED`.
        code: &'static str,
        /// What happened, to which file and range, and what to do.
        message: String,
        /// The file, as the caller named it.
        path: Option<String>,
        /// For a file that cannot be mapped: its kind, as in
        /// [`crate::core::sys::file_kind::Kind::name`].
        kind: Option<&'static str>,
        /// For a fault: the offset in the mapping, in bytes.
        offset: Option<u64>,
        /// For a fault: the reason, as in [`crate::core::fault::record::Reason::name`].
        reason: Option<&'static str>,
    },
}

impl Error {
    /// Returns an error of the standard library, as the result of `syscall`.
    #[must_use]
    pub fn from_io(error: &io::Error, syscall: &'static str) -> Self {
        SysError::from_io(error, syscall).into()
    }

    /// Returns the error `errno` of the system call `syscall`.
    #[must_use]
    pub fn system(errno: i32, syscall: &'static str) -> Self {
        Self::System {
            errno,
            syscall,
            path: None,
            hint: None,
        }
    }

    /// Returns the error of a broken rule.
    pub fn rule(code: &'static str, message: impl Into<String>) -> Self {
        Self::Rule {
            code,
            message: message.into(),
            path: None,
            kind: None,
            offset: None,
            reason: None,
        }
    }

    /// Returns the error of a file that cannot be mapped.
    pub fn not_mappable(kind: &'static str, message: impl Into<String>) -> Self {
        Self::Rule {
            code: "ERR_MEMMAP_NOT_MAPPABLE",
            message: message.into(),
            path: None,
            kind: Some(kind),
            offset: None,
            reason: None,
        }
    }

    /// Returns the error of a use after close.
    #[must_use]
    pub fn closed() -> Self {
        Self::rule("ERR_MEMMAP_CLOSED", "The mapping is closed")
    }

    /// Returns the error of a range that is not within `what`, which has `available` bytes.
    #[must_use]
    pub fn out_of_range(what: &str, offset: u64, length: u64, available: u64) -> Self {
        Self::rule(
            "ERR_OUT_OF_RANGE",
            format!(
                "The range of {length} bytes at offset {offset} is not within {what} of {available} bytes"
            ),
        )
    }

    /// Returns the error with the name of the file, unless it has one. The message of a file that cannot
    /// be mapped gets the name too.
    #[must_use]
    pub fn at(mut self, name: Option<&str>) -> Self {
        let (Self::System { path, .. } | Self::Rule { path, .. }) = &mut self;
        let (None, Some(name)) = (&path, name) else {
            return self;
        };
        *path = Some(name.to_owned());
        if let Self::Rule {
            kind: Some(_),
            message,
            ..
        } = &mut self
        {
            *message = format!("{message} ('{name}')");
        }
        self
    }

    /// Returns the error of a system call with an explanation. A broken rule stays unchanged, because
    /// its message explains it.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        if let Self::System { hint, .. } = &mut self {
            *hint = Some(why.into());
        }
        self
    }

    /// Returns the error number of a failed system call.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::System { errno, .. } => Some(*errno),
            Self::Rule { .. } => None,
        }
    }
}

impl From<SysError> for Error {
    fn from(error: SysError) -> Self {
        match error {
            SysError::Call {
                errno,
                syscall,
                hint,
            } => Self::System {
                errno,
                syscall,
                path: None,
                hint,
            },
            SysError::NullByteInPath => Self::rule(
                "ERR_INVALID_ARG_VALUE",
                "The path must be a string without null bytes",
            ),
            SysError::Unsupported(why) => Self::rule("ERR_MEMMAP_UNSUPPORTED", why),
            SysError::FileReplaced(why) => Self::rule("ERR_MEMMAP_LOCK_REPLACED", why),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System {
                errno,
                syscall,
                path,
                hint,
            } => {
                write!(f, "{}, {syscall}", sys::error_text(*errno))?;
                if let Some(path) = path {
                    write!(f, " '{path}'")?;
                }
                if let Some(hint) = hint {
                    write!(f, ": {hint}")?;
                }
                Ok(())
            }
            Self::Rule { code, message, .. } => write!(f, "{message} [{code}]"),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_error_names_call_file_and_remedy() {
        let error = Error::system(2, "open")
            .at(Some("a.bin"))
            .because("create it first");
        let text = error.to_string();
        assert!(text.ends_with(", open 'a.bin': create it first"), "{text}");
        assert_eq!(error.errno(), Some(2));
    }

    #[test]
    fn the_message_of_an_unmappable_file_names_the_file() {
        let text = Error::not_mappable("directory", "No")
            .at(Some("a"))
            .at(Some("b"));
        assert_eq!(text.to_string(), "No ('a') [ERR_MEMMAP_NOT_MAPPABLE]");
    }

    #[test]
    fn the_first_name_of_a_file_is_kept() {
        let error = Error::closed().at(Some("a")).at(Some("b"));
        assert!(matches!(error, Error::Rule { path: Some(p), .. } if p == "a"));
    }
}
