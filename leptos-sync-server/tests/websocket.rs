//! The relay in an axum app, over real WebSockets: two people, a file of SQLite, and clients that do not behave.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use std::time::Duration;

use common::{Handle, Session, bye, serve};
use futures::SinkExt as _;
use leptos_sync_core::{limits, sync::Reason};
use tokio::time::Instant;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

#[tokio::test]
async fn two_people_see_each_others_edits_and_the_relay_keeps_them() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("relay.db");
    let (address, relay, served) = serve(&file).await;
    let (ada, bob) = (Handle::new(1), Handle::new(2));
    let mut at_ada = Session::open(address, "ada", "board", &ada).await;
    let mut at_bob = Session::open(address, "bob", "board", &bob).await;
    at_ada.insert(1, "from Ada");
    at_ada
        .until("acknowledged", |ada| ada.unanswered() == 0)
        .await;
    at_bob.until("seen", |bob| bob.card(1).is_some()).await;
    at_bob.insert(1, "from Bob");
    at_bob
        .until("acknowledged", |bob| bob.unanswered() == 0)
        .await;
    at_ada
        .until("seen", |ada| ada.card(1).as_deref() == Some("from Bob"))
        .await;

    // Told of each other, and of the end of it.
    at_bob
        .client
        .set_presence(at_bob.channel, b"here".to_vec())
        .unwrap();
    at_bob.until("told", |_| true).await;
    at_ada
        .until("present", |ada| ada.0.lock().unwrap().present == [b"here"])
        .await;
    drop(at_bob);
    at_ada
        .until("gone", |ada| ada.0.lock().unwrap().present.len() == 2)
        .await;

    // Down and up again, on the same file.
    let gone = tokio::spawn(async move {
        at_ada.until("told", |_| false).await;
    });
    relay.shut_down().await;
    assert!(gone.await.is_err(), "the connection was ended");
    served.abort();
    let _ = served.await;
    drop(relay);
    let (address, ..) = serve(&file).await;
    let late = Handle::new(3);
    let mut at_late = Session::open(address, "eve", "board", &late).await;
    at_late
        .until("seen", |late| late.card(1).as_deref() == Some("from Bob"))
        .await;
}

#[tokio::test]
async fn who_may_only_read_gets_the_edit_back_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let (address, ..) = serve(&dir.path().join("relay.db")).await;
    let (ada, guest) = (Handle::new(1), Handle::new(2));
    let mut at_ada = Session::open(address, "ada", "board", &ada).await;
    at_ada.insert(1, "mine");
    at_ada
        .until("acknowledged", |ada| ada.unanswered() == 0)
        .await;
    let mut at_guest = Session::open(address, "guest", "board", &guest).await;
    at_guest
        .until("seen", |guest| guest.card(1).is_some())
        .await;
    at_guest.insert(1, "yours");
    assert_eq!(guest.card(1).as_deref(), Some("yours"), "on screen at once");
    at_guest
        .until("refused", |guest| guest.unanswered() == 0)
        .await;
    assert_eq!(guest.card(1).as_deref(), Some("mine"));
    assert_eq!(guest.0.lock().unwrap().refused[0].0, Reason::Forbidden);
    // And not a document that is nobody else's.
    let other = Handle::new(3);
    let mut at_other = Session::open(address, "guest", "private", &other).await;
    at_other
        .until("refused", |other| other.0.lock().unwrap().closed.is_some())
        .await;
    assert_eq!(
        other.0.lock().unwrap().closed.as_ref().unwrap().0,
        Reason::Forbidden
    );
}

#[tokio::test]
async fn a_replica_id_belongs_to_who_used_it_first() {
    let dir = tempfile::tempdir().unwrap();
    let (address, ..) = serve(&dir.path().join("relay.db")).await;
    let ada = Handle::new(7);
    let mut at_ada = Session::open(address, "ada", "board", &ada).await;
    at_ada.insert(1, "mine");
    at_ada
        .until("acknowledged", |ada| ada.unanswered() == 0)
        .await;
    let thief = Handle::new(7);
    let mut at_thief = Session::open(address, "bob", "other", &thief).await;
    at_thief.insert(1, "forged");
    at_thief
        .until("refused", |thief| {
            !thief.0.lock().unwrap().refused.is_empty()
        })
        .await;
    assert_eq!(thief.0.lock().unwrap().refused[0].0, Reason::Forged);
    // Its owner goes on, in that document too.
    let mut at_ada = Session::open(address, "ada", "other", &Handle::new(7)).await;
    at_ada.insert(1, "mine too");
    at_ada
        .until("acknowledged", |ada| ada.unanswered() == 0)
        .await;
}

