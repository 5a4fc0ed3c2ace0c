//! The encodings of values, cells and envelopes.

mod cells;
#[cfg_attr(not(feature = "deflate"), path = "deflate/absent.rs")]
mod deflate;
pub(crate) mod envelope;
mod hasher;
mod values;
pub(crate) mod varint;

pub use cells::{CellIter, CellRef, CellWriter, Cells, Group};
pub use values::{decode, encode, encode_checked, encode_key};

pub(crate) use cells::{Census, Written};
pub(crate) use hasher::TableHasher;
pub(crate) use values::{check, check_key, decode_exact, decode_key};
