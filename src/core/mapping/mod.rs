//! Mappings, their regions of address space, and the registry of all mappings.

pub mod advice;
pub mod locked_ranges;
pub mod map_region;
pub mod mapping;
pub mod mode;
pub mod populate_pages;
mod protection;
pub mod region;
mod region_list;
pub mod registry;
