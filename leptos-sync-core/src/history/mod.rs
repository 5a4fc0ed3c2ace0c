//! The history of a document at its relay: epochs, positions in them, and the entries of writers.
//!
//! A relay numbers everything that it stores for a document. A replica states the number up to
//! which it has read, and an entry of its outbox is known to be stored by its writer's head. So
//! neither side lists the replicas that ever wrote.

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
