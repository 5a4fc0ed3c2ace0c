use std::{net::SocketAddr, time::Duration};

use futures::{SinkExt as _, StreamExt as _};
use leptos_sync_core::{
    Clock, Doc, ReplicaId, Time,
    clock::{SystemTime, TimeSource},
    history::{Entry, EntryHash, EntryId, Patch},
    limits,
    sync::Reason,
};
use tokio::time::timeout;
use tokio_tungstenite::{connect_async, tungstenite::Message};

use super::{Board, Socket, bye, handle::BoardFields as _};

/// The kinds of messages from the relay.
const OPENED: u8 = 3;
const ACK: u8 = 6;
const REJECT: u8 = 7;
const CLOSED: u8 = 9;
const BYE: u8 = 10;
const PONG: u8 = 11;
const GAP: u8 = 17;

/// The kinds of messages from a client.
const OPEN: u8 = 3;
const PUSH: u8 = 4;
const PING: u8 = 8;
const READ: u8 = 10;

/// The first message of a client: the hello of the user Eve.
pub(crate) const HELLO: [u8; 8] = [1, 2, 2, 0, 3, b'e', b'v', b'e'];

/// A connection that can send arbitrary bytes. Messages concern channel 0 by default.
pub(crate) struct Raw {
    pub(crate) socket: Socket,
    frames: u8,
    /// The reason with which the relay has closed a document, until [`answer`](Raw::answer) tells
    /// it.
    closed: Option<Reason>,
}

/// The relay's answer to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Ack,
    Gap,
    Reject(Reason),
    Closed(Reason),
}

impl Raw {
    /// Connects without sending a hello.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let (socket, _) = connect_async(format!("ws://{address}/sync")).await.unwrap();
        Self {
            socket,
            frames: 0,
            closed: None,
        }
    }

    /// Connects, sends the hello of `user`, and opens a document.
    pub(crate) async fn open(address: SocketAddr, user: &str, document: &str) -> Self {
        let mut raw = Self::connect(address).await;
        raw.say(&[&[1, 2, 2, 1][..], &text(user)].concat()).await;
        raw.say(&open_of(0, document)).await;
        raw.opened().await;
        raw
    }

    /// Waits until the relay has opened or closed a document. A later
    /// [`answer`](Raw::answer) tells if it has closed it.
    pub(crate) async fn opened(&mut self) {
        while self.closed.is_none() && self.next().await[1] != OPENED {}
    }

    /// Requests the page after a number.
    pub(crate) async fn read(&mut self, after: usize) {
        let mut message = vec![READ, 0];
        varint(&mut message, after);
        self.say(&message).await;
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

    /// Pushes entries.
    pub(crate) async fn push(&mut self, entries: &[Entry]) {
        self.say(&push_of(entries)).await;
    }

    /// Returns the next answer to a push or an open.
    pub(crate) async fn answer(&mut self) -> Answer {
        loop {
            if let Some(reason) = self.closed.take() {
                return Answer::Closed(reason);
            }
            let frame = self.next().await;
            // All channels here have one-byte numbers, and so have the numbers of entries.
            match (frame[1], &frame[3..]) {
                (ACK, _) => return Answer::Ack,
                (GAP, _) => return Answer::Gap,
                (REJECT, rest) => return Answer::Reject(Reason::of_code(rest[9])),
                _ => {}
            }
        }
    }

    /// Returns the next frame of a kind, and drops those before it.
    pub(crate) async fn next_of(&mut self, kind: u8) -> Vec<u8> {
        loop {
            let frame = self.next().await;
            if frame[1] == kind {
                return frame;
            }
        }
    }

    /// Returns the next frame of a kind, or `None` if the connection ends without a reason.
    pub(crate) async fn next_before_end(
        &mut self,
        kind: u8,
    ) -> Result<Option<Vec<u8>>, Option<Reason>> {
        loop {
            let next = timeout(Duration::from_secs(30), self.socket.next());
            match next.await.unwrap() {
                Some(Ok(Message::Binary(frame))) if frame[1] == kind => {
                    return Ok(Some(frame.to_vec()));
                }
                Some(Ok(Message::Binary(frame))) if frame[1] == BYE => {
                    return Err(Some(Reason::of_code(frame[2])));
                }
                Some(Ok(_)) => {}
                _ => return Ok(None),
            }
        }
    }

    /// Returns the next frame.
    pub(crate) async fn next(&mut self) -> Vec<u8> {
        let frame = timeout(Duration::from_secs(30), async {
            loop {
                if let Message::Binary(frame) = self.socket.next().await.unwrap().unwrap() {
                    return frame.to_vec();
                }
            }
        });
        let frame = frame.await.unwrap();
        if frame[1] == CLOSED {
            self.closed = Some(Reason::of_code(frame[3]));
        }
        frame
    }

    /// Waits until the relay has handled all messages. Returns the reason if it has closed a
    /// document.
    pub(crate) async fn handled(&mut self) -> Option<Reason> {
        self.say(&[PING]).await;
        while self.closed.is_none() && self.next().await[1] != PONG {}
        self.closed.take()
    }

    /// Returns the reason for the end of the connection, or `None` if the relay closes it without
    /// one.
    pub(crate) async fn bye(&mut self) -> Option<Reason> {
        bye(&mut self.socket).await.map(Reason::of_code)
    }
}

