//! The relay of leptos-sync: it keeps documents for all who edit them.
//!
//! A [`Relay`] serves connections, usually those of a [`router`] in an axum app. It asks an [`Authorizer`] who may do what,
//! and keeps documents in a **durable log**: a [`DurableLog`] holds them as last-writer-wins cells with their versions. It
//! knows no user's types, no sockets and no runtime.
//!
//! ```text
//! router → Relay         connections; answers what is durable, and tells the others then
//! Authorizer             who may do what
//! ├─ JwtAuthorizer       what signed tokens say (feature `jwt`)
//! └─ AllowAnyone         any client, all documents
//! DurableLog             documents: joined durably, and what somebody lacks of them
//! ├─ SqliteLog           in a file of SQLite; a relay on one machine
//! └─ MemoryLog           in memory, gone with the process; for tests, and where nothing need last
//! DocumentState Since    what a log says of a document
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
//!     // So little is one part.
//!     bob.apply(&parts[0])?;
//! }
//! assert_eq!(bob.state().title.get(), "Plans");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Errors are one type, [`Error`], with predicates. Bounds are in [`limits`].
//!
//! # Features
//!
//! - `sqlite` (default): `SqliteLog`. It brings SQLite, through `rusqlite`. Only one `libsqlite3-sys` can be linked into a
//!   program, and many apps link it through sqlx; so a range of versions of `rusqlite` is accepted, of which cargo takes the one
//!   whose `libsqlite3-sys` the app's sqlx (0.8 or 0.9) takes too.
//! - `jwt`: `JwtAuthorizer`, which takes users and what they may do from signed JSON Web Tokens.
//! - `prometheus`: `Prometheus`, the process's figures, which the router answers with at `/metrics`.
//! - `relay`: the program `leptos-sync-relay`, which is all of these with options; `--help` tells them.
//! - `testing`: the conformance suite for implementations of [`DurableLog`].

pub mod limits;

mod error;
#[cfg(feature = "jwt")]
mod jwt;
mod log;
#[cfg(feature = "prometheus")]
mod prometheus;
mod relay;

pub use error::Error;
#[cfg(feature = "jwt")]
pub use jwt::{JwtAuthorizer, JwtKey};
#[cfg(feature = "testing")]
pub use log::conformance;
pub use log::{DocumentState, DurableLog, MemoryLog, Since};
#[cfg(feature = "sqlite")]
pub use log::{SqliteLog, SqliteOptions};
#[cfg(feature = "prometheus")]
pub use prometheus::Prometheus;
pub use relay::{
    AllowAnyone, Authorizer, Denied, Gone, Rate, Rates, Relay, RelayOptions, Transport, User,
    router,
};
