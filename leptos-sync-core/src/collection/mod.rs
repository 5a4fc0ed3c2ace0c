//! Records that stay in a storage, and merge.
//!
//! A collection is a document too large for memory: the same cells, transactions, deltas and versions, its records in an
//! [`IndexedStorage`](crate::IndexedStorage). Every operation puts together a document of just the records that it is
//! about, does with it what a [`Doc`](crate::Doc) does, and writes those records back in one commit:
//!
//! ```text
//! keys ─▶ read records ─▶ Doc<Records<T>> ─▶ transact or apply ─▶ records, entries of indices, version: one batch
//! ```
//!
//! An index of its own lists each record under the latest time of each replica that has written it, so that what is beyond
//! a version is found without looking at the rest.

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

use self::{meta::Meta, record::Kept};
use crate::{
    clock::Clock,
    storage::{Index, IndexedStorage},
    stream::ChangeSender,
};

pub use transaction::CollectionTx;
pub use transfer::{CollectionExport, CollectionImport};
pub use watch::{RecordChange, Watch};

/// Records of type `T` under keys of type `K`, kept in a [`Storage`](crate::Storage): local-first as a
/// [`Doc`](crate::Doc) is, and larger than memory if need be.
///
/// A record is a CRDT, mostly a struct with `#[derive(Crdt)]`: two who change different fields of it at the same time both
/// keep their change. It is inserted and removed as a whole: an insertion begins it anew, a removal wins over changes by
/// those who have not seen it.
///
/// Nothing is held in memory but the version: opening costs the same at a thousand and at a million records. An operation
/// reads the records that it is about and commits once. Secondary indices are declared in a
/// [`Schema`](crate::Schema) and asked by queries.
///
/// Where another tab writes at the same time, an operation is made again on what is there then, so closures may be called
/// more than once. It does no networking: [`delta_since`](Collection::delta_since) and [`apply`](Collection::apply) are
/// what a peer needs.
///
/// ```
/// use leptos_sync_core::{
///     Clock, Collection, Crdt, Error, Index, LwwRegister, MemoryStorage, ReplicaId, Schema,
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
///     let ada = Collection::<_, String, Note>::open(MemoryStorage::new(), "notes", schema(), clock(1)).await?;
///     let bob = Collection::<_, String, Note>::open(MemoryStorage::new(), "notes", schema(), clock(2)).await?;
///
///     let milk = "milk".to_owned();
///     ada.insert(&milk, |note| note.title().set("Buy milk".to_owned())).await?;
///     bob.apply(&ada.delta_since(&bob.version()).await?).await?;
///
///     // Both change it while they are apart.
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
    records: IndexedStorage<S, K, Kept<T>>,
    /// Lists each record under the latest time of each replica that has written it.
    by_time: Index<Kept<T>, (u64, u64)>,
    state: Mutex<State>,
    changes: ChangeSender<watch::Changed<T>>,
}

/// What is known without reading.
struct State {
    clock: Clock,
    meta: Meta,
}
