//! The native side of a Mapping.

use std::sync::Arc;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::array_buffer::{self, AddressRange};
use super::error::to_js;
use super::number::whole;
use super::promise::{promise, run, twins};
use crate::core::durability::{flush, flush_queue};
use crate::core::file::flush_level::{Flushed, Level};
use crate::core::mapping::advice;
use crate::core::mapping::mapping::Mapping;
use crate::core::residency::advise;
use crate::core::resize;

/// A page that the system could not deliver.
#[napi(object, object_from_js = false)]
pub struct FaultRecord {
    /// The offset in the mapping, in bytes.
    pub offset: f64,
    /// The reason.
    pub reason: &'static str,
}

/// The result of a flush.
#[napi(object, object_from_js = false)]
pub struct FlushResult {
    /// The number of flushed bytes.
    pub bytes: f64,
    /// The level of durability that was reached.
    pub achieved: &'static str,
}

impl From<Flushed> for FlushResult {
    fn from(flushed: Flushed) -> Self {
        Self {
            bytes: flushed.bytes as f64,
            achieved: flushed.achieved.name(),
        }
    }
}

/// A mapping.
#[napi]
pub struct NativeMapping(Arc<Mapping>);

impl NativeMapping {
    /// Returns the mapping of core, for work on other threads.
    pub fn shared(&self) -> Arc<Mapping> {
        Arc::clone(&self.0)
    }
}

impl From<Mapping> for NativeMapping {
    fn from(mapping: Mapping) -> Self {
        Self(Arc::new(mapping))
    }
}

#[napi]
impl NativeMapping {
    /// The number of the mapping, which no other mapping of the process ever has.
    #[napi(getter, catch_unwind)]
    pub fn id(&self) -> f64 {
        self.0.registration().id as f64
    }

    /// The length in bytes.
    #[napi(getter, catch_unwind)]
    pub fn length(&self) -> f64 {
        self.0.length() as f64
    }

    /// The offset in the file, in bytes.
    #[napi(getter, catch_unwind)]
    pub fn offset(&self) -> f64 {
        self.0.offset() as f64
    }

    /// The element offset: the offset of byte 0 in an `ArrayBuffer`, which starts at a multiple of 8.
    #[napi(getter, catch_unwind)]
    pub fn element_offset(&self) -> f64 {
        (self.0.offset() % 8) as f64
    }

    /// The size of the file when the mapping was opened, in bytes.
    #[napi(getter, catch_unwind)]
    pub fn size(&self) -> f64 {
        self.0.size() as f64
    }

