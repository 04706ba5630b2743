//! Search and lines: what reads a mapping from end to end.

use std::sync::Arc;

use napi::JsString;
use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::array_buffer;
use super::error::to_js;
use super::mapping::NativeMapping;
use super::number::{Numbers, whole};
use super::promise::spawn_search;
use crate::core::cancel::CancelToken;
use crate::core::fault::foreign_memory;
use crate::core::lines::line_index;
use crate::core::mapping::mapping::Mapping;
use crate::core::search::{ByteSummary, Match, Pattern, RangeEnd, byte_offsets, chunks, parallel};
use crate::core::{self};

/// A long piece of work, as its caller sees it.
#[napi]
pub struct NativeJob(Arc<CancelToken>);

impl NativeJob {
    /// What it stands for, for work on other threads.
    pub fn shared(&self) -> Arc<CancelToken> {
        Arc::clone(&self.0)
    }
}

#[napi]
impl NativeJob {
    /// A job that hasn't begun.
    #[napi(constructor)]
    #[allow(clippy::new_without_default, reason = "only JavaScript makes one")]
    pub fn new() -> Self {
        Self(Arc::new(CancelToken::default()))
    }

    /// Not wanted any more.
    #[napi(catch_unwind)]
    pub fn cancel(&self) {
        self.0.cancel();
    }

    /// Bytes that are done.
    #[napi(getter, catch_unwind)]
    pub fn done(&self) -> f64 {
        self.0.done() as f64
    }
}

/// What to search for, made ready.
#[napi]
pub struct NativePattern(Arc<Pattern>);

#[napi]
impl NativePattern {
    /// How long each match is, in bytes, if all are of one length.
    #[napi(getter, ts_return_type = "number | null", catch_unwind)]
    pub fn length(&self) -> Option<f64> {
        self.0.match_length().map(|length| length as f64)
    }
}

/// A pattern of one needle, or of several.
#[napi(catch_unwind)]
pub fn needles(
    env: &Env,
    #[napi(ts_arg_type = "Uint8Array[]")] list: Vec<Unknown<'_>>,
) -> Result<NativePattern> {
    let list: Result<Vec<Vec<u8>>> = list
        .iter()
        .map(|needle| {
            let (address, length) = array_buffer::bytes_of(env, needle)?;
            if length == 0 {
                return Ok(Vec::new());
            }
            foreign_memory::watch(address, || {
                // SAFETY: the needle is a live typed array, copied before JavaScript runs again.
                Ok(unsafe { std::slice::from_raw_parts(address, length) }.to_vec())
            })
            .map_err(|error| to_js(env, &error))
        })
        .collect();
    Pattern::of_needles(&list?)
        .map(|pattern| NativePattern(Arc::new(pattern)))
        .map_err(|error| to_js(env, &error))
}

/// A pattern of a regular expression, in the syntax of the `regex` crate.
#[napi(catch_unwind)]
pub fn expression(env: &Env, source: String) -> Result<NativePattern> {
    Pattern::of_regex(&source)
        .map(|pattern| NativePattern(Arc::new(pattern)))
        .map_err(|error| to_js(env, &error))
}

/// How many threads a search takes when it isn't told.
#[napi(catch_unwind)]
pub fn available_threads() -> u32 {
    chunks::available_threads() as u32
}

/// Writes where the pieces of a part are to `out`: where each begins, then how long each is. Where
/// its `count` separators begin is in `delimiters`, and `offset` is where the part itself begins. With
/// the part's bytes, a carriage return before a separator belongs to it.
#[napi(catch_unwind)]
#[allow(
    clippy::too_many_arguments,
    reason = "it is called by the facade alone"
)]
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
    // SAFETY: the array is JavaScript's, which does not run meanwhile.
    let (starts, lengths) = unsafe { out.as_mut() }.split_at_mut(delimiters.len());
    let Some(bytes) = bytes else {
        core::search::delimited_ranges(delimiters, range_end, offset, None, starts, lengths);
        return Ok(());
    };
    let (address, length) = array_buffer::bytes_of(env, &bytes)?;
    if address.is_null() {
        return Err(Error::new(Status::InvalidArg, "There are no bytes"));
    }
    foreign_memory::watch(address, || {
        // SAFETY: the bytes are a live typed array's, and JavaScript does not run meanwhile.
        let bytes = unsafe { std::slice::from_raw_parts(address, length) };
        core::search::delimited_ranges(delimiters, range_end, offset, Some(bytes), starts, lengths);
        Ok(())
    })
    .map_err(|error| to_js(env, &error))
}

