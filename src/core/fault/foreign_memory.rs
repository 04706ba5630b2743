//! Copies from or to memory that the caller passes in. That memory may be a view of another
//! mapping. A fault of that mapping is then the error of the copy.

use crate::core::error::{Error, Result};
use crate::core::fault::record::{self, Fault, Reason};
use crate::core::fault::region_table;

/// Runs a copy from or to the memory at `address`. Fails with `ERR_MEMMAP_FAULT` if the memory
/// belongs to a mapping that has had a fault, before the copy or during it.
pub fn watch<T>(address: *const u8, copy: impl FnOnce() -> Result<T>) -> Result<T> {
    let before = record::fault_total();
    // Finding the region of an address takes a search of the table. Without a fault in the process
    // the search is not needed.
    if before != 0 {
        check(address)?;
    }
    let value = copy()?;
    if record::fault_total() != before {
        check(address)?;
    }
    Ok(value)
}

fn check(address: *const u8) -> Result<()> {
    let Some(slot) = region_table::find(address as usize) else {
        return Ok(());
    };
    // A store into a read-only page has succeeded in a private copy of the page, so the copy is
    // complete. The mapping itself reports that fault.
    let lost = |fault: &Fault| fault.reason != Reason::ReadOnly;
    let Some(fault) = slot.faults().into_iter().find(lost) else {
        return Ok(());
    };
    let path = slot.name().map(|name| name.to_string_lossy().into_owned());
    Err(Error::Rule {
        code: "ERR_MEMMAP_FAULT",
        message: format!(
            "The memory to copy from or to is a view of another mapping. Its page at offset {} could \
             not be delivered and now holds zeros: close that mapping and open it again",
            fault.offset
        ),
        path,
        kind: None,
        offset: Some(fault.offset),
        reason: Some(fault.reason.name()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::fault::region_table::SlotHandle;
    use crate::core::fault::slot::Claim;

    #[test]
    fn a_fault_of_the_other_mapping_before_or_during_a_copy_is_its_error() {
        let base = 0x70_0000_0000;
        let handle = SlotHandle::claim(&Claim {
            base,
            length: 0x1_0000,
            name: Some("other"),
            ..Claim::default()
        })
        .unwrap();
        let view = (base + 0x2000) as *const u8;
        assert_eq!(watch(view, || Ok(1)), Ok(1));
        handle.get().record(base + 0x3000, Reason::ReadOnly);
        assert_eq!(watch(view, || Ok(0)), Ok(0), "the copy is complete");
        let during = watch(view, || {
            handle.get().record(base + 0x1000, Reason::Truncated);
            Ok(2)
        });
        let expected = |error: Error| match error {
            Error::Rule {
                code,
                path,
                offset,
                reason,
                ..
            } => (code, path, offset, reason),
            Error::System { .. } => panic!("{error}"),
        };
        let fault = (
            "ERR_MEMMAP_FAULT",
            Some(String::from("other")),
            Some(0x1000),
            Some("truncated"),
        );
        assert_eq!(expected(during.unwrap_err()), fault);
        let after = watch(view, || -> Result<()> { panic!("the copy must not start") });
        assert_eq!(expected(after.unwrap_err()), fault);
        assert_eq!(watch((base - 1) as *const u8, || Ok(3)), Ok(3));
    }
}
