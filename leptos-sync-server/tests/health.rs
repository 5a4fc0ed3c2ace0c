//! The health endpoint, from which a load balancer learns whether to route to a relay.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use common::{ByName, Handle, Session, SwitchedLog, get, serve_relay};
use leptos_sync_server::{Relay, SqliteLog, SqliteOptions};

#[tokio::test]
async fn a_relay_without_its_log_or_shutting_down_is_unhealthy() {
    let log = SwitchedLog::in_memory();
    let relay = Relay::new(log.clone(), ByName);
    let (address, _) = serve_relay(&relay).await;
    assert_eq!(get(address, "/sync/healthz").await, (200, "ok".to_owned()));
    log.switch(false);
    let (status, text) = get(address, "/sync/healthz").await;
    assert_eq!(status, 503);
    assert!(text.contains("log") && !text.contains("disk"), "{text}");
    log.switch(true);
    assert_eq!(get(address, "/sync/healthz").await.0, 200);
    relay.shut_down().await;
    assert_eq!(get(address, "/sync/healthz").await.0, 503);
}

#[tokio::test]
async fn a_relay_whose_log_cannot_write_is_unhealthy_until_it_can() {
    let log = SwitchedLog::in_memory();
    let relay = Relay::new(log.clone(), ByName);
    let (address, _) = serve_relay(&relay).await;
    let mut ada = Session::open(address, "ada", "board", &Handle::new()).await;
    ada.insert(1, "kept");
    ada.acknowledged().await;
    log.fill(true);
    ada.insert(2, "no room");
    let closed = |ada: &Handle| ada.0.lock().unwrap().closed.is_some();
    ada.until("the connection to close", closed).await;
    for _ in 0..3 {
        assert_eq!(get(address, "/sync/healthz").await.0, 503);
    }
    log.fill(false);
    for _ in 0..3 {
        assert_eq!(get(address, "/sync/healthz").await.0, 200);
    }
}

/// On a full disk, the few bytes of a cell may still fit where another one was.
#[tokio::test]
async fn a_relay_stays_unhealthy_while_its_full_file_has_room_for_small_edits_only() {
    let dir = tempfile::tempdir().unwrap();
    let options = SqliteOptions::new().max_bytes(400 * 1024);
    let log = SqliteLog::open_with(dir.path().join("log"), &options).unwrap();
    let relay = Relay::new(log, ByName);
    let (address, _) = serve_relay(&relay).await;
    let handle = Handle::new();
    let mut ada = Session::open(address, "ada", "board", &handle).await;
    let is_closed = |ada: &Handle| ada.0.lock().unwrap().closed.is_some();
    let mut key = 0;
    while !is_closed(&handle) {
        key += 1;
        ada.insert(key, &"x".repeat(20_000));
        ada.until("an answer", |ada| ada.unanswered() == 0 || is_closed(ada))
            .await;
    }
    for _ in 0..3 {
        assert_eq!(get(address, "/sync/healthz").await.0, 503);
        // There is still room for a few bytes in another document.
        let mut bob = Session::open(address, "bob", "small", &Handle::new()).await;
        bob.insert(1, "small");
        bob.acknowledged().await;
    }
    relay.remove("board").await.unwrap();
    let healthy = async { while get(address, "/sync/healthz").await.0 != 200 {} };
    let limit = std::time::Duration::from_secs(10);
    tokio::time::timeout(limit, healthy).await.unwrap();
}
