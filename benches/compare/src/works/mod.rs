//! The rows.
//!
//! What is not alike, since an interface makes it so:
//!
//! - The other library reads the clock in every `LwwRegister::new` and `LwwMap::insert`. Ours is handed a stamp, so
//!   that *create* and *insert* draw one from the system's clock for each on our side as well. A batch is one
//!   transaction with one stamp here; there, it is a loop. Another row reads our clock for each entry of the batch too,
//!   so that what is gained there is not gained by reading clocks less often.
//! - Its replica ids are drawn once, outside; `ReplicaId::default()` at every call, as its own benchmarks have it, would
//!   cost it a random number each.
//! - Its map cannot be encoded, nor made from entries with their timestamps. Its side encodes a `HashMap` of its
//!   registers and decodes to that, which leaves out what its users would pay for filling one from the other.
//! - It has no deltas: there are no rows for them.
//! - It neither checks its bytes nor compresses them by default; our side always has a checksum.

mod bytes;
mod counters;
mod maps;
mod registers;

use crate::measure::Side;

/// The same work on both libraries, at any size.
pub(crate) struct Work {
    pub(crate) name: &'static str,
    pub(crate) ours: fn(usize) -> Side,
    pub(crate) other: fn(usize) -> Side,
}

/// What the table does not have.
pub(crate) const LEFT_OUT: &str = "Deltas are left out: the other library has none.";

/// All rows, in the order of the table.
pub(crate) fn all() -> impl Iterator<Item = &'static Work> {
    let groups: [&'static [Work]; 4] =
        [registers::WORKS, maps::WORKS, counters::WORKS, bytes::WORKS];
    groups.into_iter().flatten()
}
