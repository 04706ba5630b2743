//! The native side of lines and other delimited ranges.

use napi::JsString;
use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::array_buffer;
use super::cancel::NativeCancelToken;
use super::error::to_js;
use super::mapping::NativeMapping;
use super::mapping_range::MappingRange;
use super::promise::{run, spawn_search};
use super::search::NativePattern;
use crate::core;
use crate::core::cancel::CancelToken;
use crate::core::fault::foreign_memory;
use crate::core::lines::line_index;
use crate::core::search::{self, ByteSummary, Pattern, RangeEnd};

/// Writes the delimited ranges of a batch to `out`: first the offset of each range, then the length of
/// each.
///
/// `delimiters` has the offsets of `count` delimiters within the batch, each of `width` bytes. `offset`
/// is the offset of the batch. If `bytes` has the bytes of the batch, a carriage return before a
/// delimiter belongs to the delimiter.
#[napi(catch_unwind)]
#[allow(clippy::too_many_arguments, reason = "only the facade calls it")]
pub fn delimited_ranges(
    env: &Env,
    delimiters: Uint32ArraySlice<'_>,
    count: u32,
    offset: f64,
    width: f64,
    keep_end: bool,
    #[napi(ts_arg_type = "Uint8Array | undefined")] bytes: Option<Unknown<'_>>,
    mut out: Float64ArraySlice<'_>,
) -> Result<()> {
    let range_end = RangeEnd {
        delimiter_length: width,
        keeps_delimiter: keep_end,
    };
    let delimiters = &delimiters[..count as usize];
    // SAFETY: the array belongs to JavaScript, which does not run during this call.
    let (starts, lengths) = unsafe { out.as_mut() }.split_at_mut(delimiters.len());
    let Some(bytes) = bytes else {
        search::delimited_ranges(delimiters, range_end, offset, None, starts, lengths);
        return Ok(());
    };
    let (address, length) = array_buffer::bytes_of(env, &bytes)?;
    if address.is_null() {
        return Err(Error::new(Status::InvalidArg, "There are no bytes"));
    }
    foreign_memory::watch(address, || -> core::Result<()> {
        // SAFETY: the bytes are those of a live typed array (`bytes_of`), and JavaScript does not run
        // during this call.
        let bytes = unsafe { std::slice::from_raw_parts(address, length) };
        search::delimited_ranges(delimiters, range_end, offset, Some(bytes), starts, lengths);
        Ok(())
    })
    .map_err(|error| to_js(env, &error))
}

/// The result of the search for the offsets of a byte in a range.
#[napi(object, object_from_js = false)]
pub struct ByteOffsets {
    /// The number of offsets that were written.
    pub count: u32,
    /// Whether all bytes of the range are ASCII.
    pub is_ascii: bool,
    /// Whether any byte of the range is a carriage return.
    pub has_return: bool,
}

impl From<ByteSummary> for ByteOffsets {
    fn from(summary: ByteSummary) -> Self {
        Self {
            count: summary.count as u32,
            is_ascii: summary.is_ascii,
            has_return: summary.has_return,
        }
    }
}

impl MappingRange {
    /// Writes the offsets of matches to `out`, until `out` is full, and returns their number.
    fn match_offsets(&self, pattern: &Pattern, out: &mut [u32]) -> core::Result<u32> {
        let (count, end) = self.with_bytes(|bytes| {
            let mut count = 0;
            let end = pattern.scan(bytes, 0, bytes.len(), &CancelToken::default(), |found| {
                let Some(slot) = out.get_mut(count) else {
                    return false;
                };
                *slot = found.start as u32;
                count += 1;
                count < out.len()
            });
            Ok((count as u32, end as u64))
        })?;
        self.checked(count, end)
    }
}

#[napi]
impl NativeMapping {
    /// Writes the offsets of a byte to `out`, counted from the start of the range, until `out` is full.
    #[napi(catch_unwind)]
    pub fn byte_offsets(
        &self,
        env: &Env,
        offset: f64,
        length: f64,
        byte: u8,
        mut out: Uint32ArraySlice<'_>,
    ) -> Result<ByteOffsets> {
        let range = MappingRange::new(self, offset, length)?;
        // SAFETY: the array belongs to JavaScript, which does not run during this call.
        let out = unsafe { out.as_mut() };
        let work = || range.with_bytes(|bytes| Ok(search::byte_offsets(bytes, byte, out)));
        run(env, work, ByteOffsets::from)
    }

    /// Writes the offsets of the matches to `out`, counted from the start of the range, until `out` is
    /// full. Returns their number.
    #[napi(catch_unwind)]
    pub fn match_offsets(
        &self,
        env: &Env,
        pattern: &NativePattern,
        offset: f64,
        length: f64,
        mut out: Uint32ArraySlice<'_>,
    ) -> Result<u32> {
        let range = MappingRange::new(self, offset, length)?;
        // SAFETY: the array belongs to JavaScript, which does not run during this call.
        let out = unsafe { out.as_mut() };
        let pattern = pattern.shared();
        run(env, || range.match_offsets(&pattern, out), |count| count)
    }

    /// Returns a range as a string with one character for each byte. It needs no view.
    #[napi(catch_unwind, ts_return_type = "string")]
    pub fn latin1<'env>(&self, env: &'env Env, offset: f64, length: f64) -> Result<JsString<'env>> {
        MappingRange::new(self, offset, length)?
            .with_bytes(|bytes| Ok(env.create_string_latin1(bytes)))
            .map_err(|error| to_js(env, &error))?
    }

    /// Counts the occurrences of a byte in a range, on this thread and up to `threads - 1` others.
    #[napi(catch_unwind)]
    pub fn count_byte_sync(
        &self,
        env: &Env,
        offset: f64,
        length: f64,
        byte: u8,
        threads: u32,
    ) -> Result<f64> {
        let range = MappingRange::new(self, offset, length)?;
        let (mapping, threads, token) = (&range.mapping, threads as usize, &CancelToken::default());
        let work = || line_index::count(mapping, range.offset, range.length, byte, threads, token);
        run(env, work, |count| count as f64)
    }

    /// Builds the index of the lines of a range, on the thread pool.
    #[napi(catch_unwind)]
    pub fn line_index<'env>(
        &self,
        env: &'env Env,
        offset: f64,
        length: f64,
        threads: u32,
        token: &NativeCancelToken,
    ) -> Result<PromiseRaw<'env, Uint8Array>> {
        let range = MappingRange::new(self, offset, length)?;
        let (threads, token) = (threads as usize, token.shared());
        let work =
            move || line_index::index(&range.mapping, range.offset, range.length, threads, &token);
        spawn_search(env, work, Uint8Array::new)
    }
}
