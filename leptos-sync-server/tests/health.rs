//! The health endpoint, from which a load balancer learns whether to route to a relay.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use common::{ByName, Handle, Session, SwitchedLog, get, serve_relay};
use leptos_sync_server::Relay;

#[tokio::test]
async fn a_relay_without_its_log_or_shutting_down_is_unhealthy() {
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
async fn a_relay_whose_log_cannot_write_is_unhealthy_until_it_can() {
    let log = SwitchedLog::default();
    let relay = Relay::new(log.clone(), ByName);
    let (address, _) = serve_relay(&relay).await;
    let mut ada = Session::open(address, "ada", "board", &Handle::new(1)).await;
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