/// Encodes the request to open a document of which the client has read nothing.
pub(crate) fn open_of(channel: usize, document: &str) -> Vec<u8> {
    let mut message = vec![OPEN];
    varint(&mut message, channel);
    message.extend_from_slice(&text(document));
    // The schema.
    message.push(0);
    // The position, the witness, no comparison, no ids.
    message.extend_from_slice(&[0; 9]);
    message.extend_from_slice(&[0; 9 + 1 + 8]);
    message.extend_from_slice(&[0, 0]);
    message
}

/// Encodes a push of the consecutive entries of one writer.
pub(crate) fn push_of(entries: &[Entry]) -> Vec<u8> {
    let mut message = vec![PUSH, 0];
    let first = &entries[0];
    message.extend_from_slice(&first.id.replica.get().to_le_bytes());
    varint(&mut message, first.id.number as usize);
    message.extend_from_slice(&first.previous.get().to_le_bytes());
    varint(&mut message, entries.len());
    for entry in entries {
        message.extend_from_slice(&entry.hash.get().to_le_bytes());
        let cells = match entry.cells.is_empty() {
            true => Vec::new(),
            false => entry.cells.encode(),
        };
        varint(&mut message, cells.len());
        message.extend_from_slice(&cells);
    }
    message
}

fn text(text: &str) -> Vec<u8> {
    let mut message = Vec::new();
    varint(&mut message, text.len());
    message.extend_from_slice(text.as_bytes());
    message
}

/// Returns the first entries of a writer, which insert cards, starting at `ms`.
pub(crate) fn transactions(replica: u64, ms: u64, cards: &[(u32, &str)]) -> Vec<Entry> {
    let clock = Clock::new(ReplicaId::new(replica), At(ms));
    let mut doc = Doc::<Board>::new(clock);
    let mut number = 0;
    let made = cards.iter().map(|&(key, text)| {
        let done = doc.transact(|tx| tx.cards().insert(key, text.to_owned()));
        let delta = done.unwrap().delta;
        number += 1;
        let time = delta.upto().latest();
        let cells = Patch::collect(time, |out| {
            for group in delta.cells().groups() {
                out.group(group.parent());
                group.cells().for_each(|cell| out.copy(cell));
            }
        });
        entry(replica, number, time, cells.unwrap())
    });
    made.collect()
}

/// Returns an entry of a writer. The hash of each entry is its number.
pub(crate) fn entry(replica: u64, number: u64, time: Time, cells: Patch) -> Entry {
    Entry {
        id: EntryId {
            replica: ReplicaId::new(replica),
            number,
        },
        previous: EntryHash::new(number - 1),
        hash: EntryHash::new(number),
        time,
        cells,
        stored: None,
        user: 0,
    }
}

/// Returns the first entry of a writer, which inserts card 900.
pub(crate) fn card(replica: u64, ms: u64, text: &str) -> Entry {
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

/// Appends a number in LEB128.
pub(crate) fn varint(out: &mut Vec<u8>, mut number: usize) {
    while number >= 128 {
        out.push(number as u8 | 128);
        number >>= 7;
    }
    out.push(number as u8);
}
