//! leptos-sync for [Leptos](https://leptos.dev) apps: typed state that is stored in the browser,
//! shown through signals, and exchanged with a relay.
//!
//! Declare the state with `#[derive(Crdt)]`, open it with [`use_doc`], and use its fields as
//! signals; [`use_doc`] has an example. [`SyncOptions::relay`] exchanges it with other devices and
//! users. In the browser, an app needs no other crate of leptos-sync: this crate re-exports the
//! parts of `leptos-sync-core` that an app uses. Values of the app's own types also need `serde`.
//!
//! # Map
//!
//! | Names | Purpose |
//! |---|---|
//! | [`Crdt`], [`LwwRegister`], [`LwwMap`], [`OrSet`], [`MvRegister`], [`GCounter`], [`PnCounter`], [`Id`] | the state: data types and unique keys |
//! | [`provide_sync`], [`SyncOptions`] | the storage and the relay of an app |
//! | [`use_doc`], [`UseDocReturn`], [`UseDocOptions`] | a document by its name, and its status signals |
//! | [`Node`], [`Keys`], [`Tx`] | parts of a document as signals, and transactions on them |
//! | [`LiveDoc`], [`Doc`] | a document without storage, and one without signals |
//! | [`Connection`], [`Permission`], [`status`] | the values of the status signals |
//! | [`use_presence`], [`presence`] | who else has a document open |
//! | [`storage`] | the browser's storage (wasm32): deleting a user's data, persistence, and direct use |
//! | [`core`] | everything else: collections, indices, deltas, streams, limits |
//!
//! # Features
//!
//! - `deflate`: reads and writes compressed envelopes. A page needs it if its storage or its peers
//!   contain compressed envelopes. Other pages are 16 KB (gzipped) smaller without it. Without the
//!   feature, compressed records stay unchanged, and the status signal `error` reports them.
//! - `stream`: adds `LiveDoc::changes`, a bounded stream of a document's deltas. A slow reader
//!   learns how many it missed.
//! - `ssr`: for the server build of an app. There, documents are empty and nothing is stored.

extern crate self as leptos_sync_web;

#[cfg_attr(not(target_arch = "wasm32"), path = "actor/absent.rs")]
mod actor;
#[cfg(target_arch = "wasm32")]
mod cell;
#[cfg(target_arch = "wasm32")]
mod indexed_db;
#[cfg(target_arch = "wasm32")]
mod js;
mod live;
mod lock;
mod node;
#[cfg(target_arch = "wasm32")]
mod persistence;
pub mod presence;
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

/// The values of the status signals, and the signals themselves.
pub mod status {
    pub use crate::live::{Cause, Rejection, Rejections, StatusSignal, StorageKind};
    pub use leptos_sync_core::sync::Reason;
}

/// The browser's storage: [`clear_local`](storage::clear_local) deletes a user's data, and
/// [`IndexedDbStorage`](storage::IndexedDbStorage) holds a
/// [`Collection`](leptos_sync_core::Collection) or other data.
///
/// On other targets, only [`clear_local`](storage::clear_local) exists, and returns an error.
#[cfg(target_arch = "wasm32")]
pub mod storage {
    pub use crate::{
        indexed_db::{IndexedDbStorage, clear_local},
        persistence::{StorageEstimate, estimate_storage, request_persistence},
    };
}

/// The browser's storage, for the server build of an app, where it does not exist.
#[cfg(not(target_arch = "wasm32"))]
pub mod storage {
    use leptos_sync_core::Error;

    /// Deletes what a browser stores in a database. A server stores nothing.
    ///
    /// # Errors
    ///
    /// Always [`Error::is_unavailable`].
    pub async fn clear_local(_database: &str, _force: bool) -> Result<bool, Error> {
        Err(Error::unavailable("a server has no browser storage"))
    }
}

pub use leptos_sync_core as core;
pub use leptos_sync_core::{
    Clock, Doc, Error, GCounter, Id, LwwMap, LwwRegister, MvRegister, OrSet, PnCounter, ReplicaId,
    Root, Stamp, Tx, sync::Permission,
};
pub use leptos_sync_macros::CrdtThroughWeb as Crdt;

pub use live::{Connection, LiveDoc};
pub use node::{Keys, Node, OwnedGuard, ReadGuard};
#[doc(inline)]
pub use presence::use_presence;
pub use provider::provide_sync;
pub use sync_options::SyncOptions;
pub use use_doc::{UseDocOptions, UseDocReturn, use_doc, use_doc_with_options};

/// Compiles the code of the READMEs and of the guide.
#[cfg(doctest)]
mod book {
    macro_rules! pages {
        ($($name:ident = $file:literal,)*) => {
            $(#[doc = include_str!(concat!("../../", $file))] struct $name;)*
        };
    }

    pages! {
        Readme = "README.md",
        CrateReadme = "leptos-sync-web/README.md",
        Data = "docs/guide/data.md",
        Deploying = "docs/guide/deploying.md",
        Limits = "docs/guide/limits.md",
        Schema = "docs/guide/schema.md",
        SignIn = "docs/guide/sign-in.md",
        Status = "docs/guide/status.md",
    }
}
