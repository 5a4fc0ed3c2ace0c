//! An app that `serve` serves, with clients that take connections and send nothing.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use std::{net::SocketAddr, time::Duration};

use axum::{Router, extract::ConnectInfo, routing::get as route};
use common::{ByName, Handle, Raw, Session, get};
use leptos_sync_server::{MemoryLog, Relay, ServeOptions, limits, router, serve};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_tungstenite::MaybeTlsStream;

/// Serves a relay with room for `connections` until the sender is dropped.
async fn start(connections: usize) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let relay = Relay::new(MemoryLog::new().unwrap(), ByName);
    let who = async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.ip().to_string();
    let app = Router::new()
        .nest("/sync", router(relay.clone()))
        .route("/who", route(who));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let options = ServeOptions::default().connections(connections);
    let served = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        serve(listener, app, &relay, &options, stopped).await;
    });
    (address, stop, served)
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_request_is_closed_after_a_time() {
    let (address, _stop, _) = start(8).await;
    let (mut silent, mut slow) = (
        TcpStream::connect(address).await.unwrap(),
        TcpStream::connect(address).await.unwrap(),
    );
    slow.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let begun = Instant::now();
    for stream in [&mut silent, &mut slow] {
        assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0, "it is closed");
    }
    let limit = Duration::from_millis(limits::HEADER_MS);
    assert!(begun.elapsed() >= limit && begun.elapsed() < 2 * limit);
}

#[tokio::test]
async fn silent_connections_make_room_for_others() {
    let (address, _stop, _) = start(3).await;
    let mut silent = Vec::new();
    for _ in 0..10 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let mut ada = Session::open(address, "ada", "board", &Handle::new()).await;
    ada.insert(1, "let in");
    ada.acknowledged().await;
    assert_eq!(get(address, "/who").await, (200, "127.0.0.1".to_owned()));
    for _ in 0..10 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    assert_eq!(get(address, "/sync/healthz").await.0, 200);
    ada.insert(2, "stays");
    ada.acknowledged().await;
}

#[tokio::test]
async fn connections_beyond_the_limit_are_refused_until_one_ends() {
    let (address, _stop, _) = start(2).await;
    let mut open = Vec::new();
    for replica in 1..=2 {
        let mut one = Session::open(address, "ada", "board", &Handle::new()).await;
        one.insert(replica as u32, "here");
        one.acknowledged().await;
        open.push(one);
    }
    let mut refused = TcpStream::connect(address).await.unwrap();
    let mut answer = String::new();
    refused.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    open.pop();
    let again = async {
        loop {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let ask = b"GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
            let mut answer = Vec::new();
            // A rejected connection may be reset.
            let _ = stream.write_all(ask).await;
            let _ = stream.read_to_end(&mut answer).await;
            if answer.starts_with(b"HTTP/1.1 200") {
                return;
            }
        }
    };
    timeout(Duration::from_secs(10), again).await.unwrap();
}

/// A WebSocket message is assembled before the relay sees it.
#[tokio::test]
async fn fragments_of_an_endless_hello_end_the_connection() {
    let (address, _stop, _) = start(8).await;
    let mut eve = Raw::connect(address).await;
    let MaybeTlsStream::Plain(stream) = eve.socket.get_mut() else {
        panic!("the connection is plain TCP");
    };
    // A binary message in fragments of 100 bytes, masked with zeros.
    let mut opcode = 2;
    for _ in 0..limits::GREETING_BYTES / 100 + 10 {
        let fragment = [&[opcode, 0x80 + 100, 0, 0, 0, 0][..], &[7; 100]].concat();
        if stream.write_all(&fragment).await.is_err() {
            break;
        }
        opcode = 0;
    }
    // If the relay waited for the rest, it would say so at the end of the handshake's time.
    assert_eq!(eve.bye().await, None);

    // An admitted client may send more.
    let mut ada = Session::open(address, "ada", "board", &Handle::new()).await;
    ada.insert(1, &"long ".repeat(10_000));
    ada.acknowledged().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_ends_within_its_time() {
    let (address, stop, served) = start(8).await;
    // One says nothing, one is idle, and one is in the middle of a request.
    let _silent = TcpStream::connect(address).await.unwrap();
    let mut idle = TcpStream::connect(address).await.unwrap();
    let ask = b"GET /who HTTP/1.1\r\nHost: x\r\n\r\n";
    idle.write_all(ask).await.unwrap();
    assert!(idle.read(&mut [0; 512]).await.unwrap() > 0);
    idle.write_all(&ask[..9]).await.unwrap();
    let begun = Instant::now();
    drop(stop);
    served.await.unwrap();
    assert!(begun.elapsed() <= Duration::from_millis(limits::SHUT_DOWN_MS));
}
