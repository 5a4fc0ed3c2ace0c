//! The relay as a process that is killed, terminated, or misconfigured.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use std::{
    fs,
    process::Output,
    time::{Duration, Instant},
};

use common::{Handle, Issuer, Process, Session, command, get};
use futures::{SinkExt as _, StreamExt as _};
use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use leptos_sync_core::sync::Reason;
use serde_json::json;
use tokio::net::TcpSocket;
use tokio_tungstenite::{MaybeTlsStream, client_async, tungstenite::Message};

/// The database is restored from a backup, and the key beside it stays.
#[tokio::test]
async fn clients_restore_what_a_backup_of_the_database_lacks() {
    let dir = tempfile::tempdir().unwrap();
    let (file, backup) = (dir.path().join("relay.db"), dir.path().join("backup"));
    let (ada, bob) = (Handle::new(), Handle::new());
    let mut relay = Process::start(&file, &["--allow-anyone"]);
    let mut at_ada = relay.open("ada", &ada).await;
    at_ada.insert(1, "in the backup");
    at_ada.acknowledged().await;
    relay.terminate();
    assert!(relay.ended().success());
    fs::copy(&file, &backup).unwrap();
    for round in 2..4 {
        let relay = Process::start(&file, &["--allow-anyone"]);
        let mut at_ada = relay.open("ada", &ada).await;
        at_ada.insert(round, "after the backup");
        at_ada.acknowledged().await;
    }
    assert_eq!(ada.state().compared, 0, "restarts are no reason to compare");
    for of in ["-wal", "-shm"] {
        let _ = fs::remove_file(dir.path().join(format!("relay.db{of}")));
    }
    fs::copy(&backup, &file).unwrap();
    let relay = Process::start(&file, &["--allow-anyone"]);
    let mut at_bob = relay.open("bob", &bob).await;
    at_bob
        .until("what the backup has", |bob| bob.card(1).is_some())
        .await;
    assert_eq!(bob.card(2), None);
    let mut at_ada = relay.open("ada", &ada).await;
    at_ada.insert(4, "new");
    at_ada.acknowledged().await;
    at_bob.until("all cards", |bob| bob.card(4).is_some()).await;
    assert_eq!(bob.cards(), ada.cards());
    assert_eq!(ada.cards().len(), 4);
}

#[tokio::test]
async fn a_document_that_the_operator_removes_leaves_the_file_and_clients_learn_of_it() {
    const TEXT: &str = "text of a removed document";
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("relay.db");
    let ada = Handle::new();
    let mut relay = Process::start(&file, &["--allow-anyone"]);
    let mut at_ada = relay.open("ada", &ada).await;
    at_ada.insert(1, TEXT);
    at_ada.acknowledged().await;
    // The database belongs to the relay that runs.
    let remove = || command(&file, &["--remove", "board"]).output().unwrap();
    assert!(!remove().status.success());
    relay.terminate();
    assert!(relay.ended().success());
    assert!(remove().status.success());

    let mut relay = Process::start(&file, &["--allow-anyone"]);
    let mut at_ada = relay.open("ada", &ada).await;
    at_ada.until("the removal", |ada| ada.state().removed).await;
    relay.terminate();
    assert!(relay.ended().success());
    for entry in fs::read_dir(dir.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let mut parts = bytes.windows(TEXT.len());
        assert!(!parts.any(|part| part == TEXT.as_bytes()));
    }
}

#[test]
fn a_key_file_that_is_no_key_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("the.key");
    fs::write(&key, "no key").unwrap();
    let file = dir.path().join("relay.db");
    let path = key.to_str().unwrap();
    let ended = command(&file, &["--allow-anyone", "--seal-key-file", path]).output();
    let Output { status, stderr, .. } = ended.unwrap();
    assert!(!status.success());
    let said = String::from_utf8(stderr).unwrap();
    assert!(
        said.contains(path) && said.contains("32 hexadecimal"),
        "{said}"
    );
    assert_eq!(fs::read_to_string(&key).unwrap(), "no key");
}

