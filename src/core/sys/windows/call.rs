//! Calls that only newer systems have, looked up at first use: placeholders, which keep a range of
//! addresses reserved while views in it are mapped and unmapped. Windows 10 1803 and later have
//! them. <https://learn.microsoft.com/en-us/windows/win32/api/memoryapi/nf-memoryapi-virtualalloc2>

use std::ffi::c_void;
use std::sync::OnceLock;

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::Storage::FileSystem::{
    FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE,
};

use super::thread::find_in;

/// Lets other processes do everything with an open file, also remove and rename it, as on Unix.
pub(super) const SHARE_ALL: u32 = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

type VirtualAlloc2 = unsafe extern "system" fn(
    process: HANDLE,
    address: *const c_void,
    size: usize,
    kind: u32,
    protection: u32,
    parameters: *mut c_void,
    count: u32,
) -> *mut c_void;

type MapViewOfFile3 = unsafe extern "system" fn(
    section: HANDLE,
    process: HANDLE,
    address: *const c_void,
    offset: u64,
    size: usize,
    kind: u32,
    protection: u32,
    parameters: *mut c_void,
    count: u32,
) -> *mut c_void;

type UnmapViewOfFile2 =
    unsafe extern "system" fn(process: HANDLE, address: *const c_void, flags: u32) -> i32;

/// The calls for placeholders.
#[derive(Debug, Clone, Copy)]
pub struct Placeholders {
    /// Allocates address space or memory.
    pub alloc: VirtualAlloc2,
    /// Maps a view.
    pub map: MapViewOfFile3,
    /// Unmaps a view.
    pub unmap: UnmapViewOfFile2,
}

/// Returns the calls, if the system has all of them.
pub fn placeholders() -> Option<Placeholders> {
    static CALLS: OnceLock<Option<Placeholders>> = OnceLock::new();
    *CALLS.get_or_init(|| {
        let library: Vec<u16> = "kernelbase.dll\0".encode_utf16().collect();
        let find = |name| find_in(library.as_ptr(), name);
        // SAFETY: the functions have these signatures according to their documentation.
        unsafe {
            Some(Placeholders {
                alloc: std::mem::transmute::<*mut c_void, VirtualAlloc2>(find(c"VirtualAlloc2")?),
                map: std::mem::transmute::<*mut c_void, MapViewOfFile3>(find(c"MapViewOfFile3")?),
                unmap: std::mem::transmute::<*mut c_void, UnmapViewOfFile2>(find(
                    c"UnmapViewOfFile2",
                )?),
            })
        }
    })
}
