//! Typed state that is edited in many places at once and is the same in all of them in the end.
//!
//! Declare the state as a struct of CRDTs with `#[derive(Crdt)]`, put it into a [`Doc`], and edit it in transactions.
//! Each gives a [`Delta`]: store it, send it, apply it to other copies, in any order, any number of times. The example
//! is at [`Doc`].
//!
//! No framework, no browser, no runtime: the crate runs native and in wasm32. In a Leptos app, use `leptos-sync-web`.
//!
//! ```text
//! Doc                    a typed state with its version and clock; transactions, deltas, merge, fork
//! ├─ LwwRegister LwwMap GCounter PnCounter, #[derive(Crdt)]    the types: views over cells
//! ├─ CellMap                                                   the cells of any of them, whose type is not known
//! ├─ Clock Stamp Time ReplicaId VersionVector                  who wrote when, and what is contained
//! └─ Delta Snapshot                                            bytes
//! Export Import          a document in chunks, out and in
//! Collection             typed records that stay in a Storage, with indices; transactions, deltas
//! └─ IndexedStorage Schema Index Query Page                    records with secondary indices
//! DocStore Saver         a document in a Storage: loading, logging, compacting
//! └─ Storage MemoryStorage CompressedStorage                   ordered keys, atomic batches
//! Outbox                 what a relay has not acknowledged, and how to take it back
//! sync: Client Host      what a replica and its relay say to each other
//! ChangeSender ChangeStream                                    changes as a bounded stream
//! Lazy LazyPool          values that are loaded on first use
//! Pool BufferPool        values and buffers that are used again
//! ```
//!
//! Errors are one type, [`Error`], with predicates. Bounds are in [`limits`]. How it is built is told in the
//! repository's `ARCHITECTURE.md`, every byte in `docs/format.md` and `docs/protocol.md`.
//!
//! # Features
//!
//! - `deflate` (default): envelopes are compressed where that pays, and compressed ones are read. Without it they are
//!   written plain, and a compressed one is an [`unsupported`](Error::is_unsupported) error. Brings `CompressedStorage`.
//! - `cache`: `CachedStorage`, which keeps values of a storage in memory.
//! - `metrics`: `MeteredStorage`, which counts what is done with a storage.
//! - `testing`: `ManualTime`, the conformance suite for implementations of [`Storage`], and `FaultyStorage`.

// So that `#[derive(Crdt)]` works in here as it does elsewhere.
extern crate self as leptos_sync_core;

pub mod limits;
pub mod sync;

/// Items for the other crates of this workspace, its benchmarks and its fuzz targets. They are not part of the API and
/// change without notice.
#[doc(hidden)]
pub mod internal {
    pub use crate::codec::{decode, encode};
}

mod clock;
mod codec;
mod collection;
mod crdt;
mod delta;
mod doc;
mod engine;
mod error;
mod id;
mod lazy;
mod path;
mod pool;
mod storage;
mod stream;
mod version;

#[cfg(feature = "testing")]
pub use clock::ManualTime;
pub use clock::{Clock, Stamp, SystemTime, Time, TimeSource, Window};
pub use codec::{CellIter, CellRef, CellWriter, Cells, Group};
pub use collection::{
    Collection, CollectionExport, CollectionImport, CollectionTx, RecordChange, Watch,
};
pub use crdt::{
    Applied, CellMap, Change, Changes, Crdt, Field, Focus, GCounter, Join, Key, LwwMap,
    LwwRegister, OldCell, PnCounter, Quarantined, Root, Value, schema,
};
pub use delta::{Delta, Restamped, Snapshot};
pub use doc::{Doc, Export, Import, Outbox, Received, Rejected, Transaction, Tx};
pub use engine::{DocStore, Loaded, Receipt, Saver, StoreWrite};
pub use error::Error;
pub use id::{Id, ReplicaId};
pub use lazy::{Lazy, LazyPool, PutAway};
pub use leptos_sync_macros::Crdt;
pub use path::{Path, PathBuf, Segments};
pub use pool::{Buffer, BufferPool, Pool, PoolStats, Pooled, Reset};
#[cfg(feature = "deflate")]
pub use storage::CompressedStorage;
#[cfg(feature = "metrics")]
pub use storage::MeteredStorage;
pub use storage::{
    Batch, Cursor, Damage, Expected, Index, IndexKey, IndexProgress, IndexedStorage, MemoryStorage,
    Page, Query, Record, RecordKey, Scan, Schema, Storage, Write,
};
#[cfg(feature = "cache")]
pub use storage::{CacheLimits, CachedStorage};
#[cfg(feature = "testing")]
pub use storage::{Fault, FaultyStorage, conformance};
pub use stream::{ChangeSender, ChangeStream, Lagged};
pub use version::VersionVector;
