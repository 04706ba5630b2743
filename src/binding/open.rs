//! Opening mappings.

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::error::to_js;
use super::mapping::NativeMapping;
use super::number::whole;
use super::promise::twins;
use crate::core;
use crate::core::mapping::map_region::Anonymous;
use crate::core::mapping::mode::Mode;
use crate::core::mapping::registry::Description;
use crate::core::open::{self as opening, Request, Source};

/// Defines the request that JavaScript passes, and its conversion to the request of core. Both have the
/// same fields: each is written once, with its type in JavaScript and the function that converts it.
/// The doc comments stay here: napi would declare them to TypeScript as raw strings. The type is in brackets because napi must see its tokens to recognise an `Option`.
macro_rules! request {
    ($(
        $(#[$($doc:tt)*])*
        $field:ident: [$($type:tt)+] => $convert:expr,
    )*) => {
        /// A request to map a file. The facade documents the options.
        #[napi(object, object_to_js = false)]
        pub struct OpenRequest {
            /// The path; either this or `fd`.
            pub path: Option<String>,
            /// A descriptor, which is duplicated before the call returns.
            pub fd: Option<i32>,
            $(pub $field: $($type)+,)*
        }

        impl OpenRequest {
            fn with_source(self, source: Source) -> Result<Request> {
                Ok(Request { source, $($field: $convert(self.$field)?,)* })
            }
        }
    };
}

request! {
    /// `r`, `r+`, `w+`, `wx+` or `c`.
    mode: [String] => parse_mode,
    /// Map read-only pages; only with mode `r`.
    strict: [bool] => Ok::<bool, Error>,
    /// The offset in the file, in bytes.
    offset: [f64] => whole,
    /// The length in bytes; undefined: to the end of the file.
    length: [Option<f64>] => optional,
    /// The size of the file in bytes; only with modes that write.
    size: [Option<f64>] => optional,
    /// The bytes of address space to reserve for growing.
    reserve: [f64] => whole,
    /// The name of an advice.
    advice: [Option<String>] => Ok::<Option<String>, Error>,
    /// Bring all pages in before the call returns.
    populate: [bool] => Ok::<bool, Error>,
    /// Do not reserve swap; undefined: the default of the mode.
    no_reserve: [Option<bool>] => Ok::<Option<bool>, Error>,
    /// Request huge pages.
    huge_pages: [bool] => Ok::<bool, Error>,
    /// End the process on a fault.
    abort_on_fault: [bool] => Ok::<bool, Error>,
    /// A name for the registry.
    label: [Option<String>] => Ok::<Option<String>, Error>,
    /// Whether the garbage collector closes the mapping by design.
    gc_owned: [bool] => Ok::<bool, Error>,
    /// The id of the JavaScript thread.
    thread: [u32] => Ok::<u32, Error>,
    /// The stack of the caller, for the registry.
    stack: [Option<String>] => Ok::<Option<String>, Error>,
}

fn parse_mode(name: String) -> Result<Mode> {
    Mode::parse(&name)
        .ok_or_else(|| Error::new(Status::InvalidArg, format!("No such mode: '{name}'")))
}

fn optional(number: Option<f64>) -> Result<Option<u64>> {
    number.map(whole).transpose()
}

/// A request for memory without a file.
#[napi(object, object_to_js = false)]
pub struct AnonymousRequest {
    /// The length in bytes.
    pub length: f64,
    /// The bytes of address space to reserve for growing.
    pub reserve: f64,
    /// Do not reserve swap.
    pub no_reserve: bool,
    /// Bring all pages in before the call returns.
    pub populate: bool,
    /// Request transparent huge pages.
    pub huge_pages: bool,
    /// The size of explicit huge pages, in bytes.
    pub huge_page_size: Option<f64>,
    /// End the process on a fault.
    pub abort_on_fault: bool,
    /// A name for the registry.
    pub label: Option<String>,
    /// The id of the JavaScript thread.
    pub thread: u32,
    /// The stack of the caller, for the registry.
    pub stack: Option<String>,
}

fn convert(request: OpenRequest) -> Result<core::Result<Request>> {
    let source = match (&request.path, request.fd) {
        (Some(path), None) => Source::Path(path.into()),
        (None, Some(fd)) => match core::sys::duplicate(fd) {
            Ok(fd) => Source::Descriptor(fd),
            Err(error) => return Ok(Err(error.into())),
        },
        _ => {
            return Err(Error::new(
                Status::InvalidArg,
                "Either a path or a descriptor is needed",
            ));
        }
    };
    request.with_source(source).map(Ok)
}

twins! { spawn:
    /// Maps a file.
    fn open, open_sync(request: OpenRequest) -> NativeMapping {
        let request = convert(request)?;
        move || request.and_then(opening::open)
    } => NativeMapping::from;
}

/// Returns the contents of a small file, or null if the file should be mapped instead.
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
