//! The error of a system call, free of everything else in core.

/// A result whose error is [`SysError`].
pub type Result<T> = std::result::Result<T, SysError>;

/// The reason why this layer could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SysError {
    /// A system call failed.
    Call {
        /// The positive error number, as in C.
        errno: i32,
        /// The name of the call, as in its manual page.
        syscall: &'static str,
        /// A clause that says more than the number, where more is known.
        hint: Option<String>,
    },
    /// The path contains a null byte, which no system call accepts.
    NullByteInPath,
    /// This system cannot do it. The text says why, and what to do instead.
    Unsupported(&'static str),
    /// An open file cannot be opened again, because its path leads to another file or to none. The
    /// text says what to do instead.
    FileReplaced(&'static str),
}

impl SysError {
    /// Returns the error `errno` of `syscall`.
    #[must_use]
    pub fn new(errno: i32, syscall: &'static str) -> Self {
        Self::Call {
            errno,
            syscall,
            hint: None,
        }
    }

    /// Adds an explanation to the error of a system call. The other errors explain themselves.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        if let Self::Call { hint, .. } = &mut self {
            *hint = Some(why.into());
        }
        self
    }

    /// Returns the error number, if a system call failed.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Call { errno, .. } => Some(*errno),
            _ => None,
        }
    }
}
