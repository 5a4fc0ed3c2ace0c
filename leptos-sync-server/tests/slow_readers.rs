//! Clients that receive much slowly or not at all, over real WebSockets.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use std::{net::SocketAddr, time::Duration};

use common::{ByName, Handle, Raw, Session, now_ms, serve_relay, transactions};
use futures::future::BoxFuture;
use http::request::Parts;
use leptos_sync_core::sync::{Permission, Reason};
use leptos_sync_server::{
    Authorizer, Denied, DurableLog as _, MemoryLog, Rate, Rates, Relay, RelayOptions, User, limits,
};
use tokio::time::{Instant, sleep, timeout};

/// The kind of a page.
const PAGE: u8 = 4;

/// The size of a card. A few of them exceed the queue of a connection.
const CARD_BYTES: usize = 100 * 1024;

/// The number of cards. Together, they are far larger than the buffers between two processes.
const CARDS: u32 = 300;

/// The number of cards that exceed the queue of a connection and the buffers of its sockets.
/// Writing them takes much less time than a client may take to receive a frame.
const BEHIND: u32 = 150;

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

/// Serves a relay with a large document.
async fn relay_of_much(authorizer: impl Authorizer) -> SocketAddr {
    let text = "x".repeat(CARD_BYTES);
    let cards: Vec<_> = (0..CARDS).map(|key| (key, text.as_str())).collect();
    let log = MemoryLog::new().unwrap();
    let entries = transactions(1, now_ms(), &cards);
    let stored = log.push("board", "author", entries, now_ms()).await;
    assert_eq!(stored.unwrap().count, cards.len());
    serve_relay(&Relay::new(log, authorizer)).await.0
}

/// Serves a relay that lets a client write as fast as it can.
async fn fast_relay() -> SocketAddr {
    let much = Rate::new(1 << 30, 1 << 30);
    let options = RelayOptions::default()
        .connection_rates(Rates::CONNECTION.bytes(much))
        .user_rates(Rates::CONNECTION.bytes(much));
    let relay = Relay::with_options(MemoryLog::new().unwrap(), ByName, options);
    serve_relay(&relay).await.0
}

/// Reads the document page by page, with a pause after each. Returns the reason if the relay ends
/// the connection before the end of the document.
async fn read_all(raw: &mut Raw, pause: Duration) -> Result<(), Option<Reason>> {
    let mut after = 0;
    loop {
        raw.read(after).await;
        let Some(page) = raw.next_before_end(PAGE).await? else {
            return Err(None);
        };
        // The number before the page and its length follow the channel, as numbers below 2¹⁴.
        let (from, page) = number(&page[3..]);
        let (count, _) = number(page);
        after = from + count;
        if after == CARDS as usize {
            return Ok(());
        }
        sleep(pause).await;
    }
}

fn number(bytes: &[u8]) -> (usize, &[u8]) {
    match bytes[0] < 128 {
        true => (bytes[0].into(), &bytes[1..]),
        false => (
            usize::from(bytes[0] & 127) | usize::from(bytes[1]) << 7,
            &bytes[2..],
        ),
    }
}

#[tokio::test]
async fn a_slow_client_reads_a_large_document_to_its_end() {
    let address = relay_of_much(For(u64::MAX / 2)).await;
    let mut slow = Raw::open(address, "reader", "board").await;
    let read = read_all(&mut slow, Duration::from_millis(10)).await;
    assert_eq!(read, Ok(()));
}

#[tokio::test]
async fn expired_credentials_end_the_transfer_of_a_document() {
    let address = relay_of_much(For(1_000)).await;
    let mut slow = Raw::open(address, "reader", "board").await;
    let read = read_all(&mut slow, Duration::from_millis(50)).await;
    assert_eq!(read, Err(Some(Reason::Unauthorized)));
}

/// Documents that were sent to slow clients once took all the memory for reads.
#[tokio::test]
async fn clients_that_never_receive_their_pages_block_no_other_reader() {
    let address = relay_of_much(ByName).await;
    let mut stuck = Vec::new();
    for _ in 0..limits::USER_SOCKETS {
        let mut eve = Raw::open(address, "eve", "board").await;
        eve.read(0).await;
        stuck.push(eve);
    }
    let carol = Handle::new();
    let mut at_carol = Session::open(address, "carol", "board", &carol).await;
    at_carol
        .until("the document", |carol| carol.card(CARDS - 1).is_some())
        .await;
}

/// A client that is behind once was disconnected, which made it even slower.
#[tokio::test]
async fn a_client_that_falls_behind_catches_up_on_the_same_connection() {
    let address = fast_relay().await;
    let (ada, bob) = (Handle::new(), Handle::new());
    let mut at_ada = Session::open(address, "ada", "board", &ada).await;
    let mut at_bob = Session::open(address, "bob", "board", &bob).await;
    at_ada.insert(BEHIND, "first");
    at_ada.acknowledged().await;
    at_bob
        .until("the first card", |bob| bob.card(BEHIND).is_some())
        .await;
    // Bob receives nothing in this time.
    let text = "x".repeat(CARD_BYTES);
    for key in 0..BEHIND {
        at_ada.insert(key, &text);
        at_ada.acknowledged().await;
    }
    at_bob
        .until("all cards", |bob| {
            let state = bob.state();
            state.replica.doc().state().cards.len() == BEHIND as usize + 1
        })
        .await;
    assert!(bob.cards() == ada.cards());
    // From then on, Bob gets changes at once again, and can write.
    at_ada.insert(BEHIND, "last");
    at_ada.acknowledged().await;
    at_bob
        .until("the last card", |bob| {
            bob.card(BEHIND).as_deref() == Some("last")
        })
        .await;
    at_bob.insert(BEHIND, "Bob's");
    at_bob.acknowledged().await;
    at_ada
        .until("Bob's card", |ada| {
            ada.card(BEHIND).as_deref() == Some("Bob's")
        })
        .await;
    assert!(at_bob.client.is_welcome());
    assert_eq!((bob.state().compared, ada.state().compared), (0, 0));
    assert!(bob.state().closed.is_none());
}

#[tokio::test]
async fn a_client_that_stops_receiving_is_disconnected_and_delays_nobody() {
    let address = fast_relay().await;
    let mut asleep = Raw::open(address, "eve", "board").await;
    asleep.read(0).await;
    assert_eq!(asleep.handled().await, None);
    let mut at_ada = Session::open(address, "ada", "board", &Handle::new()).await;
    let text = "x".repeat(CARD_BYTES);
    let mut slowest = Duration::ZERO;
    let limit = Duration::from_millis(limits::SEND_MS);
    let (mut key, mut full) = (0, Instant::now());
    while full.elapsed() < limit + Duration::from_secs(1) {
        let edit = Instant::now();
        at_ada.insert(key % CARDS, &text);
        at_ada.acknowledged().await;
        slowest = slowest.max(edit.elapsed());
        key += 1;
        if key <= CARDS {
            // These exceed the buffers of both sockets, so from then on the relay waits.
            full = Instant::now();
        }
    }
    assert!(slowest < limit / 2, "an edit took {slowest:?}");
    let ended = async { while let Ok(Some(_)) = asleep.next_before_end(PAGE).await {} };
    timeout(limit, ended).await.unwrap();
}
