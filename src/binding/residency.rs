//! What is in memory: finding out, bringing it in, keeping it there, letting it go.

use std::sync::Arc;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::array_buffer;
use super::error::to_js;
use super::mapping::NativeMapping;
use super::number::whole;
use super::promise::spawn;
use super::search::NativeJob;
use crate::core::Result as CoreResult;
use crate::core::cancel::CancelToken;
use crate::core::copy::gather;
use crate::core::mapping::mapping::Mapping;
use crate::core::residency::evict::{self, Evicted};
use crate::core::residency::residency::{self, Report};
use crate::core::residency::{lock_pages, populate};

/// What is known of the pages of a range; what is not known is left out.
#[napi(object, object_from_js = false)]
pub struct ResidencyReport {
    /// `yes`, `no` or `unknown`.
    pub resident: &'static str,
    /// Bytes of a page.
    pub page_size: f64,
    /// Pages that the range touches.
    pub pages: f64,
    /// Those in memory.
    pub resident_pages: Option<f64>,
    /// Those locked in memory.
    pub locked_pages: f64,
    /// Those of the file's page cache that are to be written.
    pub dirty_pages: Option<f64>,
    /// Those that are being written.
    pub writeback_pages: Option<f64>,
    /// Those that were in the page cache.
    pub evicted_pages: Option<f64>,
    /// Those that were there a short time ago.
    pub recently_evicted_pages: Option<f64>,
    /// Per cent of each bucket.
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

/// What came of evicting, in bytes; what is not known is left out.
#[napi(object, object_from_js = false)]
pub struct EvictionReport {
    /// That went.
    pub evicted: Option<f64>,
    /// That are still there.
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

/// A range of a mapping, for work on this thread or another.
struct Part {
    mapping: Arc<Mapping>,
    offset: u64,
    length: u64,
    job: Arc<CancelToken>,
}

impl Part {
    fn of(
        mapping: &NativeMapping,
        offset: f64,
        length: f64,
        job: Option<&NativeJob>,
    ) -> Result<Self> {
        Ok(Self {
            mapping: mapping.shared(),
            offset: whole(offset)?,
            length: whole(length)?,
            job: job.map_or_else(Arc::default, NativeJob::shared),
        })
    }

    fn report(&self, bucket: Option<u64>) -> CoreResult<Report> {
        residency::report(&self.mapping, self.offset, self.length, bucket, &self.job)
    }

    fn evict(&self) -> CoreResult<Evicted> {
        evict::evict(&self.mapping, self.offset, self.length, &self.job)
    }

    fn lock(&self, on_fault: bool) -> CoreResult<()> {
        lock_pages::lock(&self.mapping, self.offset, self.length, on_fault, &self.job)
            .map_err(|error| error.at(self.mapping.name()))
    }

    fn verify(&self, for_writing: bool) -> CoreResult<()> {
        populate::verify(
            &self.mapping,
            self.offset,
            self.length,
            for_writing,
            &self.job,
        )
        .map_err(|error| error.at(self.mapping.name()))
    }
}

#[napi]
impl NativeMapping {
    /// Whether all pages of a range are in memory; where the system does not tell, yes.
    #[napi(catch_unwind)]
    pub fn is_resident(&self, env: &Env, offset: f64, length: f64) -> Result<bool> {
        residency::is_resident(&self.shared(), whole(offset)?, whole(length)?)
            .map_err(|error| to_js(env, &error))
    }

    /// Brings a range into memory, on a thread of ours.
    #[napi(ts_return_type = "Promise<void>", catch_unwind)]
    pub fn prefetch<'env>(
        &self,
        env: &'env Env,
        offset: f64,
        length: f64,
        job: &NativeJob,
    ) -> Result<Object<'env>> {
        let (mapping, job) = (self.shared(), job.shared());
        let (offset, length) = (whole(offset)?, whole(length)?);
        spawn(
            env,
            move || populate::prefetch(&mapping, offset, length, &job),
            |()| (),
        )
    }

