//! Clients that receive a large document slowly or not at all, over real WebSockets.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use std::{net::SocketAddr, time::Duration};

use common::{Raw, now_ms, serve_relay, transactions};
use futures::{StreamExt as _, future::BoxFuture};
use http::request::Parts;
use leptos_sync_core::sync::{Permission, Reason};
use leptos_sync_server::{
    Authorizer, Denied, DurableLog as _, MemoryLog, Relay, RelayOptions, User, limits,
};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

/// The kinds of messages from the relay.
const DELTA: u8 = 4;
const BYE: u8 = 10;

/// An authorizer that admits every client for this many milliseconds.
struct For(u64);

impl Authorizer for For {
    fn admit<'a>(&'a self, _: &'a Parts, _: &'a [u8]) -> BoxFuture<'a, Result<User, Denied>> {
        Box::pin(async { Ok(User::new("reader").expires_at_ms(now_ms() + self.0)) })
    }

    fn permission<'a>(
        &'a self,
        _: &'a User,
        _: &'a str,
        _: u64,
    ) -> BoxFuture<'a, Result<Option<Permission>, Denied>> {
        Box::pin(async { Ok(Some(Permission::Write)) })
    }
}

/// Serves a relay with a document far larger than the buffers between two processes.
async fn relay_of_much(authorizer: impl Authorizer, options: RelayOptions) -> SocketAddr {
    let text = "x".repeat(100 * 1024);
    let cards: Vec<_> = (0..300).map(|key| (key, text.as_str())).collect();
    let log = MemoryLog::new();
    let deltas = transactions(1, now_ms(), &cards);
    log.append("board", deltas).await.unwrap();
    let relay = Relay::with_options(log, authorizer, options);
    let (address, served) = serve_relay(&relay).await;
    drop(served);
    address
}

/// The part of a document that arrived.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    /// The whole document.
    Whole,
    /// A part of it, and the reason for the end of the connection if the relay sent one.
    Cut(Option<Reason>),
}

/// Receives the document, with a pause after each message. Sends `says` during the pauses.
async fn take_in(raw: &mut Raw, pause: Duration, says: &[u8]) -> Came {
    loop {
        let came = timeout(Duration::from_secs(10), raw.socket.next());
        let Some(Ok(message)) = came.await.unwrap() else {
            return Came::Cut(None);
        };
        let Message::Binary(frame) = message else {
            continue;
        };
        match (frame[1], frame.get(3)) {
            (BYE, _) => return Came::Cut(Some(Reason::of_code(frame[2]))),
            (DELTA, Some(0)) => return Came::Whole,
            _ => {}
        }
        if !says.is_empty() {
            raw.say(says).await;
        }
        sleep(pause).await;
    }
}

/// A client never keeps a partial document on a connection that continues.
#[tokio::test]
async fn a_client_that_stops_reading_is_disconnected_within_a_document() {
    let address = relay_of_much(For(u64::MAX / 2), RelayOptions::default()).await;
    let mut asleep = Raw::open(address, "reader", "board").await;
    sleep(Duration::from_millis(limits::SEND_MS + 1_000)).await;
    let came = take_in(&mut asleep, Duration::ZERO, &[]).await;
    assert_eq!(came, Came::Cut(None));
}

#[tokio::test]
async fn expired_credentials_end_the_transfer_of_a_document() {
    let address = relay_of_much(For(1_500), RelayOptions::default()).await;
    let mut slow = Raw::open(address, "reader", "board").await;
    let came = take_in(&mut slow, Duration::from_millis(20), &[]).await;
    assert_eq!(came, Came::Cut(Some(Reason::Unauthorized)));
}

/// The client's messages wait until the document is sent.
#[tokio::test]
async fn messages_during_a_transfer_count_as_a_sign_of_life() {
    let options = RelayOptions::default().silence_ms(1_000);
    let address = relay_of_much(For(u64::MAX / 2), options).await;
    let mut slow = Raw::open(address, "reader", "board").await;
    let ping = [8];
    let came = take_in(&mut slow, Duration::from_millis(10), &ping).await;
    assert_eq!(came, Came::Whole);
    // The connection continues: the relay answers pings.
    let answered = timeout(Duration::from_millis(500), slow.socket.next());
    let Some(Ok(Message::Binary(pong))) = answered.await.unwrap() else {
        panic!("the connection ended");
    };
    assert_ne!(pong[1], BYE);
}
