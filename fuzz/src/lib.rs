//! Shared code of the fuzz targets: a document of every type, and one that is exchanged.

pub mod replica;

use std::{cell::RefCell, rc::Rc};

use leptos_sync_core::{Clock, Crdt, Delta, Doc, Error, GCounter, LwwMap, LwwRegister, Outbox, PnCounter, ReplicaId, Snapshot, VersionVector, clock::{ManualTime, Window}, sync::{Document, Permission, Reason}};
use xxhash_rust::xxh64::xxh64;

/// The wall clock of all targets.
pub const NOW_MS: u64 = 1_700_000_000_000;

/// Every type, and a record in a record.
#[derive(Crdt, Clone, Default, PartialEq, Debug)]
pub struct Board {
    pub title: LwwRegister<String>,
    pub cards: LwwMap<u32, String>,
    pub likes: GCounter,
    pub stock: PnCounter,
    pub inner: Inner,
}

#[derive(Crdt, Clone, Default, PartialEq, Debug)]
pub struct Inner {
    pub done: LwwRegister<bool>,
    pub notes: LwwMap<String, Vec<u8>>,
}

/// An empty document.
pub fn board(replica: u64) -> Doc<Board> {
    let time = ManualTime::at(NOW_MS);
    Doc::new(Clock::new(ReplicaId::new(replica), time))
}

/// An envelope for a body, since mutations would never find its checksum.
pub fn sealed(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut envelope = vec![b'L', b'S', b'Y', b'N', 2, kind, 0];
    let mut length = body.len();
    while length >= 0x80 {
        envelope.push(length as u8 | 0x80);
        length >>= 7;
    }
    envelope.push(length as u8);
    let checksum = xxh64(body, xxh64(&envelope, 0)) as u32;
    envelope.extend(checksum.to_le_bytes());
    envelope.extend(body);
    envelope
}

/// A document with its outbox, as a client has it.
#[derive(Clone)]
pub struct Handle(pub Rc<RefCell<Exchanged>>);

pub struct Exchanged {
    pub doc: Doc<Board>,
    pub outbox: Outbox,
}

impl Handle {
    pub fn new(replica: u64) -> Self {
        Self(Rc::new(RefCell::new(Exchanged {
            doc: board(replica),
            outbox: Outbox::new(),
        })))
    }

    pub fn edit(&self, key: u32, value: u8) {
        let Exchanged { doc, outbox } = &mut *self.0.borrow_mut();
        outbox
            .transact(doc, |tx| match value % 4 {
                0 => tx.title().set(value.to_string()),
                1 => tx.likes().increment(1),
                2 => tx.cards().remove(&key),
                _ => tx.cards().insert(key, value.to_string()),
            })
            .expect("a small edit is within all limits");
    }
}

impl Document for Handle {
    fn version(&self) -> VersionVector {
        let this = self.0.borrow();
        this.outbox.version(&this.doc)
    }

    fn pending(&mut self, relay: &VersionVector) -> Result<Vec<Delta>, Error> {
        let this = self.0.borrow();
        this.outbox.pending(&this.doc, relay, |_| true)
    }

    fn set_permission(&mut self, _: Permission) {}

    fn opened(&mut self, _: Window) {}

    fn caught_up(&mut self, window: Window) -> Result<(), Error> {
        let Exchanged { doc, outbox } = &mut *self.0.borrow_mut();
        outbox.restamp(doc, window, |_| true).map(drop)
    }

    fn receive(&mut self, delta: &Delta) -> Result<(), Error> {
        let Exchanged { doc, outbox } = &mut *self.0.borrow_mut();
        outbox.receive(doc, delta).map(drop)
    }

    fn receive_snapshot(&mut self, parts: &[Snapshot]) -> Result<(), Error> {
        let Exchanged { doc, outbox } = &mut *self.0.borrow_mut();
        outbox.receive_snapshot(doc, parts).map(drop)
    }

    fn acknowledged(&mut self, upto: &VersionVector) {
        self.0.borrow_mut().outbox.acknowledge(upto);
    }

    fn rejected(&mut self, upto: &VersionVector, reason: Reason, _: &str) {
        let Exchanged { doc, outbox } = &mut *self.0.borrow_mut();
        if !reason.concerns_time() {
            outbox.reject(doc, upto);
        }
    }

    fn presence(&mut self, _: ReplicaId, _: &str, _: &[u8]) {}

    fn closed(&mut self, _: Reason, _: &str) {}
}
