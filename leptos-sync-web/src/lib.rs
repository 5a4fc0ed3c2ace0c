//! leptos-sync for [Leptos](https://leptos.dev) apps: typed state that is kept in the browser, shown
//! by signals, and exchanged with a relay.
//!
//! Declare the state with `#[derive(Crdt)]`, open it with [`use_doc`], and use its fields as
//! signals; [`use_doc`] has an example. [`SyncOptions::relay`] exchanges it with other devices and
//! users. An app needs no other dependency in the browser: this crate exports what it needs of
//! `leptos-sync-core`.
//!
//! ```text
//! node       what a view reads and changes        ─┐
//! live       a document that notifies              │ the reactive side: Send + Sync, also on a server
//! provider   the documents of an app, use_doc     ─┘
//! actor      loads, saves, flushes, exchanges     ─┐
//! session    the connection to the relay           │
//! tabs       messages between tabs                 │ the browser's side: never leaves its thread
//! lease      the replica ids that a tab may use    │
//! indexed_db the storage                          ─┘
//! ```
//!
//! # Features
//!
//! - `deflate`: reads and writes compressed envelopes. A page needs it if its storage or its peers
//!   have such; other pages are 16 KB smaller, gzipped, without it. Without the feature, the status
//!   signal `error` reports compressed records, which are kept as they are.
//! - `stream`: `LiveDoc::changes`, a document's deltas as a bounded stream that tells a slow reader
//!   what it missed.
//! - `ssr`: for the server's build of an app. Documents are empty there, and nothing is stored.

extern crate self as leptos_sync_web;

#[cfg_attr(not(target_arch = "wasm32"), path = "actor/absent.rs")]
mod actor;
#[cfg(target_arch = "wasm32")]
mod indexed_db;
#[cfg(any(target_arch = "wasm32", test))]
mod lease;
mod live;
mod lock;
mod node;
#[cfg(target_arch = "wasm32")]
mod persistence;
mod presence;
mod provider;
#[cfg(target_arch = "wasm32")]
mod session;
mod sync_options;
#[cfg(target_arch = "wasm32")]
mod tabs;
#[cfg(target_arch = "wasm32")]
mod task;
mod time;
mod use_doc;
#[cfg(target_arch = "wasm32")]
mod web_locks;

pub use leptos_sync_core as core;
#[cfg(feature = "stream")]
pub use leptos_sync_core::stream::{ChangeStream, Lagged};
pub use leptos_sync_core::{
    Clock, Delta, Doc, Error, GCounter, Id, LwwMap, LwwRegister, PnCounter, ReplicaId, Root,
    Snapshot, Stamp, Tx, VersionVector,
};
pub use leptos_sync_macros::CrdtThroughWeb as Crdt;

#[cfg(target_arch = "wasm32")]
pub use indexed_db::IndexedDbStorage;
#[cfg(target_arch = "wasm32")]
pub use lease::Lease;
pub use leptos_sync_core::sync::{Permission, Reason};
pub use live::{Cause, Connection, LiveDoc, Rejection, Rejections, StatusSignal, StorageKind};
pub use node::{Keys, Node, OwnedGuard, ReadGuard};
#[cfg(target_arch = "wasm32")]
pub use persistence::{StorageEstimate, estimate_storage, request_persistence};
pub use presence::{OwnPresence, Peer, UsePresenceReturn, use_presence};
pub use provider::provide_sync;
pub use sync_options::SyncOptions;
pub use use_doc::{UseDocOptions, UseDocReturn, use_doc, use_doc_with_options};

/// The README's and the guide's code compiles.
#[cfg(doctest)]
mod book {
    macro_rules! pages {
        ($($name:ident = $file:literal,)*) => {
            $(#[doc = include_str!(concat!("../../", $file))] struct $name;)*
        };
    }

    pages! {
        Readme = "README.md",
        Data = "docs/guide/data.md",
        Deploying = "docs/guide/deploying.md",
        Limits = "docs/guide/limits.md",
        Schema = "docs/guide/schema.md",
        SignIn = "docs/guide/sign-in.md",
        Status = "docs/guide/status.md",
    }
}
