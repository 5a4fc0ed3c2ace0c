//! Typed state that many devices edit at the same time, and that converges across all devices.
//!
//! Declare the state as a struct of CRDTs with `#[derive(Crdt)]`, open it as a [`Doc`], and edit it
//! in transactions. Each transaction returns a [`Delta`]: store it, send it, and apply it to other
//! copies. A copy rejects a delta if it lacks earlier operations, and ignores a repeated one.
//! [`Doc`] shows an example.
//!
//! The crate knows no framework, no browser and no async runtime. It runs natively and on wasm32.
//! In a Leptos app, use `leptos-sync-web`, which re-exports what an app needs.
//!
//! # Map
//!
//! The root has the names that an app uses every day:
//!
//! | Names | Purpose |
//! |---|---|
//! | [`Crdt`], [`LwwRegister`], [`LwwMap`], [`OrSet`], [`MvRegister`], [`GCounter`], [`PnCounter`] | data types, and the derive for structs of them |
//! | [`Doc`], [`Tx`], [`Transaction`], [`Changes`], [`Change`] | a document in memory, its transactions and what they changed |
//! | [`Collection`] | records that stay in a storage and may be larger than memory |
//! | [`Id`] | unique ids, for the keys of maps and records |
//! | [`Delta`], [`Snapshot`], [`VersionVector`] | the messages between replicas, and the operations that a replica has |
//! | [`Clock`], [`Stamp`], [`Time`], [`ReplicaId`] | the writer and time of an operation |
//! | [`Export`], [`Import`] | a document in chunks |
//! | [`Root`], [`Key`], [`Value`] | bounds for generic code |
//! | [`Error`] | the only error type; its methods distinguish the cases |
//!
//! Everything else is in modules:
//!
//! | Module | Contents |
//! |---|---|
//! | [`storage`] | the `Storage` trait, the memory store, and decorators that compress, cache and measure |
//! | [`index`] | secondary indices and queries of a collection or of plain records |
//! | [`collection`] | transactions, exports and observers of a [`Collection`] |
//! | [`engine`] | a document in a storage: load, log, compact |
//! | [`sync`] | the protocol between a replica and its relay, as state machines without IO |
//! | [`history`] | the numbered history of a document at its relay, for relays and their logs |
//! | [`stream`] | changes as a bounded stream |
//! | [`lazy`] | values that load on first use, and a pool that evicts them |
//! | [`clock`] | sources of time |
//! | [`cells`] | untyped cells, for servers and tools |
//! | [`limits`] | every limit, with its reason |
//!
//! `ARCHITECTURE.md` in the repository describes the implementation; `docs/format.md` and
//! `docs/protocol.md` specify every byte.
//!
//! # Features
//!
//! - `deflate` (default): reads compressed envelopes, and compresses where that saves space.
//!   Without it, envelopes are written uncompressed, and reading a compressed one is an
//!   [unsupported](Error::is_unsupported) error. Adds `storage::CompressedStorage`.
//! - `cache`: adds `storage::CachedStorage`, which keeps values in memory.
//! - `metrics`: adds `storage::MeteredStorage`, which measures the use of a storage.
//! - `testing`: adds `clock::ManualTime`, `storage::FaultyStorage`, and `storage::conformance`, a
//!   test suite for implementations of [`Storage`](storage::Storage).

// The derive refers to this crate by its name, also inside the crate.
extern crate self as leptos_sync_core;

pub mod clock;
pub mod collection;
pub mod engine;
pub mod history;
pub mod lazy;
pub mod limits;
pub mod storage;
pub mod stream;
pub mod sync;

/// Cells, on which all data types are views. Storage and relays know only cells.
///
/// Apps do not need this module. It is for servers that store or check documents without knowing
/// their types, and for tools that show the content of documents.
pub mod cells {
    pub use crate::{
        codec::{CellIter, CellRef, CellWriter, Cells, Group},
        crdt::{CellMap, Quarantined},
        path::{Path, PathBuf, Segments},
    };
}

/// Items that `#[derive(Crdt)]` and the other crates of this workspace need.
///
/// They are public because macro-generated code can access only what the user's own code can. They
/// are not part of the API and may change in any release without notice.
#[doc(hidden)]
pub mod internal {
    #[cfg(feature = "testing")]
    pub use crate::doc::{OwnCell, cells_of, joined};
    pub use crate::{
        clock::Stamp,
        codec::{CellWriter, Group, decode, encode, encode_checked, encode_key},
        crdt::{
            Applied, Crdt, CrdtMap, Field, Focus, Join, OldCell, Root, Stable, element_of,
            is_ended, position, record_of_ender, schema,
        },
        order::heap_sort,
        path::{Path, PathBuf, Segments},
        pool::{BufferPool, Pool},
        positions::Positions,
        version::VersionVector,
    };
}

mod codec;
mod crdt;
mod delta;
mod doc;
mod error;
mod id;
mod order;
mod path;
mod pool;
mod positions;
mod version;

#[doc(inline)]
pub use clock::{Clock, Stamp, Time};
#[doc(inline)]
pub use collection::Collection;
pub use crdt::{
    Change, Changes, Crdt, GCounter, Key, LwwMap, LwwRegister, MvRegister, OrSet, PnCounter, Root,
    Value,
};
pub use delta::{Delta, Snapshot};
#[doc(hidden)]
pub use doc::replica;
pub use doc::{Doc, Export, Import, Transaction, Tx};
pub use error::Error;
pub use id::{Id, ReplicaId};
pub use leptos_sync_macros::Crdt;
#[doc(inline)]
pub use storage::index;
pub use version::VersionVector;

/// Compiles the README's code.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
