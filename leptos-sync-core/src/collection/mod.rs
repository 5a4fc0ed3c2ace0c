//! Collections: records that stay in a storage and merge.
//!
//! A collection is a document that may be too large for memory. It has the same cells,
//! transactions, deltas and versions, and keeps its records in an
//! [`IndexedStorage`]. Each operation assembles a document of only
//! the records it needs, uses it like any [`Doc`](crate::Doc), and writes the records back in one
//! commit:
//!
//! ```text
//! keys ─▶ read records ─▶ Doc<Records<T>> ─▶ transact or apply ─▶ records, index entries, version: one batch
//! ```
//!
//! An internal index lists each record under the latest time of each replica that has written it.
//! So finding the records beyond a version reads only these.

mod meta;
mod open;
mod read;
mod record;
mod sync;
mod transaction;
mod transfer;
mod watch;
mod write;

use parking_lot::Mutex;

use self::{meta::Meta, record::StoredRecord};
use crate::{
    clock::Clock,
    storage::index::{Index, IndexedStorage},
    stream::ChangeSender,
};

pub use transaction::CollectionTx;
pub use transfer::{CollectionExport, CollectionImport};
pub use watch::{RecordChange, Watch};

/// Records of type `T` under keys of type `K`, kept in a [`Storage`](crate::storage::Storage).
///
/// A collection is local-first like a [`Doc`](crate::Doc), but may be larger than memory. Only its
/// metadata is held in memory, so opening it costs the same for a thousand records as for a
/// million. An operation reads the records it needs and commits once. A
/// [`Schema`](crate::index::Schema) declares secondary indices for queries.
///
/// A record is a CRDT, usually a struct with `#[derive(Crdt)]`: concurrent edits of different
/// fields are both kept. Records are inserted and removed as a whole. An insertion replaces the
/// record, and a removal wins over concurrent edits.
///
/// If another tab writes at the same time, an operation is retried on the new state, so closures
/// may run more than once. A collection does no networking. To synchronize two copies, pass the
/// delta that [`delta_since`](Collection::delta_since) returns to [`apply`](Collection::apply).
///
/// ```
/// use leptos_sync_core::{
///     Clock, Collection, Crdt, Error, Id, LwwRegister, ReplicaId, index::{Index, Schema},
///     storage::MemoryStorage,
/// };
/// # use std::{pin::pin, task::{Context, Poll, Waker}};
///
/// #[derive(Crdt, Clone, Default)]
/// struct Note {
///     title: LwwRegister<String>,
///     stars: LwwRegister<u8>,
/// }
///
/// async fn run() -> Result<(), Error> {
///     let by_stars = Index::new("stars", |note: &Note| *note.stars.get());
///     let schema = || Schema::new(1).index(&by_stars);
///     let clock = |replica| Clock::system(ReplicaId::new(replica));
///     let open = |replica| {
///         let store = MemoryStorage::new();
///         Collection::<_, Id, Note>::open(store, "notes", schema(), clock(replica))
///     };
///     let (ada, bob) = (open(1).await?, open(2).await?);
///
///     let milk = Id::new();
///     ada.insert(&milk, |note| note.title().set("Buy milk".to_owned())).await?;
///     bob.apply(&ada.delta_since(&bob.version()).await?).await?;
///
///     // Both edit the record while offline.
///     ada.update(&milk, |note| note.stars().set(3)).await?;
///     bob.update(&milk, |note| note.title().set("Buy oat milk".to_owned())).await?;
///     bob.apply(&ada.delta_since(&bob.version()).await?).await?;
///
///     let page = bob.query(by_stars.range(2..).limit(10)).await?;
///     assert_eq!(page.records[0].1.title.get(), "Buy oat milk");
///     assert_eq!(*page.records[0].1.stars.get(), 3);
///     Ok(())
/// }
/// # let run = pin!(run());
/// # assert!(matches!(run.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
/// ```
pub struct Collection<S, K, T> {
    records: IndexedStorage<S, K, StoredRecord<T>>,
    /// The index of each record by the latest time of each replica that has written it.
    by_time: Index<StoredRecord<T>, (u64, u64)>,
    state: Mutex<State>,
    changes: ChangeSender<watch::Changed<T>>,
}

/// The state that operations use without reading the storage.
struct State {
    clock: Clock,
    meta: Meta,
}
