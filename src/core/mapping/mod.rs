//! What is mapped: regions of address space, the mapping over them, and the registry of all mappings.

pub mod advice;
pub mod mapping;
pub mod region;
mod region_list;
pub mod registry;
