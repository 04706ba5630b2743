//! The capabilities of the process: `capabilities(7)`,
//! <https://man7.org/linux/man-pages/man7/capabilities.7.html>

/// Reports whether the process has the capability with this number in force.
pub(super) fn has_capability(number: u32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let capabilities = status
        .lines()
        .find_map(|line| u64::from_str_radix(line.strip_prefix("CapEff:")?.trim(), 16).ok())
        .unwrap_or(0);
    capabilities >> number & 1 == 1
}
