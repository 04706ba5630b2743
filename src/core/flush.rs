//! Flushing: bytes become durable, or an error says that they did not.
//! `msync(2)`: <https://man7.org/linux/man-pages/man2/msync.2.html>

use super::error::{Error, Result};
use super::mapping::Mapping;
use super::sys;

/// What a flush achieved.
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
    /// They survive a loss of power.
    Data,
    /// The file lives in memory; nothing makes it durable.
    Volatile,
    /// There was nothing to flush: private memory.
    None,
}

impl Achieved {
    /// The name that JavaScript sees.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Volatile => "volatile",
            Self::None => "none",
        }
    }
}

/// Makes the bytes of a range durable. Waits for the disk.
pub fn flush(mapping: &Mapping, offset: u64, length: u64) -> Result<Flushed> {
    flush_range(mapping, offset, length).map_err(|error| error.at(mapping.name()))
}

fn flush_range(mapping: &Mapping, offset: u64, length: u64) -> Result<Flushed> {
    mapping.check_range(offset, length)?;
    let nothing = Flushed {
        bytes: 0,
        achieved: Achieved::None,
    };
    let Some(region) = mapping.region()? else {
        return Ok(nothing);
    };
    let _held = region.hold()?;
    if region.fault_count() > 0 {
        return Err(mapping.fault_error(&region));
    }
    let Some(file) = region.file().filter(|_| mapping.mode().writes_file()) else {
        return Ok(nothing);
    };
    if let Some(errno) = file.damaged() {
        return Err(lost(errno));
    }
    if length == 0 {
        return Ok(Flushed {
            bytes: 0,
            achieved: Achieved::Data,
        });
    }
    region
        .pages()
        .flush_range(region.lead() + offset as usize, length as usize)
        .map_err(|error| Error::from_io(&error, "msync"))
        .and_then(|()| sys::sync_drive(file.fd()))
        .inspect_err(|error| {
            if let Some(errno @ (sys::EIO | sys::ENOSPC | sys::EDQUOT)) = error.errno() {
                file.damage(errno);
            }
        })?;
    let is_volatile = sys::file_system(file.fd())?.is_volatile;
    let achieved = if is_volatile {
        Achieved::Volatile
    } else {
        Achieved::Data
    };
    Ok(Flushed {
        bytes: length,
        achieved,
    })
}

/// After a failed flush the kernel takes the pages for clean: the next one would succeed while
/// the bytes are gone.
fn lost(errno: i32) -> Error {
    Error::rule(
        "ERR_MEMMAP_FLUSH_LOST",
        format!(
            "An earlier flush of this file failed ({}): what memory holds is newer than the disk \
             and will vanish. Save it elsewhere, close every mapping of the file, open it again \
             and write everything since the last good flush",
            std::io::Error::from_raw_os_error(errno)
        ),
    )
}
