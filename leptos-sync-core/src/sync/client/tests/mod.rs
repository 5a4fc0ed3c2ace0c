//! A client with a scripted relay.

mod comparing;
mod documents;
mod pushing;
mod reading;
mod silence;
mod violations;

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use super::*;
use crate::{
    clock::{Time, Window},
    history::{
        Ack, CellRange, Entry, EntryHash, EntryId, Epoch, Epochs, IdHead, Next, Opened, Opening,
        Page, Patch, Position, RelayState, Sequence, Witness,
    },
    id::ReplicaId,
    path::PathBuf,
    sync::{
        frame::{Assembler, Cutter},
        message::{Message, Permission, Response},
    },
};

/// A document that records the calls of the client, and reads numbers without cells.
#[derive(Clone, Default)]
struct Recorder(Rc<RefCell<Calls>>);

#[derive(Default)]
struct Calls {
    /// The names of the calls that change something.
    log: Vec<&'static str>,
    position: u64,
    compares: bool,
    /// The offers of the next ranges.
    offers: VecDeque<Vec<Patch>>,
    /// The outbox. Those before `sent` are on their way.
    entries: Vec<Entry>,
    /// The end of the last range that was compared.
    compared_to: Option<PathBuf>,
    /// The path at which the comparison of the next range stops early.
    stops_at: Option<PathBuf>,
    sent: usize,
    rejected: Vec<(EntryId, Reason)>,
    closed: Vec<Reason>,
    permissions: Vec<Permission>,
    present: Vec<(String, Vec<u8>)>,
    windows: Vec<Window>,
    /// The error of the next page.
    page_error: Option<Error>,
}

impl Document for Recorder {
    fn start(&mut self) -> Opening {
        let mut calls = self.0.borrow_mut();
        calls.sent = 0;
        let mut opening = Opening::default();
        opening.cursor.position.sequence = Sequence::new(calls.position);
        opening
    }

    fn epochs(&self) -> Epochs {
        epochs()
    }

    fn position(&self) -> Sequence {
        Sequence::new(self.0.borrow().position)
    }

    fn witness(&self) -> Witness {
        witness()
    }

    fn set_permission(&mut self, permission: Permission) {
        self.0.borrow_mut().permissions.push(permission);
    }

    fn opened(&mut self, _: &Opened) -> Result<Next, Error> {
        let mut calls = self.0.borrow_mut();
        calls.log.push("opened");
        Ok(match calls.compares {
            true => Next::Compare,
            false => Next::Read,
        })
    }

    fn range(&mut self, range: &CellRange) -> Result<Vec<Patch>, Error> {
        let mut calls = self.0.borrow_mut();
        calls.log.push("range");
        calls.compared_to = calls.stops_at.take().or_else(|| range.upto.clone());
        Ok(calls.offers.pop_front().unwrap_or_default())
    }

    fn compared_to(&self) -> Option<PathBuf> {
        self.0.borrow().compared_to.clone()
    }

    fn offered(&mut self, all: bool, _: RelayState) {
        let name = if all { "offered" } else { "not all offered" };
        self.0.borrow_mut().log.push(name);
    }

    fn heads(&self) -> Vec<(ReplicaId, IdHead)> {
        vec![(ReplicaId::new(1), IdHead::default())]
    }

    fn adopted(&mut self, _: &[(ReplicaId, IdHead)], _: RelayState) {
        self.0.borrow_mut().log.push("adopted");
    }

    fn compared(&mut self) -> Result<(), Error> {
        self.0.borrow_mut().log.push("compared");
        Ok(())
    }

    fn page(&mut self, page: &Page) -> Result<(), Error> {
        let mut calls = self.0.borrow_mut();
        if let Some(error) = calls.page_error.take() {
            return Err(error);
        }
        calls.log.push("page");
        calls.position = calls.position.max(page.upto.get());
        Ok(())
    }

    fn caught_up(&mut self, window: Window) -> Result<(), Error> {
        let mut calls = self.0.borrow_mut();
        calls.log.push("caught up");
        calls.windows.push(window);
        Ok(())
    }

    fn entries(&mut self, bytes: usize, count: usize) -> Result<Vec<Entry>, Error> {
        assert!(bytes > 0 && count > 0);
        let calls = &mut *self.0.borrow_mut();
        let next = calls.entries.iter().skip(calls.sent).take(count);
        let next: Vec<_> = next.cloned().collect();
        calls.sent += next.len();
        Ok(next)
    }

