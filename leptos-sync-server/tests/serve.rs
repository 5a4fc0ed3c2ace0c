//! An app that `serve` serves, with clients that take connections and send nothing.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::ConnectInfo,
    routing::{get as route, post},
};
use common::{ByName, Handle, Raw, Session, Socket, get};
use futures::StreamExt as _;
use leptos_sync_server::{MemoryLog, Relay, ServeOptions, limits, router, serve};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tokio_tungstenite::{MaybeTlsStream, tungstenite::Message};

/// The size of an answer that exceeds the buffers of a socket.
const LARGE: usize = 64 * 1024 * 1024;

/// Serves a relay with room for `connections` until the sender is dropped.
async fn start(connections: usize) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let relay = Relay::new(MemoryLog::new().unwrap(), ByName);
    let who = async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.ip().to_string();
    let app = Router::new()
        .nest("/sync", router(relay.clone()))
        .route("/who", route(who))
        .route("/large", route(async || "x".repeat(LARGE)))
        .route("/upload", post(async |body: Bytes| body.len().to_string()));
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

#[tokio::test(start_paused = true)]
async fn a_client_that_requests_and_never_reads_is_disconnected() {
    let (address, _stop, _) = start(1).await;
    let mut stuck = TcpStream::connect(address).await.unwrap();
    let begun = Instant::now();
    let requests = async {
        let ask = b"GET /who HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1_000);
        while stuck.write_all(&ask).await.is_ok() {}
    };
    timeout(Duration::from_secs(3_600), requests).await.unwrap();
    let limit = Duration::from_millis(limits::STALL_MS);
    assert!(begun.elapsed() >= limit && begun.elapsed() < 2 * limit);
    // The only place is free again.
    assert_eq!(get(address, "/who").await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_slowly_gets_its_answer() {
    let (address, _stop, _) = start(1).await;
    let mut slow = TcpStream::connect(address).await.unwrap();
    let ask = b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    slow.write_all(ask).await.unwrap();
    let begun = Instant::now();
    let (mut buffer, mut read) = (vec![0; 1024 * 1024], 0);
    let mut is_over = false;
    while !is_over {
        sleep(Duration::from_millis(limits::STALL_MS * 9 / 10)).await;
        slow.readable().await.unwrap();
        // Empty the buffers of both sockets, since the system reports smaller progress late.
        while let Ok(more) = slow.try_read(&mut buffer)
            && !is_over
        {
            read += more;
            is_over = more == 0;
        }
    }
    assert!(read > LARGE, "{read} bytes");
    assert!(begun.elapsed() > Duration::from_millis(3 * limits::STALL_MS));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_no_more_of_a_body_is_disconnected() {
    let (address, _stop, _) = start(1).await;
    let mut stuck = TcpStream::connect(address).await.unwrap();
    let begun = Instant::now();
    let head = b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n";
    stuck.write_all(head).await.unwrap();
    // It sends all but the last byte, slowly.
    for _ in 0..8 {
        sleep(Duration::from_millis(limits::STALL_MS * 9 / 10)).await;
        stuck.write_all(b"x").await.unwrap();
    }
    let mut answer = Vec::new();
    let answered = stuck.read_to_end(&mut answer);
    timeout(Duration::from_secs(3_600), answered)
        .await
        .unwrap()
        .unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    let limit = Duration::from_millis(limits::STALL_MS);
    assert!(begun.elapsed() >= 8 * limit && begun.elapsed() < 9 * limit);
}

/// A WebSocket message is assembled before the relay sees it.
#[tokio::test]
async fn fragments_of_an_endless_hello_end_the_connection() {
    let (address, _stop, _) = start(8).await;
    let mut eve = Raw::connect(address).await;
    let stream = plain(&mut eve.socket);
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

#[tokio::test]
async fn a_request_without_exactly_one_host_is_refused() {
    let (address, _stop, _) = start(8).await;
    for (version, hosts, expected) in [
        ("1.1", "", 400),
        ("1.1", "Host: x\r\n", 200),
        ("1.1", "Host: x\r\nHost: y\r\n", 400),
        // Load balancers use HTTP/1.0 for health checks.
        ("1.0", "", 200),
        ("1.0", "Host: x\r\nHost: x\r\n", 400),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let ask = format!("GET /who HTTP/{version}\r\n{hosts}Connection: close\r\n\r\n");
        stream.write_all(ask.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let status: u16 = answer[9..12].parse().unwrap();
        assert_eq!(status, expected, "{ask}");
    }
}

/// Returns the fragments of a WebSocket message, masked with zeros: one with the first bytes, empty
/// ones, and unless it never ends, one with the last byte.
fn fragments(message: &[u8], empty: usize, ends: bool) -> Vec<u8> {
    let (last, first) = message.split_last().unwrap();
    let mut all = vec![2, 0x80 + first.len() as u8, 0, 0, 0, 0];
    all.extend(first);
    all.extend([0, 0x80, 0, 0, 0, 0].repeat(empty));
    if ends {
        all.extend([0x80, 0x81, 0, 0, 0, 0, *last]);
    }
    all
}

fn plain(socket: &mut Socket) -> &mut TcpStream {
    match socket.get_mut() {
        MaybeTlsStream::Plain(stream) => stream,
        _ => panic!("the connection is plain TCP"),
    }
}

#[tokio::test]
async fn an_admitted_client_whose_message_never_ends_is_disconnected() {
    let (address, _stop, _) = start(8).await;
    let mut eve = Raw::open(address, "eve", "board").await;
    eve.handled().await;
    let stream = plain(&mut eve.socket);
    let mut sent = fragments(&[0, 8], 1_000, false);
    let mut all = 0;
    while stream.write_all(&sent).await.is_ok() {
        all += sent.len();
        sent = fragments(&[0, 8], 1_000, false).split_off(7);
        assert!(all < 64 * 1024 * 1024, "the relay reads on");
    }
}

#[tokio::test(start_paused = true)]
async fn messages_in_countless_fragments_slow_only_their_sender_down() {
    const MESSAGES: u8 = 30;
    let (address, _stop, _) = start(8).await;
    let mut ada = Session::open(address, "ada", "board", &Handle::new()).await;
    ada.insert(1, "here");
    ada.acknowledged().await;
    let mut eve = Raw::open(address, "eve", "board").await;
    eve.handled().await;
    let begun = Instant::now();
    let mut last = begun;
    for number in 3..3 + MESSAGES {
        let ping = fragments(&[number * 2, 8], 40_000, true);
        plain(&mut eve.socket).write_all(&ping).await.unwrap();
        let before = Instant::now();
        ada.insert(u32::from(number), "meanwhile");
        ada.acknowledged().await;
        assert!(before.elapsed() < Duration::from_secs(1));
        // The answer follows, so nothing is lost.
        while !matches!(eve.socket.next().await.unwrap().unwrap(), Message::Binary(frame) if frame[1] == 11)
        {
        }
        last = Instant::now();
    }
    assert!(last - begun > Duration::from_secs(60), "{:?}", last - begun);
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
