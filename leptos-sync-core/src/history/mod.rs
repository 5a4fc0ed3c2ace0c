//! The history of a document at its relay: numbered changes, and the numbered entries of writers.
//!
//! A relay numbers everything that it stores for a document. A replica sends the number up to which
//! it has read, and receives what changed since, page by page. The head of a writer shows which
//! entries of an outbox are stored. So neither side lists all replicas that have written, and the
//! cost does not depend on their number.
//!
//! Apps do not need this module. It has the contents of the messages in [`sync`](crate::sync), which
//! are also what a relay's log stores and returns.
//!
//! | Types | Purpose |
//! |---|---|
//! | [`Sequence`], [`Epoch`], [`Epochs`], [`Position`] | the number of a change, and the relay's run in which it was assigned |
//! | [`Witness`], [`Cursor`], [`RelayState`] | states of the history that a relay has reported, and the place of a replica |
//! | [`Entry`], [`EntryId`], [`EntryHash`], [`IdHead`] | the transactions of writers, as chains of numbers and hashes |
//! | [`Opening`], [`Opened`], [`Next`] | how a replica continues where it has stopped |
//! | [`Page`], [`CellRange`], [`Patch`] | cells by sequence number and by path |
//! | [`Ack`], [`TabEntry`] | what a relay has stored, and what tabs send to each other |
//!
//! `docs/protocol.md` in the repository has the rules.

mod answer;
mod entry;
mod epochs;
mod heads;
mod position;

pub use crate::delta::Patch;
pub use answer::{Ack, CellRange, Next, Opened, Opening, Page, RelayState};
pub use entry::{Entry, EntryHash, EntryId, IdHead, TabEntry, user_checksum};
pub use epochs::{Epoch, Epochs};
pub(crate) use heads::IdHeads;
pub use position::{Cursor, Position, Sequence, Witness};
