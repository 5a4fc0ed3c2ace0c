//! The relay of leptos-sync: it stores documents and exchanges them between clients.
//!
//! A [`Relay`] serves connections, usually those of a [`router`] in an axum app. It asks an
//! [`Authorizer`] for users and permissions, and stores documents in a [`DurableLog`] as
//! last-writer-wins cells with a numbered history. The log knows no app types, no sockets and no
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
//! SealKey                proves, after a restore, which states the relay had reported
//! ```
//!
//! ```
//! use axum::Router;
//! use leptos_sync_server::{AllowAnyone, MemoryLog, Relay, router};
//!
//! let relay = Relay::new(MemoryLog::new()?, AllowAnyone);
//! let app: Router = Router::new().nest("/sync", router(relay));
//! # drop(app);
//! # Ok::<(), leptos_sync_server::Error>(())
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
pub use log::{
    DurableLog, HeadsOutcome, History, JoinOutcome, MemoryLog, PushOutcome, Refusal, SealKey,
};
#[cfg(feature = "sqlite")]
pub use log::{SqliteLog, SqliteOptions};
#[cfg(feature = "prometheus")]
pub use prometheus::Prometheus;
pub use relay::{
    AllowAnyone, Authorizer, Denied, Disconnected, Rate, Rates, Relay, RelayOptions, Transport,
    User, router,
};
#[doc(hidden)]
pub use relay::{EntryAnswer, PushAnswer, StoredDocument};
#[cfg(feature = "serve")]
pub use serve::{ServeOptions, serve};

#[cfg(all(doctest, feature = "sqlite", feature = "jwt"))]
#[doc = include_str!("../README.md")]
struct Readme;
