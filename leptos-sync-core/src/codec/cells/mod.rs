//! The encoding of cells: groups that share a parent path, with columns in each group.
//!
//! Repeated data is encoded once, so a document is small even before compression. A map's entries
//! share the parent path, a writer's cells the replica id, a transaction's cells the stamp, and
//! keys of one size their length. `docs/format.md`, "Cells", specifies every byte.
//!
//! ```text
//! Cells  = group*                              until the end of the input
//! Group  = parent, count, stamps, keys, values
//! stamps = run*        (count << 1 | same replica), [row of the replica], time − previous time
//! keys   = lengths (one for all, or one each), then the bytes
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
