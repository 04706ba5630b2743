//! Advice to the system about how a range will be used.
//!
//! `madvise(2)`: <https://man7.org/linux/man-pages/man2/madvise.2.html>

use crate::core::error::{Error, Result};
use crate::core::sys::{ExtraAdvice, KnownAdvice as Known, Populate, UncheckedAdvice};

/// Advice that changes no byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Advice that memmap2 has a name for.
    Known(Known),
    /// Other advice of the platform.
    Extra(ExtraAdvice),
}

/// Advice that discards the contents of whole pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discard {
    /// Private pages hold zeros, or the contents of the file, at the next access.
    DontNeed,
    /// The kernel may free the pages when it needs memory. For anonymous memory only.
    Free,
    /// A hole is punched into the file.
    Remove,
}

impl Advice {
    /// Reports whether the system stores the advice with the range, as opposed to one action at
    /// once. A range with stored advice becomes a separate area of memory.
    #[must_use]
    pub fn is_remembered(self) -> bool {
        match self {
            Self::Known(Known::WillNeed) => false,
            #[cfg(target_os = "linux")]
            Self::Known(Known::PopulateRead | Known::PopulateWrite | Known::HwPoison) => false,
            Self::Extra(ExtraAdvice::Cold | ExtraAdvice::Pageout | ExtraAdvice::Collapse) => false,
            Self::Known(_) | Self::Extra(_) => true,
        }
    }
}

impl Advice {
    /// Returns the access that the advice loads pages for, if it loads pages.
    #[must_use]
    pub fn populates(self) -> Option<Populate> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Known(Known::PopulateRead) => Some(Populate::ForReading),
            #[cfg(target_os = "linux")]
            Self::Known(Known::PopulateWrite) => Some(Populate::ForWriting),
            Self::Known(_) | Self::Extra(_) => None,
        }
    }
}

fn unsupported(name: &str) -> Error {
    Error::rule(
        "ERR_MEMMAP_UNSUPPORTED",
        format!(
            "The advice '{name}' does not exist on this platform: capabilities() lists what does"
        ),
    )
}

/// Returns the advice with this name. Fails with `ERR_MEMMAP_UNSUPPORTED` if the platform does not
/// have it.
pub fn advice(name: &str) -> Result<Advice> {
    Ok(match name {
        "normal" => Advice::Known(Known::Normal),
        #[cfg(unix)]
        "random" => Advice::Known(Known::Random),
        #[cfg(unix)]
        "sequential" => Advice::Known(Known::Sequential),
        "willneed" => Advice::Known(Known::WillNeed),
        "cold" => extra(name, ExtraAdvice::Cold)?,
        "pageout" => extra(name, ExtraAdvice::Pageout)?,
        "collapse" => extra(name, ExtraAdvice::Collapse)?,
        "wipeonfork" => extra(name, ExtraAdvice::WipeOnFork)?,
        "keeponfork" => extra(name, ExtraAdvice::KeepOnFork)?,
        #[cfg(target_os = "linux")]
        "dontfork" => Advice::Known(Known::DontFork),
        #[cfg(target_os = "linux")]
        "dofork" => Advice::Known(Known::DoFork),
        #[cfg(target_os = "linux")]
        "mergeable" => Advice::Known(Known::Mergeable),
        #[cfg(target_os = "linux")]
        "unmergeable" => Advice::Known(Known::Unmergeable),
        #[cfg(target_os = "linux")]
        "hugepage" => Advice::Known(Known::HugePage),
        #[cfg(target_os = "linux")]
        "nohugepage" => Advice::Known(Known::NoHugePage),
        #[cfg(target_os = "linux")]
        "dontdump" => Advice::Known(Known::DontDump),
        #[cfg(target_os = "linux")]
        "dodump" => Advice::Known(Known::DoDump),
        #[cfg(target_os = "linux")]
        "hwpoison" => Advice::Known(Known::HwPoison),
        #[cfg(target_os = "linux")]
        "populate-read" => Advice::Known(Known::PopulateRead),
        #[cfg(target_os = "linux")]
        "populate-write" => Advice::Known(Known::PopulateWrite),
        #[cfg(target_vendor = "apple")]
        "zerowired" => Advice::Known(Known::ZeroWiredPages),
        _ => return Err(unsupported(name)),
    })
}

fn extra(name: &str, advice: ExtraAdvice) -> Result<Advice> {
    advice
        .number()
        .map(|_| Advice::Extra(advice))
        .ok_or_else(|| unsupported(name))
}

/// Returns the discarding advice with this name. Fails with `ERR_MEMMAP_UNSUPPORTED` if the
/// platform does not have it.
pub fn discard(name: &str) -> Result<Discard> {
    match name {
        "dontneed" => Ok(Discard::DontNeed),
        "free" => Ok(Discard::Free),
        #[cfg(target_os = "linux")]
        "remove" => Ok(Discard::Remove),
        _ => Err(unsupported(name)),
    }
}

impl Discard {
    /// Returns the constant of memmap2.
    #[must_use]
    pub fn unchecked(self) -> UncheckedAdvice {
        match self {
            Self::DontNeed => UncheckedAdvice::DontNeed,
            Self::Free => UncheckedAdvice::Free,
            #[cfg(target_os = "linux")]
            Self::Remove => UncheckedAdvice::Remove,
            #[cfg(not(target_os = "linux"))]
            Self::Remove => unreachable!("discard() returns Remove on Linux only"),
        }
    }
}

/// Returns the error for advice that the running kernel does not support, or nothing if it does.
#[must_use]
pub fn not_known(advice: Advice) -> Option<Error> {
    let (name, is_known) = support()
        .into_iter()
        .find(|(name, _)| self::advice(name).is_ok_and(|of_name| of_name == advice))?;
    (!is_known).then(|| unsupported(name))
}

/// Returns the name of each advice, and whether the running kernel supports it. On Linux a call
/// with an empty range shows that, as `madvise(2)` describes.
#[must_use]
pub fn support() -> Vec<(&'static str, bool)> {
    const NAMES: [&str; 21] = [
        "normal",
        "random",
        "sequential",
        "willneed",
        "dontfork",
        "dofork",
        "mergeable",
        "unmergeable",
        "hugepage",
        "nohugepage",
        "dontdump",
        "dodump",
        "hwpoison",
        "populate-read",
        "populate-write",
        "cold",
        "pageout",
        "collapse",
        "wipeonfork",
        "keeponfork",
        "zerowired",
    ];
    NAMES
        .into_iter()
        .map(|name| {
            let supported = match advice(name) {
                Err(_) => false,
                #[cfg(target_os = "linux")]
                Ok(Advice::Known(advice)) => advice.is_supported(),
                #[cfg(not(target_os = "linux"))]
                Ok(Advice::Known(_)) => true,
                Ok(Advice::Extra(extra)) => extra.number().is_some_and(|number| {
                    // SAFETY: the range is empty, so the kernel only checks the number.
                    unsafe { crate::core::sys::advise_pages(0, 0, number) }.is_ok()
                }),
            };
            (name, supported)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_and_willneed_exist_everywhere_and_access_patterns_on_unix_only() {
        let support = support();
        for (name, is_there) in [
            ("normal", true),
            ("willneed", true),
            ("random", cfg!(unix)),
            ("sequential", cfg!(unix)),
        ] {
            assert!(support.contains(&(name, is_there)), "{name}");
        }
    }

    #[test]
    fn advice_that_discards_is_separate_from_other_advice() {
        assert!(advice("dontneed").is_err());
        assert!(advice("free").is_err());
        assert!(discard("dontneed").is_ok());
        assert!(discard("normal").is_err());
    }
}
