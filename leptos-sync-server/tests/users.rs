//! The information that clients get about their user and other users, over real WebSockets.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use common::{ByName, Handle, Session, serve_relay};
use futures::future::BoxFuture;
use http::request::Parts;
use leptos_sync_core::sync::Permission;
use leptos_sync_server::{
    AllowAnyone, Authorizer, Denied, MemoryLog, Relay, RelayOptions, User, limits,
};

/// Returns the users that were present, in the order in which the relay named them.
fn users(handle: &Handle) -> Vec<String> {
    handle.0.lock().unwrap().users.clone()
}

async fn present(relay: &Relay, document: &str) -> Vec<String> {
    let (address, _served) = serve_relay(relay).await;
    let ada = Handle::new();
    let mut at_ada = Session::open(address, "ada", document, &ada).await;
    let mut at_bob = Session::open(address, "bob", document, &Handle::new()).await;
    let (channel, claim) = (at_bob.channel, b"I am the queen");
    at_bob.client.set_presence(channel, claim.to_vec()).unwrap();
    at_bob.insert(1, "here");
    at_bob.acknowledged().await;
    at_ada.until("present", |ada| !users(ada).is_empty()).await;
    // A client that connects later gets the same information.
    let late = Handle::new();
    let mut at_late = Session::open(address, "eve", document, &late).await;
    at_late.until("present", |eve| !users(eve).is_empty()).await;
    assert_eq!(users(&ada), users(&late));
    users(&ada)
}

#[tokio::test]
async fn a_peer_is_shown_with_the_user_that_the_relay_has_authenticated() {
    let relay = Relay::new(MemoryLog::new().unwrap(), ByName);
    assert_eq!(present(&relay, "board").await, ["bob"]);
}

#[tokio::test]
async fn a_peer_has_no_user_where_the_relay_does_not_tell_users_apart() {
    let relay = Relay::new(MemoryLog::new().unwrap(), AllowAnyone);
    assert_eq!(present(&relay, "board").await, [""]);
}

/// An authorizer that admits each client under the name in its credentials, and lets all write
/// until the switch is turned off.
struct Switched(Arc<AtomicBool>);

impl Authorizer for Switched {
    fn admit<'a>(
        &'a self,
        _: &'a Parts,
        credentials: &'a [u8],
    ) -> BoxFuture<'a, Result<User, Denied>> {
        let name = String::from_utf8_lossy(credentials).into_owned();
        Box::pin(async { Ok(User::new(name)) })
    }

    fn permission<'a>(
        &'a self,
        _: &'a User,
        _: &'a str,
        _: u64,
    ) -> BoxFuture<'a, Result<Option<Permission>, Denied>> {
        let permission = match self.0.load(Ordering::SeqCst) {
            true => Permission::Write,
            false => Permission::Read,
        };
        Box::pin(async move { Ok(Some(permission)) })
    }
}

#[tokio::test]
async fn a_page_learns_at_once_that_its_user_may_no_longer_write() {
    let writes = Arc::new(AtomicBool::new(true));
    let relay = Relay::new(MemoryLog::new().unwrap(), Switched(Arc::clone(&writes)));
    let (address, _served) = serve_relay(&relay).await;
    let mut ada = Session::open(address, "ada", "board", &Handle::new()).await;
    let learned = |expected: &'static [Permission]| {
        move |handle: &Handle| handle.0.lock().unwrap().permissions == expected
    };
    let write = learned(&[Permission::Write]);
    ada.until("may write", write).await;
    // The relay does not send permissions that have not changed.
    relay.recheck(Some("ada"));
    writes.store(false, Ordering::SeqCst);
    relay.recheck(Some("ada"));
    let read = learned(&[Permission::Write, Permission::Read]);
    ada.until("may read", read).await;
    // The relay also asks again after new credentials.
    writes.store(true, Ordering::SeqCst);
    ada.client.set_credentials(b"ada".to_vec());
    let again = learned(&[Permission::Write, Permission::Read, Permission::Write]);
    ada.until("may write again", again).await;
}

#[tokio::test]
async fn a_user_whose_name_no_message_can_carry_is_not_admitted() {
    let relay = Relay::new(MemoryLog::new().unwrap(), Switched(Arc::default()));
    let (address, _served) = serve_relay(&relay).await;
    for name in [String::new(), "n".repeat(limits::USER_BYTES + 1)] {
        let mut session = Session::open(address, &name, "board", &Handle::new()).await;
        let (_, text) = session.ended().await;
        assert!(text.contains("name is"), "{text}");
    }
}

#[tokio::test]
async fn a_document_beyond_the_limit_of_a_connection_is_opened_once_another_is_left() {
    let options = RelayOptions::default().documents(2);
    let relay = Relay::with_options(MemoryLog::new().unwrap(), ByName, options);
    let (address, _served) = serve_relay(&relay).await;
    let first = Handle::new();
    let mut session = Session::open(address, "ada", "first", &first).await;
    let (second, third) = (Handle::new(), Handle::new());
    session.client.open("second", 0, second.clone()).unwrap();
    session.client.open("third", 0, third.clone()).unwrap();
    let closed = |handle: &Handle| {
        let state = handle.0.lock().unwrap();
        state.closed.clone().map(|(_, text)| text)
    };
    session.until("refused", |_| closed(&third).is_some()).await;
    let text = closed(&third).unwrap();
    assert!(text.contains("2 documents open"), "{text}");
    assert_eq!(closed(&second), None);
    session.insert(1, "goes on");
    session.acknowledged().await;

    session.client.leave(session.channel);
    let opened = |handle: &Handle| !handle.0.lock().unwrap().permissions.is_empty();
    session.until("opened", |_| opened(&third)).await;
}
