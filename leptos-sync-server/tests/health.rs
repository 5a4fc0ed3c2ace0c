//! Whether to send somebody to a relay, as it says itself.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use common::{ByName, Handle, Session, SwitchedLog, get, serve_relay};
use leptos_sync_server::Relay;

#[tokio::test]
async fn nobody_is_sent_to_a_relay_whose_log_is_gone_or_that_goes_down() {
    let log = SwitchedLog::default();
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
async fn nobody_is_sent_to_a_relay_whose_log_takes_no_edits_until_it_does_again() {
    let log = SwitchedLog::default();
    let relay = Relay::new(log.clone(), ByName);
    let (address, _) = serve_relay(&relay).await;
    let mut ada = Session::open(address, "ada", "board", &Handle::new(1)).await;
    ada.insert(1, "kept");
    ada.acknowledged().await;
    log.fill(true);
    ada.insert(2, "no room");
    let closed = |ada: &Handle| ada.0.lock().unwrap().closed.is_some();
    ada.until("closed", closed).await;
    for _ in 0..3 {
        assert_eq!(get(address, "/sync/healthz").await.0, 503);
    }
    log.fill(false);
    for _ in 0..3 {
        assert_eq!(get(address, "/sync/healthz").await.0, 200);
    }
}
