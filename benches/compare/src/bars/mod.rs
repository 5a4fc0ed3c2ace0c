//! The bars: how fast and how small this library has to be, against its peers and against fixed
//! figures, and whether it is.

mod data;
mod demand;
mod evidence;
mod table;

pub(crate) use evidence::Figures;
pub(crate) use table::print;
