//! Where lines begin.

pub mod line_index;