#[tokio::test]
async fn a_killed_relay_loses_no_acknowledged_edit() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("relay.db");
    let ada = Handle::new();
    let mut made = 0;
    for _ in 0..3 {
        let relay = Process::start(&file, &["--allow-anyone"]);
        let mut session = relay.open("", &ada).await;
        for _ in 0..200 {
            made += 1;
            session.insert(made, "from Ada");
        }
        // Kill the relay when some edits are acknowledged and others are in flight.
        let before = ada.unanswered();
        session
            .until("some acknowledgements", |ada| ada.unanswered() < before)
            .await;
        drop(relay);
        let acknowledged = made - ada.unanswered() as u32;
        let relay = Process::start(&file, &["--allow-anyone"]);
        let late = Handle::new();
        let mut at_late = relay.open("", &late).await;
        at_late
            .until("all acknowledged edits", |late| {
                (1..=acknowledged).all(|key| late.card(key).is_some())
            })
            .await;
    }
    // After the restart, the client sends the rest.
    let relay = Process::start(&file, &["--allow-anyone"]);
    let mut session = relay.open("", &ada).await;
    session.acknowledged().await;
    let late = Handle::new();
    let all = |late: &Handle| (1..=made).all(|key| late.card(key).is_some());
    relay.open("", &late).await.until("all edits", all).await;
}

#[tokio::test]
async fn a_terminated_relay_says_goodbye_and_exits_soon() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("relay.db");
    let mut relay = Process::start(&file, &["--allow-anyone", "--metrics"]);
    assert_eq!(get(relay.address, "/healthz").await.0, 200);
    let (status, figures) = get(relay.address, "/metrics").await;
    assert_eq!(status, 200);
    assert!(figures.contains("relay_sockets"), "{figures}");
    let ada = Handle::new();
    let mut session = relay.open("", &ada).await;
    session.insert(1, "kept");
    session.acknowledged().await;
    // One client no longer sends or reads, and one has not sent its hello.
    let mut mute = relay.open("", &Handle::new()).await;
    mute.insert(2, "kept");
    mute.acknowledged().await;
    let idle = tokio::net::TcpStream::connect(relay.address).await.unwrap();
    relay.terminate();
    let (reason, text) = session.ended().await;
    assert_eq!(reason, Reason::GoingAway, "{text}");
    assert!(relay.ended().success());
    drop((mute, idle));
    let relay = Process::start(&file, &["--allow-anyone"]);
    let late = Handle::new();
    let kept = |late: &Handle| late.card(1).is_some() && late.card(2).is_some();
    relay.open("", &late).await.until("both edits", kept).await;
}

#[tokio::test]
async fn a_relay_with_a_key_accepts_tokens() {
    let dir = tempfile::tempdir().unwrap();
    let (file, key) = (dir.path().join("relay.db"), dir.path().join("key"));
    // The secret has a trailing newline, which `echo` adds.
    let secret = "thirty-two bytes, known to nobody";
    fs::write(&key, format!("{secret}\n")).unwrap();
    let key = key.to_str().unwrap();
    let access = ["--jwt-algorithm", "HS256", "--jwt-audience", "notes"];
    let access = [&access[..], &["--jwt-key-file", key]].concat();
    let relay = Process::start(&file, &access);
    let claims = json!({
        "sub": "ada", "aud": "notes", "exp": get_current_timestamp() + 60,
        "documents": { "write": ["board"] },
    });
    let key = EncodingKey::from_secret(secret.as_bytes());
    let token = encode(&Header::default(), &claims, &key).unwrap();
    let mut session = relay.open(&token, &Handle::new()).await;
    session.insert(1, "mine");
    session.acknowledged().await;
    let (reason, text) = relay.open("", &Handle::new()).await.ended().await;
    assert_eq!(reason, Reason::Unauthorized, "{text}");
}