/// Where something was found, as the facade reads it: start and end, in bytes of the range that
/// was searched, and the number of the needle.
fn triple(found: Match) -> [f64; 3] {
    [
        found.start as f64,
        found.end as f64,
        f64::from(found.needle),
    ]
}

fn triples(found: Option<Match>) -> Float64Array {
    Float64Array::new(found.map(triple).map(Vec::from).unwrap_or_default())
}

/// A range of a mapping that something is done with, on this thread or another.
#[derive(Clone)]
struct Target {
    mapping: Arc<Mapping>,
    offset: u64,
    length: u64,
}

impl Target {
    fn of(mapping: &NativeMapping, offset: f64, length: f64) -> Result<Self> {
        Ok(Self {
            mapping: mapping.shared(),
            offset: whole(offset)?,
            length: whole(length)?,
        })
    }

    fn look<T>(&self, look: impl FnOnce(&[u8]) -> core::Result<T>) -> core::Result<T> {
        self.mapping.with_bytes(self.offset, self.length, look)?
    }

    /// What was looked at, up to `end`, must have been the file's.
    fn checked<T>(&self, result: T, end: u64) -> core::Result<T> {
        self.mapping
            .check_file_covers(self.offset, end.min(self.length))?;
        Ok(result)
    }

    fn count(&self, pattern: &Pattern, threads: u32, job: &CancelToken) -> core::Result<u64> {
        let count = self.look(|bytes| parallel::count(pattern, bytes, threads as usize, job))?;
        self.checked(count, self.length)
    }

    fn find(
        &self,
        pattern: &Pattern,
        backwards: bool,
        threads: u32,
        job: &CancelToken,
    ) -> core::Result<Option<Match>> {
        let search = if backwards {
            parallel::last
        } else {
            parallel::first
        };
        let found = self.look(|bytes| search(pattern, bytes, threads as usize, job))?;
        // Nothing behind the first match counts, and everything behind the last one does.
        let end = found
            .filter(|_| !backwards)
            .map_or(self.length, |one| one.end as u64);
        self.checked(found, end)
    }

