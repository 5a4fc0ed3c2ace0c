//! Many writers and a relay that is killed repeatedly: no acknowledged edit is ever missing.
//! `LEPTOS_SYNC_KILLS` and `LEPTOS_SYNC_WRITERS` scale the test.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a failed test may panic"
)]

mod common;

use std::{
    env,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use common::{Handle, Issuer, Process, Session};
use futures::{SinkExt as _, StreamExt as _, future::pending};
use leptos_sync_core::sync::{Client, ConnectionAction};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::{connect_async, tungstenite::Message};

/// The number of connections, and so writers, of one user.
const WRITERS_A_USER: usize = 10;

/// The pause between two edits of a writer, in milliseconds.
const PAUSE_MS: u64 = 100;

/// The maximum number of edits of a writer, which separates the keys of different writers.
const EDITS: u32 = 1_000_000;

/// The state of a writer outside the relay: the number of its edits that are acknowledged, in
/// order.
struct Writer {
    at: usize,
    token: String,
    made: AtomicU32,
    acknowledged: AtomicU32,
}

impl Writer {
    fn document(&self) -> String {
        format!("document {}", self.at % 20)
    }

    fn key(&self, edit: u32) -> u32 {
        self.at as u32 * EDITS + edit
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_kills_lose_no_acknowledged_edit() {
    let number = |name: &str, default| env::var(name).map_or(default, |text| text.parse().unwrap());
    let kills = number("LEPTOS_SYNC_KILLS", 3);
    let count = number("LEPTOS_SYNC_WRITERS", 20);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("relay.db");
    let (issuer, access) = Issuer::new(dir.path());
    let token = issuer.token("reader");

    let mut relay = Process::start(&file, &access);
    let address = relay.address;
    let done = Arc::new(AtomicBool::new(false));
    let mut writers = Vec::new();
    let mut tasks = Vec::new();
    for at in 0..count {
        let writer = Arc::new(Writer {
            at,
            token: issuer.token(&format!("user {}", at / WRITERS_A_USER)),
            made: AtomicU32::new(0),
            acknowledged: AtomicU32::new(0),
        });
        tasks.push(tokio::spawn(write(
            Arc::clone(&writer),
            address,
            Arc::clone(&done),
        )));
        writers.push(writer);
    }
    for kill in 0..kills {
        // Sleep long enough for all writers to resume, and for a different duration each time.
        sleep(Duration::from_millis(1_500 + kill as u64 * 37 % 1_000)).await;
        let known: Vec<_> = writers
            .iter()
            .map(|writer| writer.acknowledged.load(Ordering::SeqCst))
            .collect();
        drop(relay);
        relay = Process::start_at(&address.to_string(), &file, &access);
        let some = kill % 20.min(count);
        check(address, &token, &writers, &known, some).await;
        println!(
            "kill {}: {} acknowledged",
            kill + 1,
            known.iter().sum::<u32>()
        );
    }
    done.store(true, Ordering::SeqCst);
    for task in tasks {
        timeout(Duration::from_secs(60), task)
            .await
            .unwrap()
            .unwrap();
    }
    let all: Vec<_> = writers
        .iter()
        .map(|writer| writer.made.load(Ordering::SeqCst))
        .collect();
    for document in 0..20.min(count) {
        check(address, &token, &writers, &all, document).await;
    }
    let sum: u32 = all.iter().sum();
    println!("{kills} kills, {count} writers, {sum} edits, none missing");
    assert!(sum as usize > count, "every writer made an edit");
}

/// Opens a new connection and checks that a document has the acknowledged edits of each writer.
async fn check(
    address: SocketAddr,
    token: &str,
    writers: &[Arc<Writer>],
    known: &[u32],
    document: usize,
) {
    let reader = Handle::new();
    let name = writers[document].document();
    let url = format!("ws://{address}/");
    let mut session = Session::open_at(&url, token.as_bytes(), &name, &reader).await;
    let mut expected = Vec::new();
    for (writer, known) in writers.iter().zip(known) {
        if writer.document() == name {
            expected.extend((1..=*known).map(|edit| writer.key(edit)));
        }
    }
    session
        .until("all acknowledged edits", |reader| {
            let state = reader.state();
            let cards = &state.replica.doc().state().cards;
            expected.iter().all(|key| cards.contains(key))
        })
        .await;
}

/// Writes until the test is done, and reconnects whenever the relay restarts.
async fn write(writer: Arc<Writer>, address: SocketAddr, done: Arc<AtomicBool>) {
    let handle = Handle::new();
    let mut client = Client::new(writer.token.clone().into_bytes(), writer.at as u64);
    let channel = client.open(&writer.document(), 0, handle.clone()).unwrap();
    let start = Instant::now();
    let now_ms = || start.elapsed().as_millis() as u64;
    let mut next_edit = start;
    let mut socket = None;
    loop {
        match client.next_action(now_ms()) {
            ConnectionAction::Connect => {
                let connected = timeout(
                    Duration::from_secs(2),
                    connect_async(format!("ws://{address}/")),
                );
                socket = connected
                    .await
                    .ok()
                    .and_then(Result::ok)
                    .map(|(socket, _)| socket);
                match socket {
                    Some(_) => client.connected(now_ms()),
                    None => {
                        client.disconnected(now_ms());
                        client.hurry();
                        sleep(Duration::from_millis(50)).await;
                    }
                }
            }
            ConnectionAction::Disconnect => {
                socket = None;
                client.disconnected(now_ms());
                client.hurry();
            }
            ConnectionAction::Stay => {}
        }
        let mut gone = false;
        if let Some(socket) = &mut socket {
            while let Some(frame) = client.next_frame(now_ms()) {
                gone |= socket.send(Message::Binary(frame.into())).await.is_err();
            }
        }
        let made = writer.made.load(Ordering::SeqCst);
        let acknowledged = made - handle.unanswered() as u32;
        writer.acknowledged.store(acknowledged, Ordering::SeqCst);
        let enough = done.load(Ordering::SeqCst);
        if enough && acknowledged == made {
            return;
        }
        let heard = async {
            match &mut socket {
                Some(socket) if !gone => socket.next().await,
                Some(_) => None,
                None => pending().await,
            }
        };
        tokio::select! {
            message = heard => match message {
                Some(Ok(Message::Binary(frame))) => client.receive(&frame, now_ms()),
                Some(Ok(_)) => {}
                _ => {
                    socket = None;
                    client.disconnected(now_ms());
                    client.hurry();
                }
            },
            () = sleep_until(next_edit) => {
                next_edit = Instant::now() + Duration::from_millis(PAUSE_MS);
                if !enough {
                    handle.insert(writer.key(made + 1), "written");
                    writer.made.store(made + 1, Ordering::SeqCst);
                    client.edited(channel);
                }
                client.wake(now_ms());
            }
        }
    }
}
