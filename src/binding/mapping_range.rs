//! A range of a mapping, for work on this thread or on another.

use std::sync::Arc;

use napi::bindgen_prelude::*;

use super::mapping::NativeMapping;
use super::number::whole;
use crate::core;
use crate::core::mapping::mapping::Mapping;

/// A range of a mapping.
pub struct MappingRange {
    /// The mapping.
    pub mapping: Arc<Mapping>,
    /// The offset of the range in the mapping, in bytes.
    pub offset: u64,
    /// The length in bytes.
    pub length: u64,
}

impl MappingRange {
    /// Makes a range of the numbers that JavaScript passes.
    pub fn new(mapping: &NativeMapping, offset: f64, length: f64) -> Result<Self> {
        Ok(Self {
            mapping: mapping.shared(),
            offset: whole(offset)?,
            length: whole(length)?,
        })
    }

    /// Calls `look` with the bytes of the range.
    pub fn with_bytes<T>(&self, look: impl FnOnce(&[u8]) -> core::Result<T>) -> core::Result<T> {
        self.mapping.with_bytes(self.offset, self.length, look)?
    }

    /// Checks that the file still has the bytes of the range up to `end`, and returns `result` if it
    /// has.
    pub fn checked<T>(&self, result: T, end: u64) -> core::Result<T> {
        self.mapping
            .check_file_covers(self.offset, end.min(self.length))?;
        Ok(result)
    }
}