    fn acknowledged(&mut self, ack: &Ack) -> Result<(), Error> {
        let calls = &mut *self.0.borrow_mut();
        calls.log.push("acknowledged");
        calls.entries.retain(|entry| ack.sequence(entry).is_none());
        calls.sent -= ack.count as usize;
        if calls.position + 1 == ack.first.get() {
            calls.position += ack.count;
        }
        Ok(())
    }

    fn rejected(&mut self, id: EntryId, reason: Reason, _: &str, _: Window) -> Result<(), Error> {
        let mut calls = self.0.borrow_mut();
        calls.rejected.push((id, reason));
        let at = calls.entries.iter().position(|entry| entry.id == id);
        calls.sent = at.unwrap();
        Ok(())
    }

    fn presence(&mut self, _: ReplicaId, user: &str, data: &[u8]) {
        let present = (user.to_owned(), data.to_vec());
        self.0.borrow_mut().present.push(present);
    }

    fn closed(&mut self, reason: Reason, _: &str) {
        self.0.borrow_mut().closed.push(reason);
    }

    fn removed(&mut self) {
        self.0.borrow_mut().log.push("removed");
    }
}

const CHANNEL: Channel = Channel(0);

/// Returns the document's epochs.
fn epochs() -> Epochs {
    Epochs::from_list(vec![(Epoch::new(1), Sequence::new(1))], false).unwrap()
}

/// Returns the document's witness with the latest time.
fn witness() -> Witness {
    Witness {
        latest: Time::new(77),
        ..Witness::default()
    }
}

/// The client and the relay's end of its connection.
struct Talk {
    client: Client<Recorder>,
    document: Recorder,
    cutter: Cutter,
    assembler: Assembler,
    now_ms: u64,
}

impl Talk {
    /// A client that is connecting.
    fn begin() -> Self {
        let mut client = Client::new(Vec::new(), 1);
        let document = Recorder::default();
        client.open("plans", 0, document.clone()).unwrap();
        let mut talk = Self {
            client,
            document,
            cutter: Cutter::default(),
            assembler: Assembler::default(),
            now_ms: 1_000,
        };
        talk.connect();
        talk
    }

    /// A client that is admitted and has asked for its document.
    fn asked() -> Self {
        let mut talk = Self::begin();
        talk.welcome();
        talk.said();
        talk
    }

    /// A client that has read everything, on a live channel, with these entries in its outbox.
    fn live(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut talk = Self::asked();
        talk.document.0.borrow_mut().entries.extend(entries);
        talk.opened(0);
        talk.page(0, 0, 0);
        talk
    }

    fn connect(&mut self) {
        self.now_ms = self.now_ms.max(self.client.wake_at().unwrap());
        let action = self.client.next_action(self.now_ms);
        assert_eq!(action, ConnectionAction::Connect);
        self.client.connected(self.now_ms);
        self.cutter = Cutter::default();
        self.assembler = Assembler::default();
    }

    fn hear(&mut self, response: &Response) {
        let mut frames = VecDeque::new();
        let write = |out: &mut Vec<u8>| response.encode(false, out);
        self.cutter.cut(&mut frames, write);
        for frame in frames {
            self.client.receive(&frame, self.now_ms);
        }
    }

    fn welcome(&mut self) {
        self.hear(&Response::Welcome {
            protocol: PROTOCOL,
            now_ms: 0,
            silence_ms: 30_000,
        });
    }

    /// Returns the client's messages since the last call.
    fn said(&mut self) -> Vec<Request> {
        let mut said = Vec::new();
        while let Some(frame) = self.client.next_frame(self.now_ms) {
            let limits = (limits::FRAME_BYTES, limits::MESSAGE_BYTES);
            said.extend(
                self.assembler
                    .take(&frame, limits, Request::decode)
                    .unwrap(),
            );
        }
        said
    }