/// What a bad client says, and what it is told. Somebody else's session goes on beside it.
#[tokio::test]
async fn bad_clients_are_told_why_and_disturb_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let (address, ..) = serve(&dir.path().join("relay.db")).await;
    let ada = Handle::new(1);
    let mut at_ada = Session::open(address, "ada", "board", &ada).await;
    at_ada.insert(1, "mine");
    at_ada
        .until("acknowledged", |ada| ada.unanswered() == 0)
        .await;

    let hello = [0, 1, 1, 1, 0, 3, b'e', b'v', b'e'];
    let open = [2, 3, 0, 1, b'x', 0, 0];
    let large = |length: usize, first: u8| {
        let mut frame = vec![7; length];
        frame[0] = first;
        frame
    };
    // Each with its frames, and the reason it is told: malformed 8, limit 9, unsupported 7, unauthorized 1.
    let clients: Vec<(&str, Vec<Vec<u8>>, u8)> = vec![
        ("nothing", vec![vec![]], 8),
        ("no hello first", vec![vec![0, 8]], 8),
        ("garbage", vec![large(100, 0)], 8),
        (
            "a frame before the hello that is too long",
            vec![large(5_000, 0)],
            9,
        ),
        (
            "a hello in two frames",
            vec![vec![1, 1, 1], vec![2, 1, 0, 0]],
            9,
        ),
        ("no credentials", vec![vec![0, 1, 1, 1, 0, 0]], 1),
        ("a protocol of the future", vec![vec![0, 1, 9, 9, 0, 0]], 7),
        (
            "a second hello",
            vec![hello.to_vec(), [&[2][..], &hello[1..]].concat()],
            8,
        ),
        (
            "a frame that came twice",
            vec![hello.to_vec(), open.to_vec(), open.to_vec()],
            8,
        ),
        (
            "a document that is not open",
            vec![hello.to_vec(), vec![2, 6, 5, 0]],
            8,
        ),
        (
            "a kind that does not exist",
            vec![hello.to_vec(), vec![2, 99]],
            7,
        ),
        (
            "a push of garbage",
            vec![hello.to_vec(), open.to_vec(), vec![4, 4, 0, 3, 1, 2, 3]],
            8,
        ),
        (
            "a name that is too long",
            vec![
                hello.to_vec(),
                [&[2, 3, 0, 0xac, 2][..], &[b'x'; 300], &[0, 0]].concat(),
            ],
            9,
        ),
    ];
    for (what, frames, reason) in clients {
        let (mut socket, _) = connect_async(format!("ws://{address}/sync")).await.unwrap();
        for frame in frames {
            let _ = socket.send(Message::Binary(frame.into())).await;
        }
        assert_eq!(bye(&mut socket).await, Some(reason), "{what}");
    }
    // Every cut of a good hello, and every byte of it changed: an answer or an end, and never a hang.
    for at in 0..hello.len() {
        for frame in [hello[..at].to_vec(), {
            let mut hello = hello.to_vec();
            hello[at] ^= 0xff;
            hello
        }] {
            let (mut socket, _) = connect_async(format!("ws://{address}/sync")).await.unwrap();
            let _ = socket.send(Message::Binary(frame.into())).await;
            let _ = socket.send(Message::Binary(vec![].into())).await;
            assert!(bye(&mut socket).await.is_some());
        }
    }
    at_ada.insert(2, "still here");
    at_ada
        .until("acknowledged", |ada| ada.unanswered() == 0)
        .await;
}

#[tokio::test]
async fn a_thousand_documents_on_one_socket_are_too_many() {
    let dir = tempfile::tempdir().unwrap();
    let (address, ..) = serve(&dir.path().join("relay.db")).await;
    let (mut socket, _) = connect_async(format!("ws://{address}/sync")).await.unwrap();
    let hello = vec![0, 1, 1, 1, 0, 3, b'e', b'v', b'e'];
    socket.send(Message::Binary(hello.into())).await.unwrap();
    for channel in 0..1_000_u32 {
        let number = ((channel + 1) % 128) as u8 * 2;
        let mut frame = vec![number, 3];
        // The channel's number as a varint of two bytes at most.
        match channel {
            0..128 => frame.push(channel as u8),
            _ => frame.extend([(channel % 128) as u8 | 0x80, (channel / 128) as u8]),
        }
        frame.extend([1, b'x', 0, 0]);
        if socket.send(Message::Binary(frame.into())).await.is_err() {
            break;
        }
    }
    assert_eq!(bye(&mut socket).await, Some(9));
}

#[tokio::test]
async fn one_who_says_nothing_is_shown_out_and_one_too_many_is_not_let_in() {
    let dir = tempfile::tempdir().unwrap();
    let (address, ..) = serve(&dir.path().join("relay.db")).await;
    let mut sessions = Vec::new();
    for at in 0..16 {
        let handle = Handle::new(at + 1);
        let mut session = Session::open(address, "ada", "board", &handle).await;
        session.insert(at as u32, "here");
        session
            .until("acknowledged", |handle| handle.unanswered() == 0)
            .await;
        sessions.push(session);
    }
    let (mut one_more, _) = connect_async(format!("ws://{address}/sync")).await.unwrap();
    let hello = vec![0, 1, 1, 1, 0, 3, b'a', b'd', b'a'];
    one_more.send(Message::Binary(hello.into())).await.unwrap();
    assert_eq!(bye(&mut one_more).await, Some(9));
    let (mut silent, _) = connect_async(format!("ws://{address}/sync")).await.unwrap();
    let start = Instant::now();
    assert_eq!(bye(&mut silent).await, Some(11));
    assert!(start.elapsed() >= Duration::from_millis(limits::HANDSHAKE_MS - 500));
}

#[tokio::test]
async fn a_page_of_another_origin_may_not_connect() {
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
