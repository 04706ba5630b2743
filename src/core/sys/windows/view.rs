//! Views of a file, and the placeholders around them.

use std::ptr;

use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, MEM_PRESERVE_PLACEHOLDER, MEM_REPLACE_PLACEHOLDER, MEM_RESERVE,
    PAGE_NOACCESS, PAGE_READONLY, PAGE_READWRITE, PAGE_WRITECOPY,
};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

use super::call::Placeholders;
use super::errno::{EINVAL, ENOMEM, EPERM};
use super::handle::{Handle, as_pointer, own_handle};
use crate::core::sys::error::{Result, SysError};
use crate::core::sys::{PageAccess, RawHandle};

/// What the views show.
#[derive(Debug, Clone, Copy)]
pub(super) struct MappedFile {
    pub handle: RawHandle,
    /// Where in the file the first page lies.
    pub offset: u64,
    pub access: PageAccess,
    /// Private pages are promised when they are stored into, and not before.
    pub copies_lazily: bool,
}

/// Makes a plain reservation of a placeholder, so that memory can be put there page by page. One
/// that is a plain reservation already stays it.
pub(super) fn reserve_placeholder(start: usize, length: usize, calls: Placeholders) -> bool {
    // SAFETY: the placeholder is ours.
    let address = unsafe {
        (calls.alloc)(
            GetCurrentProcess(),
            start as *const _,
            length,
            MEM_RESERVE | MEM_REPLACE_PLACEHOLDER,
            PAGE_NOACCESS,
            ptr::null_mut(),
            0,
        )
    };
    !address.is_null()
}

/// Takes a view away and leaves a placeholder.
pub(super) fn unmap_view(start: usize, calls: Placeholders) -> Result<()> {
    // SAFETY: the view is ours; who comes to it meanwhile waits.
    let done = unsafe {
        (calls.unmap)(
            GetCurrentProcess(),
            start as *const _,
            MEM_PRESERVE_PLACEHOLDER,
        )
    };
    if done == 0 {
        Err(SysError::last("munmap"))
    } else {
        Ok(())
    }
}

/// The file as something that views are made of.
pub(super) fn section(file: &MappedFile) -> Result<Handle> {
    let protection = match file.access {
        PageAccess::Shared => PAGE_READWRITE,
        PageAccess::CopyOnWrite | PageAccess::ReadOnly => PAGE_WRITECOPY,
    };
    // SAFETY: a bad handle is an error. Without a size the section has that of the file.
    let section = unsafe {
        CreateFileMappingW(
            as_pointer(file.handle),
            ptr::null(),
            protection,
            0,
            0,
            ptr::null(),
        )
    };
    own_handle(section, "mmap")
}

/// How the pages of its views may be used.
pub(super) fn view_protection(file: &MappedFile) -> u32 {
    match file.access {
        PageAccess::Shared => PAGE_READWRITE,
        _ if file.copies_lazily => PAGE_READONLY,
        _ => PAGE_WRITECOPY,
    }
}

/// Why addresses or memory could not be had. All that is asked for is sound but for its amount, and
/// the system says so in several ways: more than the processor can address is a wrong parameter.
pub(super) fn allocation_error() -> SysError {
    let error = SysError::last("mmap");
    match error.errno() {
        Some(EINVAL | EPERM) => SysError::new(ENOMEM, "mmap"),
        _ => error,
    }
}
