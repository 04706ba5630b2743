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

/// The file that views show, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct MappedFile {
    pub handle: RawHandle,
    /// The offset of the first page in the file.
    pub offset: u64,
    pub access: PageAccess,
    /// Whether memory for private pages is committed at the first store, and not before.
    pub copies_lazily: bool,
}

/// Turns a placeholder into a plain reservation, so that memory can be committed there page by
/// page. A plain reservation stays unchanged.
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

/// Unmaps a view and leaves a placeholder.
pub(super) fn unmap_view(start: usize, calls: Placeholders) -> Result<()> {
    // SAFETY: the view belongs to the caller; a thread that accesses it meanwhile waits.
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

/// Creates a section of the file, from which views are mapped.
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

/// Returns the protection of the pages of the views.
pub(super) fn view_protection(file: &MappedFile) -> u32 {
    match file.access {
        PageAccess::Shared => PAGE_READWRITE,
        _ if file.copies_lazily => PAGE_READONLY,
        _ => PAGE_WRITECOPY,
    }
}

/// Returns the error of a failed allocation. Only the amount can be wrong, and the system reports
/// this in several ways: more than the processor can address is an invalid parameter.
pub(super) fn allocation_error() -> SysError {
    let error = SysError::last("mmap");
    match error.errno() {
        Some(EINVAL | EPERM) => SysError::new(ENOMEM, "mmap"),
        _ => error,
    }
}
