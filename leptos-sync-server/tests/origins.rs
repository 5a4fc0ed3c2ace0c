//! The check of origins over real sockets: which pages may connect, and how a page learns the
//! reason if it may not.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use common::{ByName, serve_relay};
use leptos_sync_server::{MemoryLog, Relay, RelayOptions};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Sends a request to a relay. Returns the head of the answer and the part of its body that arrives
/// with it.
async fn request(options: RelayOptions, path: &str, headers: &str) -> String {
    let relay = Relay::with_options(MemoryLog::new().unwrap(), ByName, options);
    let (address, _served) = serve_relay(&relay).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

fn allowing(origin: &str) -> RelayOptions {
    RelayOptions::default().allow_origins([origin]).unwrap()
}

#[tokio::test]
async fn an_allowed_origin_that_ends_with_a_slash_is_allowed() {
    let headers = format!("{UPGRADE}Host: relay.example\r\nOrigin: https://app.example\r\n");
    let answer = request(allowing("https://app.example/"), "/sync", &headers).await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
}

#[tokio::test]
async fn the_relays_own_origin_may_connect_through_a_proxy_that_states_the_default_port() {
    let headers = format!("{UPGRADE}Host: app.example:443\r\nOrigin: https://app.example\r\n");
    let answer = request(RelayOptions::default(), "/sync", &headers).await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
}

#[tokio::test]
async fn a_proxy_may_state_the_relays_origin_where_it_is_trusted() {
    let headers = format!(
        "{UPGRADE}Host: 10.0.0.1:8080\r\nOrigin: https://app.example\r\nX-Forwarded-Host: app.example\r\n\
         X-Forwarded-Proto: https\r\n"
    );
    let trusting = RelayOptions::default().trust_forwarded_headers(true);
    let answer = request(trusting, "/sync", &headers).await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    let answer = request(RelayOptions::default(), "/sync", &headers).await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
}

#[tokio::test]
async fn a_page_can_ask_whether_and_why_not_it_may_connect() {
    let host = "Host: app.example\r\n";
    let own = "/sync?origin=https%3A%2F%2Fapp.example";
    let other = "/sync?origin=http%3A%2F%2Fapp.example%3A8080";
    for (path, headers, status, text) in [
        (own, "", "200", "leptos-sync relay"),
        ("/sync", "", "200", "leptos-sync relay"),
        (other, "", "403", "`proxy_set_header Host $http_host;`"),
        (other, "", "403", "leptos-sync relay: pages of"),
        // The header of the browser takes precedence over the query of the page.
        (
            own,
            "Origin: https://evil.example\r\n",
            "403",
            "https://evil.example",
        ),
    ] {
        let headers = format!("{host}{headers}");
        let answer = request(RelayOptions::default(), path, &headers).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let head = head.to_lowercase();
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{answer}");
        assert!(body.contains(text), "{answer}");
        for header in [
            "access-control-allow-origin: *",
            "cache-control: no-store",
            "content-type: text/plain; charset=utf-8",
            "x-content-type-options: nosniff",
        ] {
            assert!(head.contains(header), "{header}: {answer}");
        }
    }
}

#[tokio::test]
async fn an_upgrade_that_is_none_is_no_question_of_a_page() {
    let headers = "Host: app.example\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n";
    let answer = request(RelayOptions::default(), "/sync", headers).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}
