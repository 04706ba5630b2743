//! Error numbers: translates those of Windows to those that Node's `fs` reports.
//!
//! libuv has its own error numbers on Windows, and `errno` in JavaScript contains these: -4058 for
//! ENOENT. Core uses them as positive numbers.
//! <https://github.com/libuv/libuv/blob/v1.x/src/win/error.c>

use std::io;

use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_ALREADY_EXISTS, ERROR_BAD_PATHNAME, ERROR_BAD_PIPE,
    ERROR_BROKEN_PIPE, ERROR_BUFFER_OVERFLOW, ERROR_CALL_NOT_IMPLEMENTED, ERROR_CANNOT_MAKE,
    ERROR_CANT_RESOLVE_FILENAME, ERROR_COMMITMENT_LIMIT, ERROR_CRC, ERROR_DIR_NOT_EMPTY,
    ERROR_DIRECTORY, ERROR_DISK_FULL, ERROR_DISK_QUOTA_EXCEEDED, ERROR_ENVVAR_NOT_FOUND,
    ERROR_FILE_EXISTS, ERROR_FILE_NOT_FOUND, ERROR_FILE_TOO_LARGE, ERROR_FILENAME_EXCED_RANGE,
    ERROR_GEN_FAILURE, ERROR_HANDLE_DISK_FULL, ERROR_INSUFFICIENT_BUFFER, ERROR_INVALID_DRIVE,
    ERROR_INVALID_FUNCTION, ERROR_INVALID_HANDLE, ERROR_INVALID_NAME, ERROR_INVALID_PARAMETER,
    ERROR_INVALID_REPARSE_DATA, ERROR_IO_DEVICE, ERROR_LOCK_VIOLATION, ERROR_MOD_NOT_FOUND,
    ERROR_NEGATIVE_SEEK, ERROR_NO_DATA, ERROR_NO_SYSTEM_RESOURCES, ERROR_NOACCESS,
    ERROR_NOT_A_REPARSE_POINT, ERROR_NOT_ENOUGH_MEMORY, ERROR_NOT_ENOUGH_QUOTA,
    ERROR_NOT_SAME_DEVICE, ERROR_NOT_SUPPORTED, ERROR_OPEN_FAILED, ERROR_OPERATION_ABORTED,
    ERROR_OUTOFMEMORY, ERROR_PATH_NOT_FOUND, ERROR_PIPE_BUSY, ERROR_PIPE_NOT_CONNECTED,
    ERROR_PRIVILEGE_NOT_HELD, ERROR_SECTOR_NOT_FOUND, ERROR_SEEK, ERROR_SEM_TIMEOUT,
    ERROR_SHARING_VIOLATION, ERROR_SWAPERROR, ERROR_SYMLINK_NOT_SUPPORTED,
    ERROR_TOO_MANY_OPEN_FILES, ERROR_USER_MAPPED_FILE, ERROR_WORKING_SET_QUOTA,
    ERROR_WRITE_PROTECT,
};

use crate::core::sys::error::SysError;

macro_rules! numbers {
    ($($name:ident = $number:literal, $text:literal;)*) => {
        $(
            #[doc = $text]
            pub const $name: i32 = $number;
        )*

        /// Returns libuv's name and text of a number.
        fn known_text(errno: i32) -> Option<(&'static str, &'static str)> {
            match errno {
                $($number => Some((stringify!($name), $text)),)*
                _ => None,
            }
        }
    };
}

// `uv/errno.h` of libuv, with its texts.
numbers! {
    EACCES = 4092, "permission denied";
    EAGAIN = 4088, "resource temporarily unavailable";
    EBADF = 4083, "bad file descriptor";
    EBUSY = 4082, "resource busy or locked";
    ECANCELED = 4081, "operation canceled";
    EDEADLK = 3999, "resource deadlock would occur";
    EEXIST = 4075, "file already exists";
    EFAULT = 4074, "bad address in system call argument";
    EFBIG = 4036, "file too large";
    EINTR = 4072, "interrupted system call";
    EINVAL = 4071, "invalid argument";
    EIO = 4070, "i/o error";
    EISDIR = 4068, "illegal operation on a directory";
    ELOOP = 4067, "too many symbolic links encountered";
    EMFILE = 4066, "too many open files";
    ENAMETOOLONG = 4064, "name too long";
    ENODEV = 4059, "no such device";
    ENOENT = 4058, "no such file or directory";
    ENOLCK = 3998, "no locks available";
    ENOMEM = 4057, "not enough memory";
    ENOSPC = 4055, "no space left on device";
    ENOSYS = 4054, "function not implemented";
    ENOTDIR = 4052, "not a directory";
    ENOTEMPTY = 4051, "directory not empty";
    EOPNOTSUPP = 4049, "operation not supported on socket";
    EOVERFLOW = 4026, "value too large for defined data type";
    EPERM = 4048, "operation not permitted";
    EPIPE = 4047, "broken pipe";
    EROFS = 4043, "read-only file system";
    ETIMEDOUT = 4039, "connection timed out";
    ETXTBSY = 4038, "text file is busy";
    EXDEV = 4037, "cross-device link not permitted";
    ENXIO = 4033, "no such device or address";
    UNKNOWN = 4094, "unknown error";
}

/// A number that never occurs: an exhausted quota is translated to `ENOSPC` here.
pub const EDQUOT: i32 = i32::MAX - 1;

/// The memory has a hardware error, which this system does not report.
pub const EHWPOISON: i32 = i32::MAX;