    /// Writes where matches start to `out`, as many as fit, and says how many they are.
    fn match_offsets(&self, pattern: &Pattern, out: &mut [u32]) -> core::Result<u32> {
        let (count, end) = self.look(|bytes| {
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

    /// Columns of numbers: where each match in `entry..limit` starts in the mapping; if they are
    /// not all of one length, how long each is; if there are several needles, the number of each
    /// one's. Then two more numbers: where the search stands, and how many matches there are.
    fn matches(
        &self,
        pattern: &Pattern,
        part: (u64, u64),
        threads: u32,
        job: &CancelToken,
    ) -> core::Result<Vec<f64>> {
        let (entry, limit) = (part.0 as usize, part.1 as usize);
        let (part, threads) = ((entry, limit), threads as usize);
        let start = |one: Match| (self.offset as usize + one.start) as f64;
        let (all, next) = self.look(|bytes| {
            let (mut all, next, count) = if pattern.match_length().is_some() {
                let (all, next) = parallel::matches(pattern, bytes, part, threads, job, start)?;
                let count = all.len();
                (all, next, count)
            } else {
                let (found, next) =
                    parallel::matches(pattern, bytes, part, threads, job, |one| one)?;
                let mut all = Vec::with_capacity(found.len() * 3 + 2);
                all.extend(found.iter().map(|&one| start(one)));
                all.extend(found.iter().map(|one| (one.end - one.start) as f64));
                if matches!(pattern, Pattern::MultiLiteral(_)) {
                    all.extend(found.iter().map(|one| f64::from(one.needle)));
                }
                (all, next, found.len())
            };
            all.extend([next as f64, count as f64]);
            Ok((all, next))
        })?;
        self.checked(all, next as u64)
    }
}

/// What the search for a byte found in a range.
#[napi(object, object_from_js = false)]
pub struct ByteOffsets {
    /// The number of offsets that were written.
    pub count: u32,
    /// Whether all bytes of the range are ASCII.
    pub is_ascii: bool,
    /// Whether a carriage return is in the range.
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

#[napi]
impl NativeMapping {
    /// How many matches there are in a range.
    #[napi(catch_unwind)]
    pub fn count_sync(
        &self,
        env: &Env,
        pattern: &NativePattern,
        offset: f64,
        length: f64,
        threads: u32,
    ) -> Result<f64> {
        Target::of(self, offset, length)?
            .count(&pattern.0, threads, &CancelToken::default())
            .map(|count| count as f64)
            .map_err(|error| to_js(env, &error))
    }

    /// The same on threads of ours.
    #[napi(ts_return_type = "Promise<number>", catch_unwind)]
    pub fn count<'env>(
        &self,
        env: &'env Env,
        pattern: &NativePattern,
        offset: f64,
        length: f64,
        threads: u32,
        job: &NativeJob,
    ) -> Result<Object<'env>> {
        let target = Target::of(self, offset, length)?;
        let (pattern, job) = (Arc::clone(&pattern.0), Arc::clone(&job.0));
        spawn_search(
            env,
            move || target.count(&pattern, threads, &job),
            |count| count as f64,
        )
    }

    /// The first match in a range, or the last place where the pattern starts: a triple of its
    /// start and end within the range and the needle's number, or nothing.
    #[napi(catch_unwind)]
    pub fn find_sync(
        &self,
        env: &Env,
        pattern: &NativePattern,
        offset: f64,
        length: f64,
        backwards: bool,
        threads: u32,
    ) -> Result<Float64Array> {
        Target::of(self, offset, length)?
            .find(&pattern.0, backwards, threads, &CancelToken::default())
            .map(triples)
            .map_err(|error| to_js(env, &error))
    }

    /// The same on threads of ours.
    #[napi(ts_return_type = "Promise<Float64Array>", catch_unwind)]
    #[allow(
        clippy::too_many_arguments,
        reason = "it is called by the facade alone"
    )]
    pub fn find<'env>(
        &self,
        env: &'env Env,
        pattern: &NativePattern,
        offset: f64,
        length: f64,
        backwards: bool,
        threads: u32,
        job: &NativeJob,
    ) -> Result<Object<'env>> {
        let target = Target::of(self, offset, length)?;
        let (pattern, job) = (Arc::clone(&pattern.0), Arc::clone(&job.0));
        spawn_search(
            env,
            move || target.find(&pattern, backwards, threads, &job),
            triples,
        )
    }

    /// The matches of a range that start in `entry..limit` of it, where the search stands at
    /// `entry`: in columns, as [`Target::matches`] has them.
    #[napi(ts_return_type = "Float64Array", catch_unwind)]
    #[allow(
        clippy::too_many_arguments,
        reason = "it is called by the facade alone"
    )]
    pub fn matches_sync(
        &self,
        env: &Env,
        pattern: &NativePattern,
        offset: f64,
        length: f64,
        entry: f64,
        limit: f64,
        threads: u32,
    ) -> Result<Numbers> {
        let part = (whole(entry)?, whole(limit)?);
        Target::of(self, offset, length)?
            .matches(&pattern.0, part, threads, &CancelToken::default())
            .map(Numbers)
            .map_err(|error| to_js(env, &error))
    }

    /// The same on threads of ours.
    #[napi(ts_return_type = "Promise<Float64Array>", catch_unwind)]
    #[allow(
        clippy::too_many_arguments,
        reason = "it is called by the facade alone"
    )]
    pub fn matches<'env>(
        &self,
        env: &'env Env,
        pattern: &NativePattern,
        offset: f64,
        length: f64,
        entry: f64,
        limit: f64,
        threads: u32,
        job: &NativeJob,
    ) -> Result<Object<'env>> {
        let part = (whole(entry)?, whole(limit)?);
        let target = Target::of(self, offset, length)?;
        let (pattern, job) = (Arc::clone(&pattern.0), Arc::clone(&job.0));
        spawn_search(
            env,
            move || target.matches(&pattern, part, threads, &job),
            Numbers,
        )
    }

    /// Writes the offsets of a byte to `out`, counted from the start of the range, as many as fit.
    #[napi(catch_unwind)]
    pub fn byte_offsets(
        &self,
        env: &Env,
        offset: f64,
        length: f64,
        byte: u8,
        mut out: Uint32ArraySlice<'_>,
    ) -> Result<ByteOffsets> {
        // SAFETY: the array is JavaScript's, which does not run meanwhile.
        let out = unsafe { out.as_mut() };
        Target::of(self, offset, length)?
            .look(|bytes| Ok(byte_offsets(bytes, byte, out)))
            .map(ByteOffsets::from)
            .map_err(|error| to_js(env, &error))
    }

    /// Writes the offsets of the matches in a range to `out`, counted from the start of the range,
    /// as many as fit. Returns how many they are.
    #[napi(catch_unwind)]
    pub fn match_offsets(
        &self,
        env: &Env,
        pattern: &NativePattern,
        offset: f64,
        length: f64,
        mut out: Uint32ArraySlice<'_>,
    ) -> Result<u32> {
        // SAFETY: the array is JavaScript's, which does not run meanwhile.
        let out = unsafe { out.as_mut() };
        Target::of(self, offset, length)?
            .match_offsets(&pattern.0, out)
            .map_err(|error| to_js(env, &error))
    }

    /// A range as a string, with a character for each byte: no view is needed for it.
    #[napi(catch_unwind, ts_return_type = "string")]
    pub fn latin1<'env>(&self, env: &'env Env, offset: f64, length: f64) -> Result<JsString<'env>> {
        Target::of(self, offset, length)?
            .look(|bytes| Ok(env.create_string_latin1(bytes)))
            .map_err(|error| to_js(env, &error))?
    }

    /// How often a byte occurs in a range.
    #[napi(catch_unwind)]
    pub fn count_byte_sync(
        &self,
        env: &Env,
        offset: f64,
        length: f64,
        byte: u8,
        threads: u32,
    ) -> Result<f64> {
        let job = CancelToken::default();
        line_index::count(
            &self.shared(),
            whole(offset)?,
            whole(length)?,
            byte,
            threads as usize,
            &job,
        )
        .map(|count| count as f64)
        .map_err(|error| to_js(env, &error))
    }

    /// The index of the lines of a range, on threads of ours.
    #[napi(ts_return_type = "Promise<Uint8Array>", catch_unwind)]
    pub fn line_index<'env>(
        &self,
        env: &'env Env,
        offset: f64,
        length: f64,
        threads: u32,
        job: &NativeJob,
    ) -> Result<Object<'env>> {
        let (mapping, job) = (self.shared(), Arc::clone(&job.0));
        let (offset, length) = (whole(offset)?, whole(length)?);
        let work = move || line_index::index(&mapping, offset, length, threads as usize, &job);
        spawn_search(env, work, Uint8Array::new)
    }

    /// Throws if the file does not reach to the end of a range any more.
    #[napi(catch_unwind)]
    pub fn check_extent(&self, env: &Env, offset: f64, length: f64) -> Result<()> {
        self.shared()
            .check_file_covers(whole(offset)?, whole(length)?)
            .map_err(|error| to_js(env, &error))
    }

    /// The same for a range of which all bytes were just read: most often these tell by themselves.
    #[napi(catch_unwind)]
    pub fn check_read(&self, env: &Env, offset: f64, length: f64) -> Result<()> {
        self.shared()
            .check_read(whole(offset)?, whole(length)?)
            .map_err(|error| to_js(env, &error))
    }
}
