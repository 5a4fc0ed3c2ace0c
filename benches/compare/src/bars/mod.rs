//! The targets: how fast and how small this library must be, compared with its peers and with fixed
//! limits.

mod data;
mod demand;
mod evidence;
mod table;

pub(crate) use evidence::Figures;
pub(crate) use table::print;
