//! The native side of residency: which pages are in memory, and how to bring them in, keep them and
//! evict them.

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::array_buffer;
use super::cancel::NativeCancelToken;
use super::error::to_js;
use super::mapping::NativeMapping;
use super::mapping_range::MappingRange;
use super::number::whole;
use super::promise::{spawn, twins};
use crate::core::copy::gather;
use crate::core::residency::evict::{self, Evicted};
use crate::core::residency::residency::{self, Report};
use crate::core::residency::{lock_pages, populate};

/// The pages of a range. Properties that the system does not report are undefined.
#[napi(object, object_from_js = false)]
pub struct ResidencyReport {
    /// `yes`, `no` or `unknown`.
    pub resident: &'static str,
    /// The size of a page in bytes.
    pub page_size: f64,
    /// The number of pages that the range touches.
    pub pages: f64,
    /// The number of pages in memory.
    pub resident_pages: Option<f64>,
    /// The number of pages locked in memory.
    pub locked_pages: f64,
    /// The number of dirty pages in the page cache of the file.
    pub dirty_pages: Option<f64>,
    /// The number of pages that are being written.
    pub writeback_pages: Option<f64>,
    /// The number of pages that were evicted from the page cache.
    pub evicted_pages: Option<f64>,
    /// The number of pages that were evicted recently.
    pub recently_evicted_pages: Option<f64>,
    /// The percentage in memory of each bucket.
    pub buckets: Option<Uint8Array>,
}

impl From<Report> for ResidencyReport {
    fn from(report: Report) -> Self {
        let cache = report.cache;
        Self {
            resident: report.resident.name(),
            page_size: report.page_size as f64,
            pages: report.pages as f64,
            resident_pages: report.resident_pages.map(|pages| pages as f64),
            locked_pages: report.locked_pages as f64,
            dirty_pages: cache.map(|cache| cache.dirty as f64),
            writeback_pages: cache.map(|cache| cache.writeback as f64),
            evicted_pages: cache.map(|cache| cache.evicted as f64),
            recently_evicted_pages: cache.map(|cache| cache.recently_evicted as f64),
            buckets: report.buckets.map(Uint8Array::new),
        }
    }
}

/// The result of an eviction, in bytes. Properties that the system does not report are undefined.
#[napi(object, object_from_js = false)]
pub struct EvictionReport {
    /// The bytes that were evicted.
    pub evicted: Option<f64>,
    /// The bytes that are still in memory.
    pub resident: Option<f64>,
}

impl From<Evicted> for EvictionReport {
    fn from(done: Evicted) -> Self {
        Self {
            evicted: done.evicted.map(|bytes| bytes as f64),
            resident: done.resident.map(|bytes| bytes as f64),
        }
    }
}

#[napi]
impl NativeMapping {
    /// Reports whether all pages of a range are in memory; true if the system does not tell.
    #[napi(catch_unwind)]
    pub fn is_resident(&self, env: &Env, offset: f64, length: f64) -> Result<bool> {
        residency::is_resident(&self.shared(), whole(offset)?, whole(length)?)
            .map_err(|error| to_js(env, &error))
    }

    /// Brings a range into memory, on the thread pool.
    #[napi(catch_unwind)]
    pub fn prefetch<'env>(
        &self,
        env: &'env Env,
        offset: f64,
        length: f64,
        token: &NativeCancelToken,
    ) -> Result<PromiseRaw<'env, ()>> {
        let (range, token) = (MappingRange::new(self, offset, length)?, token.shared());
        let work = move || populate::prefetch(&range.mapping, range.offset, range.length, &token);
        spawn(env, work, |()| ())
    }

    /// Brings ranges of `size` bytes at many offsets into memory, on the thread pool.
    #[napi(catch_unwind)]
    pub fn prefetch_offsets<'env>(
        &self,
        env: &'env Env,
        offsets: &[f64],
        size: f64,
        token: &NativeCancelToken,
    ) -> Result<PromiseRaw<'env, ()>> {
        let (mapping, token, size) = (self.shared(), token.shared(), whole(size)?);
        let offsets = offsets.to_vec();
        let work = move || gather::prefetch_places(&mapping, &offsets, size, &token);
        spawn(env, work, |()| ())
    }

    /// Copies ranges of `size` bytes at many offsets to `into`, one after another.
    #[napi(catch_unwind)]
    pub fn gather(
        &self,
        env: &Env,
        offsets: &[f64],
        size: f64,
        #[napi(ts_arg_type = "Uint8Array")] into: Unknown<'_>,
    ) -> Result<()> {
        let (address, length) = array_buffer::bytes_of(env, &into)?;
        let size = whole(size)?;
        if (offsets.len() as u64).checked_mul(size) != Some(length as u64) {
            return Err(Error::new(
                Status::InvalidArg,
                "The target does not have the length of the ranges",
            ));
        }
        // SAFETY: the target is a live typed array of that length (`bytes_of` and the check above), and
        // JavaScript does not run until the copy is done.
        unsafe { gather::gather(&self.shared(), offsets, size, address) }
            .map_err(|error| to_js(env, &error))
    }

    /// Unlocks a range.
    #[napi(catch_unwind)]
    pub fn unlock_memory(&self, env: &Env, offset: f64, length: f64) -> Result<()> {
        let mapping = self.shared();
        lock_pages::unlock(&mapping, whole(offset)?, whole(length)?)
            .map_err(|error| to_js(env, &error.at(mapping.name())))
    }
}

twins! { spawn: impl NativeMapping {
    /// Drops the pages of a range that was read.
    fn release, release_sync(&self, offset: f64, length: f64) -> () {
        let range = MappingRange::new(self, offset, length)?;
        move || evict::release(&range.mapping, range.offset, range.length)
    } => |()| ();

    /// Reports which pages of a range are in memory.
    fn residency, residency_sync(&self, offset: f64, length: f64, bucket: Option<f64>; token)
        -> ResidencyReport {
        let range = MappingRange::new(self, offset, length)?;
        let bucket = bucket.map(whole).transpose()?;
        move || residency::report(&range.mapping, range.offset, range.length, bucket, &token)
    } => ResidencyReport::from;

    /// Takes a range out of memory.
    fn evict, evict_sync(&self, offset: f64, length: f64; token) -> EvictionReport {
        let range = MappingRange::new(self, offset, length)?;
        move || evict::evict(&range.mapping, range.offset, range.length, &token)
    } => EvictionReport::from;

    /// Locks a range in memory.
    fn lock_memory, lock_memory_sync(&self, offset: f64, length: f64, on_fault: bool; token) -> () {
        let range = MappingRange::new(self, offset, length)?;
        move || {
            lock_pages::lock(&range.mapping, range.offset, range.length, on_fault, &token)
                .map_err(|error| error.at(range.mapping.name()))
        }
    } => |()| ();

    /// Checks that a range can be touched without a fault.
    fn verify, verify_sync(&self, offset: f64, length: f64, for_writing: bool; token) -> () {
        let range = MappingRange::new(self, offset, length)?;
        move || {
            populate::verify(&range.mapping, range.offset, range.length, for_writing, &token)
                .map_err(|error| error.at(range.mapping.name()))
        }
    } => |()| ();
} }