impl SysError {
    /// Returns the last error of the calling thread, as the result of `syscall`.
    #[must_use]
    pub fn last(syscall: &'static str) -> Self {
        Self::from_io(&io::Error::last_os_error(), syscall)
    }

    /// Returns an error of the standard library, as the result of `syscall`.
    #[must_use]
    pub fn from_io(error: &io::Error, syscall: &'static str) -> Self {
        let failed = Self::new(errno_of(error), syscall);
        match hint_of(error) {
            Some(hint) => failed.because(hint),
            None => failed,
        }
    }
}

/// Returns the number of an error of the standard library.
#[must_use]
pub fn errno_of(error: &io::Error) -> i32 {
    error
        .raw_os_error()
        .map_or(UNKNOWN, |code| errno_of_code(code.cast_unsigned()))
}

/// Returns the text of an error number, as in `fs`.
#[must_use]
pub fn error_text(errno: i32) -> String {
    match known_text(errno) {
        Some((name, text)) => format!("{name}: {text}"),
        None => format!("unknown error {errno}"),
    }
}

/// Returns the number of Windows, where the translated number stands for many errors.
fn hint_of(error: &io::Error) -> Option<String> {
    let code = error.raw_os_error()?.cast_unsigned();
    if code == ERROR_USER_MAPPED_FILE {
        return Some(String::from(
            "Windows doesn't let a file be cut while it is mapped: close its other mappings, in \
             other processes too",
        ));
    }
    (errno_of_code(code) == UNKNOWN).then(|| format!("Windows error {code}"))
}

/// Returns the number to which libuv translates an error of Windows.
fn errno_of_code(code: u32) -> i32 {
    match code {
        ERROR_NOACCESS => EFAULT,
        ERROR_ACCESS_DENIED | ERROR_PRIVILEGE_NOT_HELD => EPERM,
        ERROR_INVALID_HANDLE => EBADF,
        // libuv has no name for a mapped file that cannot be truncated, and UNKNOWN would not help.
        ERROR_LOCK_VIOLATION
        | ERROR_PIPE_BUSY
        | ERROR_SHARING_VIOLATION
        | ERROR_USER_MAPPED_FILE => EBUSY,
        ERROR_OPERATION_ABORTED => ECANCELED,
        ERROR_ALREADY_EXISTS | ERROR_FILE_EXISTS => EEXIST,
        ERROR_FILE_TOO_LARGE => EFBIG,
        ERROR_INVALID_PARAMETER
        | ERROR_INSUFFICIENT_BUFFER
        | ERROR_NEGATIVE_SEEK
        | ERROR_NOT_A_REPARSE_POINT
        | ERROR_SYMLINK_NOT_SUPPORTED => EINVAL,
        ERROR_CRC
        | ERROR_GEN_FAILURE
        | ERROR_IO_DEVICE
        | ERROR_OPEN_FAILED
        | ERROR_SECTOR_NOT_FOUND
        | ERROR_SEEK
        | ERROR_SWAPERROR => EIO,
        ERROR_INVALID_FUNCTION => EISDIR,
        ERROR_CANT_RESOLVE_FILENAME => ELOOP,
        ERROR_TOO_MANY_OPEN_FILES => EMFILE,
        ERROR_BUFFER_OVERFLOW | ERROR_FILENAME_EXCED_RANGE => ENAMETOOLONG,
        ERROR_BAD_PATHNAME
        | ERROR_DIRECTORY
        | ERROR_ENVVAR_NOT_FOUND
        | ERROR_FILE_NOT_FOUND
        | ERROR_INVALID_NAME
        | ERROR_INVALID_DRIVE
        | ERROR_INVALID_REPARSE_DATA
        | ERROR_MOD_NOT_FOUND
        | ERROR_PATH_NOT_FOUND => ENOENT,
        // libuv translates only the first two. Mapping fails with the others too.
        ERROR_NOT_ENOUGH_MEMORY
        | ERROR_OUTOFMEMORY
        | ERROR_COMMITMENT_LIMIT
        | ERROR_NO_SYSTEM_RESOURCES
        | ERROR_NOT_ENOUGH_QUOTA
        | ERROR_WORKING_SET_QUOTA => ENOMEM,
        ERROR_CANNOT_MAKE
        | ERROR_DISK_FULL
        | ERROR_DISK_QUOTA_EXCEEDED
        | ERROR_HANDLE_DISK_FULL => ENOSPC,
        ERROR_CALL_NOT_IMPLEMENTED => ENOSYS,
        ERROR_DIR_NOT_EMPTY => ENOTEMPTY,
        ERROR_NOT_SUPPORTED => EOPNOTSUPP,
        ERROR_BROKEN_PIPE | ERROR_BAD_PIPE | ERROR_NO_DATA | ERROR_PIPE_NOT_CONNECTED => EPIPE,
        ERROR_WRITE_PROTECT => EROFS,
        ERROR_SEM_TIMEOUT => ETIMEDOUT,
        ERROR_NOT_SAME_DEVICE => EXDEV,
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_the_names_that_fs_gives_them() {
        let of = |code: u32| errno_of(&io::Error::from_raw_os_error(code.cast_signed()));
        assert_eq!(of(ERROR_FILE_NOT_FOUND), ENOENT);
        assert_eq!(of(ERROR_ACCESS_DENIED), EPERM);
        assert_eq!(of(ERROR_USER_MAPPED_FILE), EBUSY);
        assert_eq!(of(123_456), UNKNOWN);
        assert_eq!(error_text(ENOENT), "ENOENT: no such file or directory");
        let odd = io::Error::from_raw_os_error(123_456);
        assert_eq!(hint_of(&odd).as_deref(), Some("Windows error 123456"));
    }
}