    /// Brings many places of `size` bytes into memory, on a thread of ours.
    #[napi(ts_return_type = "Promise<void>", catch_unwind)]
    pub fn prefetch_places<'env>(
        &self,
        env: &'env Env,
        offsets: &[f64],
        size: f64,
        job: &NativeJob,
    ) -> Result<Object<'env>> {
        let (mapping, job, size) = (self.shared(), job.shared(), whole(size)?);
        let offsets = offsets.to_vec();
        let work = move || gather::prefetch_places(&mapping, &offsets, size, &job);
        spawn(env, work, |()| ())
    }

    /// Copies many places of `size` bytes, one behind the other, to `into`.
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
                "The target has not the length of the places",
            ));
        }
        // SAFETY: the target has that length and is a live typed array; no JavaScript runs until
        // the copy is done.
        unsafe { gather::gather(&self.shared(), offsets, size, address) }
            .map_err(|error| to_js(env, &error))
    }

    /// Lets go of the pages of a range that was read, on a thread of ours.
    #[napi(ts_return_type = "Promise<void>", catch_unwind)]
    pub fn release<'env>(&self, env: &'env Env, offset: f64, length: f64) -> Result<Object<'env>> {
        let (mapping, offset, length) = (self.shared(), whole(offset)?, whole(length)?);
        spawn(
            env,
            move || evict::release(&mapping, offset, length),
            |()| (),
        )
    }

    /// Lets go of the pages of a range that was read, now.
    #[napi(catch_unwind)]
    pub fn release_sync(&self, env: &Env, offset: f64, length: f64) -> Result<()> {
        evict::release(&self.shared(), whole(offset)?, whole(length)?)
            .map_err(|error| to_js(env, &error))
    }

    /// Looks which pages of a range are in memory, on a thread of ours.
    #[napi(ts_return_type = "Promise<ResidencyReport>", catch_unwind)]
    pub fn residency<'env>(
        &self,
        env: &'env Env,
        offset: f64,
        length: f64,
        bucket: Option<f64>,
        job: &NativeJob,
    ) -> Result<Object<'env>> {
        let part = Part::of(self, offset, length, Some(job))?;
        let bucket = bucket.map(whole).transpose()?;
        spawn(env, move || part.report(bucket), ResidencyReport::from)
    }

    /// Looks which pages of a range are in memory, now.
    #[napi(catch_unwind)]
    pub fn residency_sync(
        &self,
        env: &Env,
        offset: f64,
        length: f64,
        bucket: Option<f64>,
    ) -> Result<ResidencyReport> {
        let bucket = bucket.map(whole).transpose()?;
        Part::of(self, offset, length, None)?
            .report(bucket)
            .map(ResidencyReport::from)
            .map_err(|error| to_js(env, &error))
    }

    /// Takes a range out of memory, on a thread of ours.
    #[napi(ts_return_type = "Promise<EvictionReport>", catch_unwind)]
    pub fn evict<'env>(
        &self,
        env: &'env Env,
        offset: f64,
        length: f64,
        job: &NativeJob,
    ) -> Result<Object<'env>> {
        let part = Part::of(self, offset, length, Some(job))?;
        spawn(env, move || part.evict(), EvictionReport::from)
    }

    /// Takes a range out of memory, now.
    #[napi(catch_unwind)]
    pub fn evict_sync(&self, env: &Env, offset: f64, length: f64) -> Result<EvictionReport> {
        Part::of(self, offset, length, None)?
            .evict()
            .map(EvictionReport::from)
            .map_err(|error| to_js(env, &error))
    }

    /// Locks a range in memory, on a thread of ours.
    #[napi(ts_return_type = "Promise<void>", catch_unwind)]
    pub fn lock_memory<'env>(
        &self,
        env: &'env Env,
        offset: f64,
        length: f64,
        on_fault: bool,
        job: &NativeJob,
    ) -> Result<Object<'env>> {
        let part = Part::of(self, offset, length, Some(job))?;
        spawn(env, move || part.lock(on_fault), |()| ())
    }

    /// Locks a range in memory, now.
    #[napi(catch_unwind)]
    pub fn lock_memory_sync(
        &self,
        env: &Env,
        offset: f64,
        length: f64,
        on_fault: bool,
    ) -> Result<()> {
        Part::of(self, offset, length, None)?
            .lock(on_fault)
            .map_err(|error| to_js(env, &error))
    }

    /// Undoes that.
    #[napi(catch_unwind)]
    pub fn unlock_memory(&self, env: &Env, offset: f64, length: f64) -> Result<()> {
        let mapping = self.shared();
        lock_pages::unlock(&mapping, whole(offset)?, whole(length)?)
            .map_err(|error| to_js(env, &error.at(mapping.name())))
    }

    /// Proves that a range can be touched, on a thread of ours.
    #[napi(ts_return_type = "Promise<void>", catch_unwind)]
    pub fn verify<'env>(
        &self,
        env: &'env Env,
        offset: f64,
        length: f64,
        for_writing: bool,
        job: &NativeJob,
    ) -> Result<Object<'env>> {
        let part = Part::of(self, offset, length, Some(job))?;
        spawn(env, move || part.verify(for_writing), |()| ())
    }

    /// Proves that a range can be touched, now.
    #[napi(catch_unwind)]
    pub fn verify_sync(
        &self,
        env: &Env,
        offset: f64,
        length: f64,
        for_writing: bool,
    ) -> Result<()> {
        Part::of(self, offset, length, None)?
            .verify(for_writing)
            .map_err(|error| to_js(env, &error))
    }
}
