//! Memory from elsewhere that is copied from or to. It may be a view of another mapping, whose
//! pages can fail as ours can: who copies shall hear of it.

use crate::core::error::{Error, Result};
use crate::core::fault::record::{self, Fault, Reason};
use crate::core::fault::region_table;

/// Runs a copy from or to the memory at `address`. If that belongs to a mapping and this has had a
/// fault, before or meanwhile, the fault is the error.
pub fn watch<T>(address: *const u8, copy: impl FnOnce() -> Result<T>) -> Result<T> {
    let before = record::fault_total();
    // Whose memory it is takes a search, and there is none without a fault in the process.
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
    // A store into a read-only page did what it was to do, in a copy of the page: the mapping
    // itself tells of it, and who copies has all bytes.
    let lost = |fault: &Fault| fault.reason != Reason::ReadOnly;
    let Some(fault) = slot.faults().into_iter().find(lost) else {
        return Ok(());
    };
    let path = slot.name().map(|name| name.to_string_lossy().into_owned());
    Err(Error::Rule {
        code: "ERR_MEMMAP_FAULT",
        message: format!(
            "The memory to copy from or to is a view of another mapping, of which offset {} could \
             not be delivered: there are zeros instead; close that mapping and open it again",
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
    fn a_fault_of_the_other_mapping_is_the_error_whenever_it_happened() {
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
        assert_eq!(watch(view, || Ok(0)), Ok(0), "no byte is wrong");
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
        let after = watch(view, || -> Result<()> { panic!("it is not begun") });
        assert_eq!(expected(after.unwrap_err()), fault);
        assert_eq!(watch((base - 1) as *const u8, || Ok(3)), Ok(3));
    }
}
