//! The relay of leptos-sync: it stores documents and exchanges them between clients.
//!
//! A [`Relay`] serves connections, usually those of a [`router`] in an axum app. It asks an
//! [`Authorizer`] for users and permissions, and stores documents in a [`DurableLog`] as
//! last-writer-wins cells with their versions. The log knows no app types, no sockets and no
//! runtime.
//!
//! ```text
//! router → Relay         connections: stores, acknowledges and distributes edits
//! Authorizer             users and permissions
//! ├─ JwtAuthorizer       from signed tokens (feature `jwt`)
//! └─ AllowAnyone         anyone may write all documents
//! DurableLog             the storage of documents
//! ├─ SqliteLog           in an SQLite file, for a relay on one machine
//! └─ MemoryLog           in memory, for tests and temporary documents
//! DocumentState Since    answers of a log about a document
//! ```
//!
//! ```
//! use futures::executor::block_on;
//! use leptos_sync_core::{Clock, Crdt, Doc, LwwRegister, ReplicaId, VersionVector};
//! use leptos_sync_server::{DurableLog, MemoryLog, Since};
//!
//! #[derive(Crdt, Clone, Default)]
//! struct Page {
//!     title: LwwRegister<String>,
//! }
//!
//! let log = MemoryLog::new();
//! let mut ada = Doc::<Page>::new(Clock::system(ReplicaId::new(1)));
//! let written = ada.transact(|tx| tx.title().set("Plans".to_owned()))?;
//! block_on(log.append("page", vec![written.delta]))?;
//!
//! let mut bob = Doc::<Page>::new(Clock::system(ReplicaId::new(2)));
//! if let Since::Delta(parts) = block_on(log.since("page", bob.version(), 64 * 1024))? {
//!     // So few operations are one part.
//!     bob.apply(&parts[0])?;
//! }
//! assert_eq!(bob.state().title.get(), "Plans");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Every error is an [`Error`] with predicates. Limits are in [`limits`].
//!
//! # Features
//!
//! - `sqlite` (default): `SqliteLog`, with a built-in SQLite through `rusqlite`. A program can link
//!   only one `libsqlite3-sys`, and many apps link it through sqlx. So this crate accepts a range
//!   of versions of `rusqlite`, and cargo chooses one that suits the app's sqlx (0.8 or 0.9).
//! - `jwt`: `JwtAuthorizer`, which reads users and permissions from signed JSON Web Tokens.
//! - `prometheus`: `Prometheus`, the metrics of the process, which the router serves at `/metrics`.
//! - `serve`: the function `serve`, which serves an app with a bounded number of connections.
//! - `relay`: the program `leptos-sync-relay`, a relay with all these features and command-line
//!   options (`--help`).
//! - `testing`: the conformance suite for implementations of [`DurableLog`].

pub mod limits;

mod error;
#[cfg(feature = "jwt")]
mod jwt;
mod log;
#[cfg(feature = "prometheus")]
mod prometheus;
mod relay;
#[cfg(feature = "serve")]
mod serve;

pub use error::Error;
/// The type of the futures that [`Authorizer`] and [`DurableLog`] return.
pub use futures::future::BoxFuture;
#[cfg(feature = "jwt")]
pub use jwt::{JwtAuthorizer, JwtKey};
/// The user's permission for a document, which an [`Authorizer`] returns.
pub use leptos_sync_core::sync::Permission;
#[cfg(feature = "testing")]
pub use log::conformance;
pub use log::{DocumentState, DurableLog, MemoryLog, Since};
#[cfg(feature = "sqlite")]
pub use log::{SqliteLog, SqliteOptions};
#[cfg(feature = "prometheus")]
pub use prometheus::Prometheus;
pub use relay::{
    AllowAnyone, Authorizer, Denied, Disconnected, Rate, Rates, Relay, RelayOptions, Transport,
    User, router,
};
#[cfg(feature = "serve")]
pub use serve::{ServeOptions, serve};

/// The log of protocol 2, which the relay does not use yet.
#[doc(hidden)]
pub mod v2 {
    #[cfg(feature = "sqlite")]
    pub use crate::log::v2::SqliteLog;
    #[cfg(feature = "testing")]
    pub use crate::log::v2::conformance;
    pub use crate::log::v2::{Adopted, DurableLog, History, MemoryLog, Offered, Pushed, Refusal};
    pub use crate::relay::{
        SealKey,
        v2::{EntryAnswer, PushAnswer, StoredDocument},
    };
}

#[cfg(all(doctest, feature = "sqlite", feature = "jwt"))]
#[doc = include_str!("../README.md")]
struct Readme;
