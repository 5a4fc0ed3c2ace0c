//! The history of a document at its relay: epochs, positions in them, and the entries of writers.
//!
//! A relay numbers everything that it stores for a document. A replica sends the number up to which
//! it has read, and the head of a writer shows which entries of an outbox are stored. So neither
//! side lists all replicas that have written.

mod answer;
mod entry;
mod epochs;
mod heads;
mod position;

pub use crate::delta::Patch;
pub use answer::{Ack, CellRange, Next, Opened, Opening, Page, RelayState};
pub use entry::{Entry, EntryHash, EntryId, IdHead, TabEntry};
pub use epochs::{Epoch, Epochs};
pub(crate) use heads::IdHeads;
pub use position::{Cursor, Position, Sequence, Witness};
