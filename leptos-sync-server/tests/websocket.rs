//! The relay in an axum app, over real WebSockets, with two users and an SQLite file.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use common::{Answer, Handle, Raw, Session, card, now_ms, serve};
use leptos_sync_core::sync::Reason;
use tokio_tungstenite::{connect_async, tungstenite::client::IntoClientRequest as _};

#[tokio::test]
async fn two_users_see_each_others_edits_and_the_relay_stores_them() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("relay.db");
    let (address, relay, served) = serve(&file).await;
    let (ada, bob) = (Handle::new(), Handle::new());
    let mut at_ada = Session::open(address, "ada", "board", &ada).await;
    let mut at_bob = Session::open(address, "bob", "board", &bob).await;
    at_ada.insert(1, "from Ada");
    at_ada
        .until("the acknowledgement", |ada| ada.unanswered() == 0)
        .await;
    at_bob
        .until("Ada's edit", |bob| bob.card(1).is_some())
        .await;
    at_bob.insert(1, "from Bob");
    at_bob
        .until("the acknowledgement", |bob| bob.unanswered() == 0)
        .await;
    at_ada
        .until("Bob's edit", |ada| {
            ada.card(1).as_deref() == Some("from Bob")
        })
        .await;

    // Each user sees the other's presence and departure.
    at_bob
        .client
        .set_presence(at_bob.channel, b"here".to_vec())
        .unwrap();
    at_bob.until("an answer", |_| true).await;
    at_ada
        .until("Bob's presence", |ada| {
            ada.0.lock().unwrap().present == [b"here"]
        })
        .await;
    drop(at_bob);
    at_ada
        .until("Bob's departure", |ada| {
            ada.0.lock().unwrap().present.len() == 2
        })
        .await;

    // Restart the relay on the same file.
    let gone = tokio::spawn(async move {
        at_ada.until("an answer", |_| false).await;
    });
    relay.shut_down().await;
    assert!(gone.await.is_err(), "the relay ended the connection");
    served.abort();
    let _ = served.await;
    drop(relay);
    let (address, ..) = serve(&file).await;
    let late = Handle::new();
    let mut at_late = Session::open(address, "eve", "board", &late).await;
    at_late
        .until("Bob's edit", |late| {
            late.card(1).as_deref() == Some("from Bob")
        })
        .await;
}

#[tokio::test]
async fn a_reader_changes_nothing_for_others() {
    let dir = tempfile::tempdir().unwrap();
    let (address, ..) = serve(&dir.path().join("relay.db")).await;
    let (ada, guest) = (Handle::new(), Handle::new());
    let mut at_ada = Session::open(address, "ada", "board", &ada).await;
    at_ada.insert(1, "mine");
    at_ada
        .until("the acknowledgement", |ada| ada.unanswered() == 0)
        .await;
    let mut at_guest = Session::open(address, "guest", "board", &guest).await;
    at_guest
        .until("Ada's edit", |guest| guest.card(1).is_some())
        .await;
    at_guest.insert(1, "yours");
    at_ada.insert(2, "later");
    at_ada
        .until("the acknowledgement", |ada| ada.unanswered() == 0)
        .await;
    at_guest
        .until("Ada's next edit", |guest| guest.card(2).is_some())
        .await;
    assert_eq!(guest.unanswered(), 1, "a client sends nothing of a reader");
    // The relay does not trust the client with that.
    let mut raw = Raw::open(address, "guest", "board").await;
    let card = card(9, now_ms(), "theirs");
    raw.push(&[card]).await;
    assert_eq!(raw.answer().await, Answer::Reject(Reason::Forbidden));
    assert_eq!(ada.card(1).as_deref(), Some("mine"));
    let late = Handle::new();
    let mut at_late = Session::open(address, "bob", "board", &late).await;
    at_late
        .until("Ada's edits", |late| late.card(2).is_some())
        .await;
    assert_eq!(late.card(1).as_deref(), Some("mine"));
    assert_eq!(late.card(900), None);
    // A guest must not see another user's private document.
    let other = Handle::new();
    let mut at_other = Session::open(address, "guest", "private", &other).await;
    at_other
        .until("the document to close", |other| {
            other.0.lock().unwrap().closed.is_some()
        })
        .await;
    assert_eq!(
        other.0.lock().unwrap().closed.as_ref().unwrap().0,
        Reason::Forbidden
    );
}

#[tokio::test]
async fn a_removed_document_ends_for_everyone_and_stays_removed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("relay.db");
    let (address, relay, served) = serve(&file).await;
    let (ada, bob) = (Handle::new(), Handle::new());
    let mut at_ada = Session::open(address, "ada", "board", &ada).await;
    let mut at_bob = Session::open(address, "bob", "board", &bob).await;
    at_ada.insert(1, "from Ada");
    at_ada.acknowledged().await;
    at_bob
        .until("Ada's edit", |bob| bob.card(1).is_some())
        .await;
    relay.remove("board").await.unwrap();
    for session in [&mut at_ada, &mut at_bob] {
        let removed = |handle: &Handle| handle.state().removed;
        session.until("the removal", removed).await;
    }
    // Clients that were offline cannot bring it back, not even after a restart.
    let late = Handle::new();
    late.insert(2, "made offline");
    let mut at_late = Session::open(address, "eve", "board", &late).await;
    let removed = |handle: &Handle| handle.state().removed;
    at_late.until("the removal", removed).await;
    drop((at_ada, at_bob, at_late));
    relay.shut_down().await;
    served.abort();
    let _ = served.await;
    drop(relay);
    let (address, ..) = serve(&file).await;
    let again = Handle::new();
    let mut at_again = Session::open(address, "eve", "board", &again).await;
    at_again.until("the removal", removed).await;
    assert!(again.state().closed.is_none());
}

#[tokio::test]
async fn a_page_of_a_foreign_origin_may_not_connect() {
    let dir = tempfile::tempdir().unwrap();
    let (address, ..) = serve(&dir.path().join("relay.db")).await;
    let mut request = format!("ws://{address}/sync")
        .into_client_request()
        .unwrap();
    request
        .headers_mut()
        .insert("origin", "https://evil.example".parse().unwrap());
    let error = connect_async(request).await.unwrap_err();
    assert!(error.to_string().contains("403"), "{error}");
}