    /// Returns the calls of the document since the last call of this method.
    fn calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.document.0.borrow_mut().log)
    }

    fn opened_as(&mut self, permission: Permission, head: u64, diverged: bool) {
        self.hear(&Response::Opened {
            channel: CHANNEL,
            permission,
            opened: Opened {
                now_ms: 5_000,
                diverged,
                state: state(head),
                ..Opened::default()
            },
        });
    }

    fn opened(&mut self, head: u64) {
        self.opened_as(Permission::Write, head, false);
    }

    fn page(&mut self, after: u64, upto: u64, head: u64) {
        self.hear(&page(after, upto, head));
    }

    fn ack(&mut self, number: u64, count: u64, first: u64) {
        self.hear(&ack(number, count, first));
    }

    fn close(&mut self, reason: Reason) {
        self.hear(&Response::Closed {
            channel: CHANNEL,
            reason,
            text: "no".to_owned(),
        });
    }

    /// Waits until the client asks for its document again. The relay answers pings meanwhile.
    /// Returns the time that passed in milliseconds.
    fn wait_for_open(&mut self) -> u64 {
        let begin = self.now_ms;
        while !self.kinds().contains(&"open".to_owned()) {
            self.now_ms = self.client.wake_at().unwrap();
            self.client.wake(self.now_ms);
            self.hear(&Response::Pong { now_ms: 0 });
        }
        let waited = self.now_ms - begin;
        assert!(waited <= 300_000, "{waited} ms");
        waited
    }

    /// Returns why the connection ended.
    fn ended(&self) -> Option<Reason> {
        self.client.ended().map(|(reason, _)| reason)
    }
}

fn state(head: u64) -> RelayState {
    RelayState {
        witness: Witness {
            head: Position {
                epoch: Epoch::new(1),
                sequence: Sequence::new(head),
            },
            ..Witness::default()
        },
        epoch_start: Sequence::new(head.min(1)),
    }
}

fn page(after: u64, upto: u64, head: u64) -> Response {
    Response::Page {
        channel: CHANNEL,
        page: Page {
            after: Sequence::new(after),
            upto: Sequence::new(upto),
            state: state(head),
            ..Page::default()
        },
    }
}

fn id(replica: u64, number: u64) -> EntryId {
    EntryId {
        replica: ReplicaId::new(replica),
        number,
    }
}

fn ack(number: u64, count: u64, first: u64) -> Response {
    Response::Ack {
        channel: CHANNEL,
        ack: Ack {
            id: id(1, number),
            count,
            first: Sequence::new(first),
            state: state(first + count - 1),
        },
    }
}

fn reject(id: EntryId, reason: Reason) -> Response {
    Response::Reject {
        channel: CHANNEL,
        id,
        reason,
        text: "no".to_owned(),
        window: Window::default(),
    }
}

fn gap(replica: u64) -> Response {
    Response::Gap {
        channel: CHANNEL,
        replica: ReplicaId::new(replica),
        head: IdHead::default(),
    }
}

/// Returns an entry without cells.
fn entry(replica: u64, number: u64) -> Entry {
    Entry {
        id: id(replica, number),
        previous: EntryHash::new(number),
        hash: EntryHash::new(number + 1),
        time: Time::ZERO,
        cells: Patch::default(),
        stored: None,
        user: 0,
    }
}

fn entries(numbers: std::ops::RangeInclusive<u64>) -> impl Iterator<Item = Entry> {
    numbers.map(|number| entry(1, number))
}

/// Returns the kinds of requests, and the numbers in them.
fn kinds(said: &[Request]) -> Vec<String> {
    let kind = |request: &Request| match request {
        Request::Hello { .. } => "hello".to_owned(),
        Request::Open { .. } => "open".to_owned(),
        Request::Epochs { .. } => "epochs".to_owned(),
        Request::Read { after, .. } => format!("read {}", after.get()),
        Request::Range { after: None, .. } => "range".to_owned(),
        Request::Range { after: Some(_), .. } => "range after".to_owned(),
        Request::Offer { .. } => "offer".to_owned(),
        Request::Adopt { .. } => "adopt".to_owned(),
        Request::Push { entries, .. } => {
            let ids = entries.iter().map(|entry| entry.id);
            let ids = ids.map(|id| format!(" {}.{}", id.replica.get(), id.number));
            format!("push{}", ids.collect::<String>())
        }
        Request::Leave { .. } => "leave".to_owned(),
        Request::Presence { .. } => "presence".to_owned(),
        Request::Renew { .. } => "renew".to_owned(),
        Request::Ping => "ping".to_owned(),
    };
    said.iter().map(kind).collect()
}

impl Talk {
    fn kinds(&mut self) -> Vec<String> {
        kinds(&self.said())
    }
}
