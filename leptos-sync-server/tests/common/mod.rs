//! Helpers for tests over real WebSockets: a relay in an axum app, and clients.
#![allow(
    dead_code,
    unused_imports,
    clippy::indexing_slicing,
    reason = "each test uses a part, and a failed test may panic"
)]

mod handle;
mod honest;
mod hooked_log;
#[cfg(feature = "jwt")]
mod issuer;
#[cfg(unix)]
mod nginx;
#[cfg(all(feature = "relay", unix))]
mod process;
#[cfg(all(feature = "relay", unix))]
mod program;
mod raw;
mod session;
mod switched;

use std::{net::SocketAddr, path::Path};

use axum::{Router, extract::FromRef};
use futures::future::BoxFuture;
use http::request::Parts;
use leptos_sync_core::sync::Permission;
use leptos_sync_server::{Authorizer, Denied, Relay, RelayOptions, SqliteLog, User, router};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

pub(crate) use handle::{Board, BoardFields, Handle};
pub(crate) use honest::Honest;
pub(crate) use hooked_log::{Call, Hook, HookedLog};
#[cfg(feature = "jwt")]
pub(crate) use issuer::Issuer;
#[cfg(unix)]
pub(crate) use nginx::Nginx;
#[cfg(all(feature = "relay", unix))]
pub(crate) use process::{Process, command};
pub(crate) use raw::{
    Answer, HELLO, Raw, card, entry, now_ms, open_of, push_of, transactions, varint,
};
pub(crate) use session::{Session, Socket, bye};
pub(crate) use switched::SwitchedLog;

/// An authorizer that admits each client under the name that it sends. Guests may only read, and
/// only Ada may open "private".
pub(crate) struct ByName;

impl Authorizer for ByName {
    fn admit<'a>(
        &'a self,
        _: &'a Parts,
        credentials: &'a [u8],
    ) -> BoxFuture<'a, Result<User, Denied>> {
        Box::pin(async move {
            match String::from_utf8(credentials.to_vec()) {
                Ok(name) if !name.is_empty() => Ok(User::new(name)),
                _ => Err(Denied::unauthorized("give a user name as the credentials")),
            }
        })
    }

    fn permission<'a>(
        &'a self,
        user: &'a User,
        document: &'a str,
        _: u64,
    ) -> BoxFuture<'a, Result<Option<Permission>, Denied>> {
        let permission = match (user.name(), document) {
            (_, "private") if user.name() != "ada" => None,
            ("guest", _) => Some(Permission::Read),
            _ => Some(Permission::Write),
        };
        Box::pin(async move { Ok(permission) })
    }
}

/// The state of an app that contains the relay.
#[derive(Clone)]
pub(crate) struct AppState {
    pub(crate) relay: Relay,
}

impl FromRef<AppState> for Relay {
    fn from_ref(state: &AppState) -> Self {
        state.relay.clone()
    }
}

/// Serves a relay with `ByName` access on a file.
pub(crate) async fn serve(file: &Path) -> (SocketAddr, Relay, JoinHandle<()>) {
    let log = SqliteLog::open(file).unwrap();
    let relay = Relay::with_options(log, ByName, RelayOptions::default());
    let (address, served) = serve_relay(&relay).await;
    (address, relay, served)
}

/// Serves a relay on a file, with two users who edit a document.
pub(crate) async fn relay_in_use() -> (TempDir, SocketAddr, Honest) {
    let dir = tempfile::tempdir().unwrap();
    let (address, ..) = serve(&dir.path().join("relay.db")).await;
    (dir, address, Honest::open(address).await)
}

/// Serves an app with the relay at `/sync`.
pub(crate) async fn serve_relay(relay: &Relay) -> (SocketAddr, JoinHandle<()>) {
    let state = AppState {
        relay: relay.clone(),
    };
    let app: Router = Router::new().nest("/sync", router(state));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (address, served)
}

/// Requests a page and returns the status and the body.
pub(crate) async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let ask = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap();
    (status.parse().unwrap(), body.to_owned())
}
