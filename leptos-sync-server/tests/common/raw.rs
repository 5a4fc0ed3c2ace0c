use std::{net::SocketAddr, time::Duration};

use futures::{SinkExt as _, StreamExt as _};
use leptos_sync_core::{
    Clock, Delta, Doc, ReplicaId,
    clock::{SystemTime, TimeSource},
    limits,
    sync::Reason,
};
use tokio::time::timeout;
use tokio_tungstenite::{connect_async, tungstenite::Message};

use super::{Board, Socket, bye, handle::BoardFields as _};

/// The kinds of messages from the relay.
const ACK: u8 = 6;
const REJECT: u8 = 7;
const CLOSED: u8 = 9;
const PONG: u8 = 11;

/// The kind of a ping.
const PING: u8 = 8;

/// The first message of a client: the hello of the user Eve.
pub(crate) const HELLO: [u8; 8] = [1, 1, 1, 0, 3, b'e', b'v', b'e'];

/// A connection that can send arbitrary bytes. Messages concern channel 0 by default.
pub(crate) struct Raw {
    pub(crate) socket: Socket,
    frames: u8,
}

/// The relay's answer to a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Ack,
    Reject(Reason),
    Closed(Reason),
}

impl Raw {
    /// Connects without sending a hello.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let (socket, _) = connect_async(format!("ws://{address}/sync")).await.unwrap();
        Self { socket, frames: 0 }
    }

    /// Connects, sends the hello of `user`, and opens a document.
    pub(crate) async fn open(address: SocketAddr, user: &str, document: &str) -> Self {
        let mut raw = Self::connect(address).await;
        let of = |name: &str| [&[name.len() as u8], name.as_bytes()].concat();
        raw.say(&[&[1, 1, 1, 1][..], &of(user)].concat()).await;
        raw.say(&[&[3, 0][..], &of(document), &[0, 0]].concat())
            .await;
        raw
    }

    /// Sends a message in as few frames as possible.
    pub(crate) async fn say(&mut self, message: &[u8]) {
        let mut parts = message.chunks(limits::FRAME_BYTES - 1).peekable();
        while let Some(part) = parts.next() {
            self.say_part(part, parts.peek().is_some()).await;
        }
    }

    /// Sends a frame that contains a message or a part of one.
    pub(crate) async fn say_part(&mut self, part: &[u8], more: bool) {
        let number = (self.frames << 1) | u8::from(more);
        self.frames = (self.frames + 1) % 128;
        self.send([&[number], part].concat()).await;
    }

    /// Sends bytes that need not be a valid frame. The relay may have disconnected.
    pub(crate) async fn send(&mut self, frame: Vec<u8>) {
        let _ = self.socket.send(Message::Binary(frame.into())).await;
    }

    /// Pushes bytes that need not be a valid delta.
    pub(crate) async fn push(&mut self, delta: &[u8]) {
        let mut message = vec![4, 0];
        varint(&mut message, delta.len());
        message.extend_from_slice(delta);
        self.say(&message).await;
    }

    /// Returns the next answer to a push or an open.
    pub(crate) async fn answer(&mut self) -> Answer {
        let answer = timeout(Duration::from_secs(30), async {
            loop {
                let Message::Binary(frame) = self.socket.next().await.unwrap().unwrap() else {
                    continue;
                };
                // All channels here have one-byte numbers.
                match (frame[1], &frame[3..]) {
                    (ACK, _) => return Answer::Ack,
                    (REJECT, rest) => return Answer::Reject(Reason::of_code(behind_version(rest))),
                    (CLOSED, rest) => return Answer::Closed(Reason::of_code(rest[0])),
                    _ => {}
                }
            }
        });
        answer.await.unwrap()
    }

    /// Waits until the relay has handled all messages. Returns the reason if it has closed a
    /// document.
    pub(crate) async fn handled(&mut self) -> Option<Reason> {
        self.say(&[PING]).await;
        let handled = timeout(Duration::from_secs(30), async {
            loop {
                let Message::Binary(frame) = self.socket.next().await.unwrap().unwrap() else {
                    continue;
                };
                match frame[1] {
                    CLOSED => return Some(Reason::of_code(frame[3])),
                    PONG => return None,
                    _ => {}
                }
            }
        });
        handled.await.unwrap()
    }

    /// Returns the reason for the end of the connection, or `None` if the relay closes it without
    /// one.
    pub(crate) async fn bye(&mut self) -> Option<Reason> {
        bye(&mut self.socket).await.map(Reason::of_code)
    }
}

/// Returns consecutive transactions of a replica that insert cards, starting at `ms`.
pub(crate) fn transactions(replica: u64, ms: u64, cards: &[(u32, &str)]) -> Vec<Delta> {
    let clock = Clock::new(ReplicaId::new(replica), At(ms));
    let mut doc = Doc::<Board>::new(clock);
    let made = cards.iter().map(|&(key, text)| {
        let done = doc.transact(|tx| tx.cards().insert(key, text.to_owned()));
        done.unwrap().delta
    });
    made.collect()
}

/// Returns a transaction that inserts card 900.
pub(crate) fn card(replica: u64, ms: u64, text: &str) -> Delta {
    transactions(replica, ms, &[(900, text)]).remove(0)
}

pub(crate) fn now_ms() -> u64 {
    SystemTime.now_ms()
}

/// A clock that stands still.
struct At(u64);

impl TimeSource for At {
    fn now_ms(&self) -> u64 {
        self.0
    }
}

/// Returns the byte after a version.
fn behind_version(bytes: &[u8]) -> u8 {
    let mut rest = &bytes[1..];
    for _ in 0..bytes[0] {
        let length = rest[8..].iter().position(|byte| *byte < 128).unwrap() + 1;
        rest = &rest[8 + length..];
    }
    rest[0]
}

/// Appends a number in LEB128.
pub(crate) fn varint(out: &mut Vec<u8>, mut number: usize) {
    while number >= 128 {
        out.push(number as u8 | 128);
        number >>= 7;
    }
    out.push(number as u8);
}
