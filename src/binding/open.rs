//! Opening mappings.

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::error::to_js;
use super::mapping::NativeMapping;
use super::number::whole;
use super::promise::spawn;
use crate::core;
use crate::core::mapping::mode::Mode;
use crate::core::mapping::region::Anonymous;
use crate::core::mapping::registry::Description;
use crate::core::open::{self as opening, Request, Source};

/// A request to map a file; the facade documents what each option means.
#[napi(object, object_to_js = false)]
pub struct OpenRequest {
    /// The path; this or `fd`.
    pub path: Option<String>,
    /// A descriptor, duplicated before the call returns.
    pub fd: Option<i32>,
    /// `r`, `r+`, `w+`, `wx+` or `c`.
    pub mode: String,
    /// Only with mode `r`.
    pub strict: bool,
    /// Bytes.
    pub offset: f64,
    /// Bytes; absent: to the end.
    pub length: Option<f64>,
    /// Bytes; only with modes that write.
    pub size: Option<f64>,
    /// Bytes of address space to set aside for growing.
    pub reserve: f64,
    /// A name of an advice.
    pub advice: Option<String>,
    /// Bring all pages in now.
    pub populate: bool,
    /// Absent: what the mode does by itself.
    pub no_reserve: Option<bool>,
    /// Ask for huge pages.
    pub huge_pages: bool,
    /// End the process on a fault.
    pub abort_on_fault: bool,
    /// A name that the registry shows.
    pub label: Option<String>,
    /// Whether the garbage collector ends it, by design.
    pub gc_owned: bool,
    /// The thread of JavaScript.
    pub thread: u32,
    /// Where it was opened.
    pub stack: Option<String>,
}

/// A request for memory without a file.
#[napi(object, object_to_js = false)]
pub struct AnonymousRequest {
    /// Bytes.
    pub length: f64,
    /// Bytes of address space to set aside for growing.
    pub reserve: f64,
    /// Without a promise of memory.
    pub no_reserve: bool,
    /// Bring all pages in now.
    pub populate: bool,
    /// Ask for transparent huge pages.
    pub huge_pages: bool,
    /// Take explicit huge pages of this many bytes.
    pub huge_page_size: Option<f64>,
    /// End the process on a fault.
    pub abort_on_fault: bool,
    /// A name that the registry shows.
    pub label: Option<String>,
    /// The thread of JavaScript.
    pub thread: u32,
    /// Where it was opened.
    pub stack: Option<String>,
}

fn convert(request: OpenRequest) -> Result<core::Result<Request>> {
    let Some(mode) = Mode::parse(&request.mode) else {
        return Err(Error::new(
            Status::InvalidArg,
            format!("No such mode: '{}'", request.mode),
        ));
    };
    let source = match (request.path, request.fd) {
        (Some(path), None) => Source::Path(path.into()),
        (None, Some(fd)) => match core::sys::duplicate(fd) {
            Ok(fd) => Source::Descriptor(fd),
            Err(error) => return Ok(Err(error.into())),
        },
        _ => {
            return Err(Error::new(
                Status::InvalidArg,
                "A path or a descriptor is needed",
            ));
        }
    };
    Ok(Ok(Request {
        source,
        mode,
        strict: request.strict,
        offset: whole(request.offset)?,
        length: request.length.map(whole).transpose()?,
        size: request.size.map(whole).transpose()?,
        reserve: whole(request.reserve)?,
        no_reserve: request.no_reserve,
        populate: request.populate,
        huge_pages: request.huge_pages,
        advice: request.advice,
        abort_on_fault: request.abort_on_fault,
        label: request.label,
        gc_owned: request.gc_owned,
        thread: request.thread,
        stack: request.stack,
    }))
}

/// Maps a file, on a thread of ours.
#[napi(ts_return_type = "Promise<NativeMapping>", catch_unwind)]
pub fn open(env: &Env, request: OpenRequest) -> Result<Object<'_>> {
    let request = convert(request)?;
    spawn(
        env,
        move || request.and_then(opening::open),
        NativeMapping::from,
    )
}

/// Maps a file, now.
#[napi(catch_unwind)]
pub fn open_sync(env: &Env, request: OpenRequest) -> Result<NativeMapping> {
    convert(request)?
        .and_then(opening::open)
        .map(NativeMapping::from)
        .map_err(|error| to_js(env, &error))
}

/// The contents of a small file, or null where it is left to mapping.
#[napi(ts_return_type = "Buffer | null", catch_unwind)]
pub fn read_small(env: &Env, path: String) -> Result<Option<BufferSlice<'_>>> {
    opening::read_small(path.as_ref(), |bytes| BufferSlice::copy_from(env, bytes)).transpose()
}

/// Maps memory without a file.
#[napi(catch_unwind)]
pub fn anonymous(env: &Env, request: AnonymousRequest) -> Result<NativeMapping> {
    let huge = request.huge_page_size.map(whole).transpose()?;
    let memory = Anonymous {
        length: whole(request.length)? as usize,
        room: whole(request.reserve)? as usize,
        no_reserve: request.no_reserve,
        huge: huge.map(|size| size as usize),
        transparent_huge: request.huge_pages && huge.is_none(),
        abort: request.abort_on_fault,
    };
    let description = Description {
        label: request.label,
        thread: request.thread,
        stack: request.stack,
        ..Description::default()
    };
    opening::anonymous(&memory, request.populate, description)
        .map(NativeMapping::from)
        .map_err(|error| to_js(env, &error))
}
