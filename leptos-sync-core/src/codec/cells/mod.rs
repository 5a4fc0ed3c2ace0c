//! Cells as bytes: in groups that share a parent path, and in columns within a group.
//!
//! A document is small before compression because what repeats is written once: the parent's path for all entries of
//! a map, a replica id for all its cells, a stamp for all cells of a transaction, a length for all keys of one size.
//! `docs/format.md`, "Cells", gives every byte.
//!
//! ```text
//! Cells  = group*                              until the bytes end
//! Group  = parent, count, stamps, keys, values
//! stamps = run*        (count << 1 | same replica), [replica's row], time − the time before
//! keys   = lengths (one for all, or one each), then the bytes themselves
//! ```

#[cfg(test)]
mod forged;
mod lengths;
#[cfg_attr(
    all(target_arch = "wasm32", target_os = "unknown"),
    path = "parts_js.rs"
)]
mod parts;
mod reader;
mod stamps;
#[cfg(test)]
mod tests;
mod writer;

pub use reader::{CellIter, CellRef, Cells, Group};
pub use writer::CellWriter;

pub(crate) use reader::Census;
pub(crate) use writer::Written;