#[tokio::test]
async fn a_client_that_reads_nothing_costs_the_relay_only_a_queue() {
    const EDITS: u32 = 20_000;
    // The text is too short to be compressed.
    let text = "so ".repeat(300);
    let dir = tempfile::tempdir().unwrap();
    let (issuer, access) = Issuer::new(dir.path());
    let relay = Process::start(&dir.path().join("relay.db"), &access);
    let mut readers = Vec::new();
    for replica in 2..6 {
        // Keep the kernel's buffers small, since they are not counted as memory of the relay.
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(8 * 1024).unwrap();
        let stream = MaybeTlsStream::Plain(socket.connect(relay.address).await.unwrap());
        let url = format!("ws://{}/", relay.address);
        let (socket, _) = client_async(url, stream).await.unwrap();
        let token = issuer.token(&format!("reader {replica}"));
        let handle = Handle::new();
        let mut reader = Session::open_on(socket, token.as_bytes(), "board", &handle);
        reader.insert(replica as u32, "is there");
        reader.acknowledged().await;
        readers.push(reader);
    }
    let ada = Handle::new();
    let mut session = relay.open(&issuer.token("ada"), &ada).await;
    session.insert(1, &text);
    session.acknowledged().await;
    let before = relay.most_memory();
    for _ in 0..EDITS / 200 {
        (0..200).for_each(|_| ada.insert(1, &text));
        session.insert(1, &text);
        session.acknowledged().await;
    }
    let told = u64::from(EDITS) * text.len() as u64;
    let grown = relay.most_memory() - before;
    assert!(
        grown < told / 2,
        "the relay grew by {grown} bytes for {told} bytes sent"
    );
}

#[tokio::test]
async fn consecutive_answers_are_not_delayed() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Process::start(&dir.path().join("relay.db"), &["--allow-anyone"]);
    let mut socket = relay.open("", &Handle::new()).await.socket;
    // Send a hello in protocol 1 and a ping, in numbered frames.
    let mut number = 0;
    let mut ask = async |what: &[&[u8]]| {
        let start = Instant::now();
        for message in what {
            let frame = [&[number * 2][..], message].concat();
            number = (number + 1) % 128;
            socket.feed(Message::Binary(frame.into())).await.unwrap();
        }
        socket.flush().await.unwrap();
        for _ in what {
            socket.next().await.unwrap().unwrap();
        }
        start.elapsed()
    };
    ask(&[&[1, 2, 2, 0, 0]]).await;
    // The kernel delays acknowledgements only for a peer that answers immediately.
    for _ in 0..20 {
        ask(&[&[8]]).await;
    }
    let mut taken = Vec::new();
    for _ in 0..21 {
        taken.push(ask(&[&[8], &[8]]).await);
    }
    taken.sort();
    assert!(taken[10] < Duration::from_millis(30), "{taken:?}");
}

#[test]
fn a_misconfigured_relay_explains_and_does_not_start() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("relay.db");
    let key = dir.path().join("key");
    fs::write(&key, "short").unwrap();
    let key = key.to_str().unwrap();
    let tokens = ["--jwt-algorithm", "RS256", "--jwt-audience", "notes"];
    let run = |more: &[&str]| -> Output { command(&file, more).output().unwrap() };
    for (more, expected) in [
        (vec![], "--allow-anyone"),
        (vec!["--metrics"], "--jwt-algorithm"),
        (tokens.to_vec(), "--jwt-key-file"),
        (
            [&tokens[..], &["--jwt-key-file", key]].concat(),
            "BEGIN PUBLIC KEY",
        ),
        (
            [&tokens[..], &["--jwt-key-file", "/nowhere"]].concat(),
            "/nowhere",
        ),
        (
            [&tokens[..], &["--jwt-key-file", key, "--allow-anyone"]].concat(),
            "cannot be used with",
        ),
        (vec!["--allow-anyone", "--listen", "127.0.0.1"], "--listen"),
        (
            vec!["--allow-anyone", "--allow-origin", "app.example"],
            "such as https://app.example:8443",
        ),
        (
            vec!["--allow-anyone", "--retention-days", "long"],
            "number of days, or `never`",
        ),
    ] {
        let ended = run(&more);
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(!ended.status.success(), "{more:?}");
        assert!(said.contains(expected), "{more:?}: {said}");
        assert!(!file.exists(), "no file was created");
    }
    let help = run(&["--help"]);
    let said = String::from_utf8(help.stdout).unwrap();
    assert!(
        help.status.success() && said.contains("--database"),
        "{said}"
    );
    let (_, of_retention) = said.split_once("--retention-days").unwrap();
    assert!(of_retention.contains("[default: 90]"), "{said}");
}
