//! Decides which kinds of files can be mapped.
//!
//! `mmap` itself accepts files that fault later, such as devices without a size, so the kind is
//! checked first.

use crate::core::error::{Error, Result};
use crate::core::sys::file_kind::Kind;

/// Refuses a kind of file that cannot be mapped. A device is mapped only with a given length,
/// because it has no reliable size of its own.
pub fn check(kind: Kind, length_is_given: bool, described: Option<&str>) -> Result<()> {
    let remedy = match kind {
        Kind::Regular => return Ok(()),
        Kind::BlockDevice | Kind::ZeroDevice if length_is_given => return Ok(()),
        Kind::BlockDevice | Kind::ZeroDevice => {
            "give the option 'length' to say that you mean to map a device"
        }
        Kind::Directory => "name a file in it",
        Kind::Virtual => "the kernel generates its contents at each read: read it with fs instead",
        Kind::Fifo | Kind::Socket => "its bytes can be read only once: read them with a stream",
        Kind::CharacterDevice => "it has no contents to map: read it with fs instead",
        Kind::SymbolicLink | Kind::KernelObject => "only files can be mapped",
    };
    let name = kind.name();
    let detail = described.map(|d| format!(" ({d})")).unwrap_or_default();
    let message = format!("A {name}{detail} can't be mapped: {remedy}");
    Err(Error::not_mappable(name, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_and_devices_with_a_given_length_can_be_mapped() {
        assert!(check(Kind::Regular, false, None).is_ok());
        assert!(check(Kind::ZeroDevice, false, None).is_err());
        assert!(check(Kind::ZeroDevice, true, None).is_ok());
        assert!(check(Kind::BlockDevice, true, None).is_ok());
        for kind in [
            Kind::Directory,
            Kind::Fifo,
            Kind::Socket,
            Kind::Virtual,
            Kind::KernelObject,
        ] {
            let error = check(kind, true, Some("x")).unwrap_err().to_string();
            assert!(
                error.contains(kind.name()) && error.contains("(x)"),
                "{error}"
            );
        }
    }
}
