//! The relay behind the real nginx, with the configuration of the guide.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use std::{net::SocketAddr, time::Duration};

use common::{ByName, Handle, Nginx, Session, get, serve_relay};
use futures::{SinkExt as _, StreamExt as _};
use leptos_sync_server::{MemoryLog, Relay, RelayOptions};
use tokio::time::timeout;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

async fn relay(silence_ms: u32) -> SocketAddr {
    let options = RelayOptions::default().silence_ms(silence_ms);
    let relay = Relay::with_options(MemoryLog::new().unwrap(), ByName, options);
    let (address, served) = serve_relay(&relay).await;
    drop(served);
    address
}

/// An idle time-out of nginx that a test can wait for.
const SHORT: (&str, &str) = ("proxy_read_timeout 60s;", "proxy_read_timeout 1s;");

#[tokio::test]
async fn a_page_of_the_same_host_and_port_syncs_under_a_path_prefix() {
    let Some(nginx) = Nginx::start(relay(30_000).await, &[]) else {
        return;
    };
    let address = nginx.address;
    let url = format!("ws://{address}/notes/sync");
    let mut request = url.clone().into_client_request().unwrap();
    let origin = format!("http://{address}").parse().unwrap();
    request.headers_mut().insert("origin", origin);
    let (socket, _) = connect_async(request).await.unwrap();
    let ada = Handle::new();
    let mut at_ada = Session::open_on(socket, b"ada", "board", &ada);
    at_ada.insert(1, "behind a proxy");
    at_ada.acknowledged().await;
    let bob = Handle::new();
    let mut at_bob = Session::open_at(&url, b"bob", "board", &bob).await;
    at_bob.until("seen", |bob| bob.card(1).is_some()).await;
}

#[tokio::test]
async fn heartbeats_keep_an_idle_connection_through_a_short_time_out() {
    // Heartbeats are sent after a third of the silence.
    let Some(nginx) = Nginx::start(relay(1_500).await, &[SHORT]) else {
        return;
    };
    let url = format!("ws://{}/notes/sync", nginx.address);
    let ada = Handle::new();
    let mut session = Session::open_at(&url, b"ada", "board", &ada).await;
    session.insert(1, "before");
    session.acknowledged().await;
    // Each request is answered; all of them together take more than twice the time-out.
    for _ in 0..5 {
        let now = session.start.elapsed().as_millis() as u64;
        let wake = session.client.wake_at().unwrap().saturating_sub(now);
        let early = timeout(Duration::from_millis(wake), session.socket.next()).await;
        assert!(early.is_err(), "{early:?}: nothing comes of itself");
        let now = session.start.elapsed().as_millis() as u64 + 1;
        session.client.wake(now);
        let ping = session.client.next_frame(now).unwrap();
        session
            .socket
            .send(Message::Binary(ping.into()))
            .await
            .unwrap();
        let pong = session.socket.next().await.unwrap().unwrap();
        session.client.receive(&pong.into_data(), now);
    }
    session.insert(2, "after");
    session.acknowledged().await;
}

#[tokio::test]
async fn a_connection_without_heartbeats_is_cut_off_by_the_time_out() {
    let Some(nginx) = Nginx::start(relay(30_000).await, &[SHORT]) else {
        return;
    };
    let url = format!("ws://{}/notes/sync", nginx.address);
    let mut session = Session::open_at(&url, b"ada", "board", &Handle::new()).await;
    session.insert(1, "before");
    session.acknowledged().await;
    let end = timeout(Duration::from_secs(10), session.socket.next()).await;
    let relay_spoke = matches!(end, Ok(Some(Ok(Message::Binary(_)))));
    assert!(
        end.is_ok() && !relay_spoke,
        "nginx ends it, not the relay: {end:?}"
    );
}

#[tokio::test]
async fn a_proxy_that_drops_the_port_is_named_to_the_page() {
    let dropped = ("Host $http_host;", "Host $host;");
    let Some(nginx) = Nginx::start(relay(30_000).await, &[dropped]) else {
        return;
    };
    let address = nginx.address;
    let path = format!("/notes/sync?origin=http://{address}");
    let (status, text) = get(address, &path).await;
    assert_eq!(status, 403);
    assert!(
        text.contains("`proxy_set_header Host $http_host;`"),
        "{text}"
    );
    assert!(
        text.contains(&format!("without the port {}", address.port())),
        "{text}"
    );
}
