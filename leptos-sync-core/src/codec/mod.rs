//! The encodings of values, cells and envelopes.

mod bincode;
mod cells;
#[cfg_attr(not(feature = "deflate"), path = "deflate/absent.rs")]
mod deflate;
pub(crate) mod envelope;
pub(crate) mod varint;

pub use bincode::{decode, encode};
pub use cells::{CellIter, CellRef, CellWriter, Cells, Group};

pub(crate) use bincode::is_encoding_of;
pub(crate) use cells::{Census, Written};
