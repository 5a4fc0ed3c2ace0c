//! Typed state that is edited anywhere and converges everywhere.
//!
//! leptos-sync-core

extern crate self as leptos_sync_core;

pub mod limits;

mod clock;
mod codec;
mod crdt;
mod delta;
mod doc;
mod engine;
mod error;
mod id;
mod path;
mod storage;
mod version;

#[cfg(feature = "testing")]
pub use clock::ManualTime;
pub use clock::{Clock, Stamp, SystemTime, Time, TimeSource};
pub use codec::{Bincode, CellIter, CellRef, CellWriter, Cells, Codec, Group};
pub use crdt::{
    Applied, Change, Changes, Crdt, Field, Focus, GCounter, Join, Key, LwwMap, LwwRegister,
    OldCell, PnCounter, Quarantined, Root, Value,
};
pub use delta::{Delta, Snapshot};
pub use doc::{Doc, Transaction, Tx};
pub use engine::{Damage, DocStore, Loaded, Receipt, Saver, StoreWrite};
pub use error::Error;
pub use id::ReplicaId;
pub use leptos_sync_macros::Crdt;
pub use path::{Path, PathBuf, Segments};
#[cfg(feature = "testing")]
pub use storage::conformance;
pub use storage::{Batch, MemoryStorage, Record, Scan, Storage, Write};
pub use version::VersionVector;
