//! Patterns, and the search for them in a mapping.

use std::sync::Arc;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::array_buffer;
use super::error::to_js;
use super::mapping::NativeMapping;
use super::mapping_range::MappingRange;
use super::number::{Float64Array, whole};
use super::promise::{run, twins};
use crate::core;
use crate::core::cancel::CancelToken;
use crate::core::fault::foreign_memory;
use crate::core::search::{Match, Pattern, chunks, parallel};

/// A compiled pattern.
#[napi]
pub struct NativePattern(Arc<Pattern>);

impl NativePattern {
    /// Returns the pattern of core, for work on other threads.
    pub fn shared(&self) -> Arc<Pattern> {
        Arc::clone(&self.0)
    }
}

#[napi]
impl NativePattern {
    /// The length in bytes that all matches have, or null if their lengths can differ.
    #[napi(getter, ts_return_type = "number | null", catch_unwind)]
    pub fn match_length(&self) -> Option<f64> {
        self.0.match_length().map(|length| length as f64)
    }
}

/// Compiles a pattern of one needle, or of several.
#[napi(catch_unwind)]
pub fn pattern_of_needles(
    env: &Env,
    #[napi(ts_arg_type = "Uint8Array[]")] needles: Vec<Unknown<'_>>,
) -> Result<NativePattern> {
    let needles: Result<Vec<Vec<u8>>> = needles
        .iter()
        .map(|needle| {
            let (address, length) = array_buffer::bytes_of(env, needle)?;
            if length == 0 {
                return Ok(Vec::new());
            }
            foreign_memory::watch(address, || -> core::Result<_> {
                // SAFETY: the needle is a live typed array (`bytes_of`), which is copied before
                // JavaScript runs again.
                Ok(unsafe { std::slice::from_raw_parts(address, length) }.to_vec())
            })
            .map_err(|error| to_js(env, &error))
        })
        .collect();
    let needles = needles?;
    run(env, || Pattern::of_needles(&needles), native_pattern)
}

/// Compiles a regular expression, in the syntax of the `regex` crate.
#[napi(catch_unwind)]
pub fn pattern_of_regex(env: &Env, expression: String) -> Result<NativePattern> {
    run(env, || Pattern::of_regex(&expression), native_pattern)
}

fn native_pattern(pattern: Pattern) -> NativePattern {
    NativePattern(Arc::new(pattern))
}

/// Returns the number of threads that a search uses by default.
#[napi(catch_unwind)]
pub fn available_threads() -> u32 {
    chunks::available_threads() as u32
}

/// Returns the start and the end of a match, in bytes from the start of the range, and the index of
/// the needle; an empty array for no match.
fn match_triple(found: Option<Match>) -> Float64Array {
    let triple = found.map(|found| {
        vec![
            found.start as f64,
            found.end as f64,
            f64::from(found.needle),
        ]
    });
    Float64Array(triple.unwrap_or_default())
}

impl MappingRange {
    fn count(&self, pattern: &Pattern, threads: u32, token: &CancelToken) -> core::Result<u64> {
        let count =
            self.with_bytes(|bytes| parallel::count(pattern, bytes, threads as usize, token))?;
        self.checked(count, self.length)
    }

    fn find(
        &self,
        pattern: &Pattern,
        backwards: bool,
        threads: u32,
        token: &CancelToken,
    ) -> core::Result<Option<Match>> {
        let search = if backwards {
            parallel::last
        } else {
            parallel::first
        };
        let found = self.with_bytes(|bytes| search(pattern, bytes, threads as usize, token))?;
        // The first match does not depend on the bytes after it. The last match does.
        let end = found
            .filter(|_| !backwards)
            .map_or(self.length, |one| one.end as u64);
        self.checked(found, end)
    }

    /// Returns the matches that start in `entry..limit` as columns of numbers: the offset of each match in
    /// the mapping; the length of each match, if the lengths can differ; the index of each needle, if
    /// the pattern has several. Two numbers follow: the offset at which the search continues, and the
    /// number of matches.
    fn matches(
        &self,
        pattern: &Pattern,
        (entry, limit): (u64, u64),
        threads: u32,
        token: &CancelToken,
    ) -> core::Result<Vec<f64>> {
        let (bounds, threads) = ((entry as usize, limit as usize), threads as usize);
        let offset = |one: Match| (self.offset as usize + one.start) as f64;
        let (columns, next) = self.with_bytes(|bytes| {
            let (mut columns, next, count) = if pattern.match_length().is_some() {
                let (offsets, next) =
                    parallel::matches(pattern, bytes, bounds, threads, token, offset)?;
                let count = offsets.len();
                (offsets, next, count)
            } else {
                let (found, next) =
                    parallel::matches(pattern, bytes, bounds, threads, token, |one| one)?;
                let mut columns = Vec::with_capacity(found.len() * 3 + 2);
                columns.extend(found.iter().map(|&one| offset(one)));
                columns.extend(found.iter().map(|one| (one.end - one.start) as f64));
                if matches!(pattern, Pattern::MultiLiteral(_)) {
                    columns.extend(found.iter().map(|one| f64::from(one.needle)));
                }
                (columns, next, found.len())
            };
            columns.extend([next as f64, count as f64]);
            Ok((columns, next))
        })?;
        self.checked(columns, next as u64)
    }
}

twins! { spawn_search: impl NativeMapping {
    /// Counts the matches in a range.
    fn count, count_sync(
        &self, pattern: &NativePattern, offset: f64, length: f64, threads: u32; token
    ) -> f64 {
        let range = MappingRange::new(self, offset, length)?;
        let pattern = pattern.shared();
        move || range.count(&pattern, threads, &token)
    } => |count| count as f64;

    /// Returns the first match in a range, or the last occurrence of the pattern: its start and end
    /// within the range, and the index of the needle. The array is empty if there is no match.
    fn find, find_sync(
        &self, pattern: &NativePattern, offset: f64, length: f64, backwards: bool, threads: u32; token
    ) -> Float64Array {
        let range = MappingRange::new(self, offset, length)?;
        let pattern = pattern.shared();
        move || range.find(&pattern, backwards, threads, &token)
    } => match_triple;

    /// Returns the matches of a range that start in `entry..limit` of it, as columns of numbers: the
    /// offset of each match in the mapping; the length of each match, if the lengths can differ; the
    /// index of each needle, if the pattern has several. Two numbers follow: the offset at which the
    /// search continues, and the number of matches.
    fn matches, matches_sync(
        &self,
        pattern: &NativePattern,
        offset: f64,
        length: f64,
        entry: f64,
        limit: f64,
        threads: u32;
        token
    ) -> Float64Array {
        let bounds = (whole(entry)?, whole(limit)?);
        let range = MappingRange::new(self, offset, length)?;
        let pattern = pattern.shared();
        move || range.matches(&pattern, bounds, threads, &token)
    } => Float64Array;
} }