    /// Returns an `ArrayBuffer` over `byteLength` bytes at `position`, counted from `elementOffset` bytes before byte 0.
    #[napi(ts_return_type = "ArrayBuffer", catch_unwind)]
    pub fn array_buffer<'env>(
        &self,
        env: &'env Env,
        position: f64,
        byte_length: f64,
    ) -> Result<Unknown<'env>> {
        let (region, range) = self.address_range(env, position, byte_length)?;
        array_buffer::array_buffer(env, &region, self.0.registration(), &range)
    }

    /// Does the same with a `SharedArrayBuffer`, if the runtime supports it.
    #[napi(ts_return_type = "SharedArrayBuffer", catch_unwind)]
    pub fn shared_array_buffer<'env>(
        &self,
        env: &'env Env,
        position: f64,
        byte_length: f64,
    ) -> Result<Unknown<'env>> {
        let (region, range) = self.address_range(env, position, byte_length)?;
        array_buffer::shared_array_buffer(env, &region, self.0.registration(), &range)
    }

    fn address_range(
        &self,
        env: &Env,
        position: f64,
        byte_length: f64,
    ) -> Result<(Arc<crate::core::mapping::region::Region>, AddressRange)> {
        let (position, length) = (whole(position)?, whole(byte_length)?);
        let region = self.0.region().map_err(|error| to_js(env, &error))?;
        let element_offset = self.0.offset() % 8;
        let fits = position
            .checked_add(length)
            .is_some_and(|end| end <= element_offset + self.0.length());
        match region {
            Some(region) if fits && position.is_multiple_of(8) => {
                let address = region.address() - element_offset as usize + position as usize;
                Ok((
                    region,
                    AddressRange {
                        address,
                        length: length as usize,
                    },
                ))
            }
            _ => Err(Error::new(
                Status::InvalidArg,
                "The range is not within the mapping",
            )),
        }
    }

    /// Fills `target` with the bytes at `offset`.
    #[napi(catch_unwind)]
    pub fn read_into(
        &self,
        env: &Env,
        offset: f64,
        #[napi(ts_arg_type = "Uint8Array")] target: Unknown<'_>,
    ) -> Result<()> {
        let (address, length) = array_buffer::bytes_of(env, &target)?;
        // SAFETY: the target is a live typed array, and JavaScript does not run until the copy is
        // done.
        unsafe { self.0.read_into(whole(offset)?, address, length) }
            .map_err(|error| to_js(env, &error))
    }

    /// Copies `source` to `offset`.
    #[napi(catch_unwind)]
    pub fn write(
        &self,
        env: &Env,
        offset: f64,
        #[napi(ts_arg_type = "Uint8Array")] source: Unknown<'_>,
    ) -> Result<()> {
        let (address, length) = array_buffer::bytes_of(env, &source)?;
        // SAFETY: the source is a live typed array, and JavaScript does not run until the copy is
        // done.
        unsafe { self.0.write(whole(offset)?, address, length) }.map_err(|error| to_js(env, &error))
    }

    /// Fills a range with repetitions of `pattern`.
    #[napi(catch_unwind)]
    pub fn fill(
        &self,
        env: &Env,
        offset: f64,
        length: f64,
        #[napi(ts_arg_type = "Uint8Array")] pattern: Unknown<'_>,
    ) -> Result<()> {
        let (address, count) = array_buffer::bytes_of(env, &pattern)?;
        let pattern = if count == 0 {
            &[]
        } else {
            // SAFETY: the pattern is a live typed array; core copies it before it writes.
            unsafe { std::slice::from_raw_parts(address, count) }
        };
        self.0
            .fill(whole(offset)?, whole(length)?, pattern)
            .map_err(|error| to_js(env, &error))
    }

    /// Copies bytes within the mapping.
    #[napi(catch_unwind)]
    pub fn copy_within(&self, env: &Env, target: f64, start: f64, length: f64) -> Result<()> {
        self.0
            .copy_within(whole(target)?, whole(start)?, whole(length)?)
            .map_err(|error| to_js(env, &error))
    }

    /// Tells the system how a range will be used.
    #[napi(catch_unwind)]
    pub fn advise(&self, env: &Env, name: String, offset: f64, length: f64) -> Result<()> {
        let (offset, length) = (whole(offset)?, whole(length)?);
        advice::advice(&name)
            .and_then(|advice| advise::advise(&self.0, advice, offset, length))
            .map_err(|error| to_js(env, &error.at(self.0.name())))
    }

    /// Drops the contents of the whole pages inside a range.
    #[napi(catch_unwind)]
    pub fn discard(&self, env: &Env, how: String, offset: f64, length: f64) -> Result<()> {
        let (offset, length) = (whole(offset)?, whole(length)?);
        advice::discard(&how)
            .and_then(|how| advise::discard(&self.0, how, offset, length))
            .map_err(|error| to_js(env, &error.at(self.0.name())))
    }

    /// Makes whole pages read-only or writable.
    #[napi(catch_unwind)]
    pub fn protect(&self, env: &Env, writable: bool, offset: f64, length: f64) -> Result<()> {
        self.0
            .protect(writable, whole(offset)?, whole(length)?)
            .map_err(|error| to_js(env, &error.at(self.0.name())))
    }

    /// Flushes a range, after the flushes of the file that are queued already.
    #[napi(catch_unwind)]
    pub fn flush<'env>(
        &self,
        env: &'env Env,
        level: String,
        offset: f64,
        length: f64,
    ) -> Result<PromiseRaw<'env, FlushResult>> {
        let (level, offset, length) = (level_of(&level)?, whole(offset)?, whole(length)?);
        promise(
            env,
            |settle| flush_queue::start(&self.0, level, offset, length, settle),
            FlushResult::from,
        )
    }

    /// Flushes a range on this thread, after the flushes of the file that are queued already.
    #[napi(catch_unwind)]
    pub fn flush_sync(
        &self,
        env: &Env,
        level: String,
        offset: f64,
        length: f64,
    ) -> Result<FlushResult> {
        let (level, offset, length) = (level_of(&level)?, whole(offset)?, whole(length)?);
        let work = || flush::flush(&self.0, level, offset, length);
        run(env, work, FlushResult::from)
    }

    /// Throws if a flush of the file has failed.
    #[napi(catch_unwind)]
    pub fn check_damage(&self, env: &Env) -> Result<()> {
        self.0.check_damage().map_err(|error| to_js(env, &error))
    }

    /// Returns the number of faults.
    #[napi(catch_unwind)]
    pub fn fault_count(&self) -> f64 {
        self.0.fault_count() as f64
    }

    /// Returns the first faults, oldest first.
    #[napi(catch_unwind)]
    pub fn faults(&self) -> Vec<FaultRecord> {
        let record = |fault: crate::core::fault::record::Fault| FaultRecord {
            offset: fault.offset as f64,
            reason: fault.reason.name(),
        };
        self.0.faults().into_iter().map(record).collect()
    }

    /// Adds `delta` to the number of pins that the registry shows.
    #[napi(catch_unwind)]
    pub fn add_pins(&self, delta: i32) {
        self.0.registration().add_pins(delta.into());
    }

    /// Throws if the file ends before the end of a range.
    #[napi(catch_unwind)]
    pub fn check_extent(&self, env: &Env, offset: f64, length: f64) -> Result<()> {
        self.0
            .check_file_covers(whole(offset)?, whole(length)?)
            .map_err(|error| to_js(env, &error))
    }

    /// Does the same for a range whose bytes were all just read: most often the bytes themselves show
    /// that the file has them.
    #[napi(catch_unwind)]
    pub fn check_read(&self, env: &Env, offset: f64, length: f64) -> Result<()> {
        self.0
            .check_read(whole(offset)?, whole(length)?)
            .map_err(|error| to_js(env, &error))
    }
}

twins! { spawn: impl NativeMapping {
    /// Changes the size of the file and the length of the mapping. Returns the new length.
    fn resize, resize_sync(&self, size: f64) -> f64 {
        let (mapping, size) = (self.shared(), whole(size)?);
        move || resize::resize(&mapping, size)
    } => |length| length as f64;

    /// Makes the mapping as long as its file is now. Returns the new length.
    fn refresh, refresh_sync(&self) -> f64 {
        let mapping = self.shared();
        move || resize::refresh(&mapping)
    } => |length| length as f64;

    /// Removes the pages, which releases the file.
    fn close, close_sync(&self) -> () {
        let mapping = self.shared();
        move || mapping.close()
    } => |()| ();
} }

fn level_of(name: &str) -> Result<Level> {
    Level::parse(name)
        .ok_or_else(|| Error::new(Status::InvalidArg, format!("No such level: '{name}'")))
}
