use std::{cell::RefCell, rc::Rc};

use leptos_sync_core::{
    Clock, Crdt, Delta, Doc, Error, GCounter, LwwMap, LwwRegister, Outbox, Received, ReplicaId,
    Restamped, Snapshot, TimeSource as _, VersionVector, Window, limits,
    sync::{Document, Permission, Reason},
};

use super::{WallClock, journal::Journal};

/// What everybody edits.
#[derive(Crdt, Clone, Default, PartialEq, Debug)]
pub(crate) struct Board {
    pub(crate) title: LwwRegister<String>,
    pub(crate) cards: LwwMap<u32, String>,
    pub(crate) likes: GCounter,
}

/// What a replica keeps: a log of everything that happened to its document. What is not synced is lost in a crash.
#[derive(Default)]
struct Disk {
    records: Vec<Record>,
    synced: usize,
}

#[derive(Clone)]
enum Record {
    /// The document without what has no answer.
    Base(Snapshot, VersionVector),
    Made(Delta),
    Received(Delta),
    ReceivedState(Vec<Snapshot>),
    Acknowledged(VersionVector),
    Refused(VersionVector),
    Restamped(Vec<Restamped>),
}

/// A document with its outbox and its disk.
pub(crate) struct State {
    pub(crate) name: String,
    pub(crate) doc: Doc<Board>,
    pub(crate) outbox: Outbox,
    pub(crate) permission: Permission,
    /// What this replica takes for the time, and what its device does.
    clock: WallClock,
    skew_ms: i64,
    disk: Disk,
    journal: Rc<RefCell<Journal>>,
    /// Whether what it writes may be stored. What may not is in no journal.
    writes: bool,
    pub(crate) present: Vec<(ReplicaId, Vec<u8>)>,
}

impl State {
    pub(crate) fn new(
        name: String,
        replica: ReplicaId,
        clock: WallClock,
        skew_ms: i64,
        writes: bool,
        journal: Rc<RefCell<Journal>>,
    ) -> Self {
        clock.set_skew_ms(skew_ms);
        Self {
            name,
            doc: Doc::new(Clock::new(replica, clock.clone())),
            outbox: Outbox::new(),
            permission: Permission::Write,
            clock,
            skew_ms,
            disk: Disk::default(),
            journal,
            writes,
            present: Vec::new(),
        }
    }

    pub(crate) fn edit(&mut self, key: u32, value: u64) {
        let text = format!("{value:x}");
        let done = self.outbox.transact(&mut self.doc, |tx| match key {
            0 => tx.title().set(text),
            1 => tx.likes().increment(value % 5 + 1),
            key if value.is_multiple_of(3) => tx.cards().remove(&key),
            key => {
                tx.cards().insert(key, text.clone());
                tx.cards().insert(key + 1, text);
            }
        });
        let delta = done.unwrap().delta;
        if !delta.is_empty() {
            if self.writes {
                self.journal.borrow_mut().made(&delta);
            }
            self.disk.records.push(Record::Made(delta));
        }
    }

    /// Everything so far is on the disk.
    pub(crate) fn sync(&mut self) {
        self.disk.synced = self.disk.records.len();
    }

    /// Replaces the log by what it amounts to.
    pub(crate) fn compact(&mut self) {
        let base = self.outbox.base(&self.doc).snapshot().unwrap();
        let acknowledged = self.outbox.acknowledged().clone();
        let made = self.outbox.transactions().cloned().map(Record::Made);
        self.disk.records = [Record::Base(base, acknowledged)]
            .into_iter()
            .chain(made)
            .collect();
        self.sync();
    }

    /// Ends without a word, and begins again under another id with what is on the disk.
    pub(crate) fn crash(&mut self, replica: ReplicaId) {
        for record in self.disk.records.drain(self.disk.synced..) {
            if let Record::Made(delta) = record {
                self.journal.borrow_mut().may_be_lost(&delta);
            }
        }
        // What was accepted before is not asked for its time again.
        self.clock.set_skew_ms(0);
        self.doc = Doc::new(Clock::new(replica, self.clock.clone()));
        self.outbox = Outbox::new();
        for record in self.disk.records.clone() {
            let (doc, outbox) = (&mut self.doc, &mut self.outbox);
            match record {
                Record::Base(base, acknowledged) => {
                    *doc = Doc::load(&base, doc.clock().clone());
                    *outbox = Outbox::resume(acknowledged);
                }
                Record::Made(delta) => {
                    outbox.load(doc, &delta).unwrap();
                }
                Record::Received(delta) => {
                    outbox.load(doc, &delta).unwrap();
                    outbox.acknowledge(delta.upto());
                }
                Record::ReceivedState(parts) => {
                    let taken = outbox.receive_snapshot(doc, &parts).unwrap();
                    assert!(taken.refused.is_empty(), "they have records of their own");
                }
                Record::Acknowledged(upto) => outbox.acknowledge(&upto),
                Record::Refused(upto) => {
                    outbox.reject(doc, &upto);
                }
                Record::Restamped(all) => {
                    outbox.replace(doc, &all);
                }
            }
        }
        self.clock.set_skew_ms(self.skew_ms);
    }

    /// The device's clock is set.
    pub(crate) fn jump(&mut self, by_ms: i64) {
        self.skew_ms += by_ms;
        self.clock.add_skew_ms(by_ms);
    }

    fn settled(&mut self, before: &[Delta], received: &Received) {
        let mut journal = self.journal.borrow_mut();
        for delta in before {
            if received.refused.contains(delta) {
                journal.refused(delta);
                let upto = delta.upto().clone();
                self.disk.records.push(Record::Refused(upto));
            } else if self.writes && !self.outbox.transactions().any(|left| left == delta) {
                // A reader's counts as stored where others have overwritten it since: that cannot be told apart.
                journal.acknowledged(delta);
            }
        }
    }

    fn pending(&self) -> Vec<Delta> {
        self.outbox.transactions().cloned().collect()
    }
}

/// A handle, as a client has it.
#[derive(Clone)]
pub(crate) struct Handle(pub(crate) Rc<RefCell<State>>);

impl Document for Handle {
    fn version(&self) -> VersionVector {
        let state = self.0.borrow();
        state.outbox.version(&state.doc)
    }

    fn pending(&mut self, relay: &VersionVector) -> Result<Vec<Delta>, Error> {
        let state = self.0.borrow();
        let lacks = |delta: &&Delta| !relay.covers(delta.upto());
        let pending: Vec<_> = state.outbox.transactions().filter(lacks).cloned().collect();
        Ok(pending)
    }

    fn opened(&mut self, permission: Permission, window: Window) {
        let mut state = self.0.borrow_mut();
        state.permission = permission;
        let wrong = window.now_ms as i64 - state.clock.now_ms() as i64;
        state.clock.add_skew_ms(wrong);
    }

    fn caught_up(&mut self, window: Window) -> Result<(), Error> {
        let mut state = self.0.borrow_mut();
        let state = &mut *state;
        let (restamped, _) = state.outbox.restamp(&mut state.doc, window)?;
        if !restamped.is_empty() {
            if state.writes {
                state.journal.borrow_mut().restamped(&restamped);
            }
            state.disk.records.push(Record::Restamped(restamped));
            // Before the relay hears of it: otherwise it would be stamped anew once more, and win over what came between.
            state.sync();
        }
        Ok(())
    }

    fn receive(&mut self, delta: &Delta) -> Result<(), Error> {
        let mut state = self.0.borrow_mut();
        let state = &mut *state;
        let before = state.pending();
        let received = state.outbox.receive(&mut state.doc, delta)?;
        // What was refused is taken back before what contains it is taken in, when this is read again.
        state.settled(&before, &received);
        state.disk.records.push(Record::Received(delta.clone()));
        Ok(())
    }

    fn receive_snapshot(&mut self, parts: &[Snapshot]) -> Result<(), Error> {
        let mut state = self.0.borrow_mut();
        let state = &mut *state;
        let before = state.pending();
        let received = state.outbox.receive_snapshot(&mut state.doc, parts)?;
        state.settled(&before, &received);
        state
            .disk
            .records
            .push(Record::ReceivedState(parts.to_vec()));
        Ok(())
    }

    fn acknowledged(&mut self, upto: &VersionVector) {
        let mut state = self.0.borrow_mut();
        let before = state.pending();
        state.outbox.acknowledge(upto);
        state.settled(&before, &Received::default());
        state.disk.records.push(Record::Acknowledged(upto.clone()));
    }

    fn rejected(&mut self, upto: &VersionVector, reason: Reason, text: &str) {
        let mut state = self.0.borrow_mut();
        let state = &mut *state;
        assert!(!state.writes, "{}: {reason}: {text}", state.name);
        if let Some((refused, _)) = state.outbox.reject(&mut state.doc, upto) {
            state.journal.borrow_mut().refused(&refused);
        }
        state.disk.records.push(Record::Refused(upto.clone()));
    }

    fn presence(&mut self, peer: ReplicaId, data: &[u8]) {
        let mut state = self.0.borrow_mut();
        state.present.retain(|(known, _)| *known != peer);
        if !data.is_empty() {
            state.present.push((peer, data.to_vec()));
        }
    }

    fn closed(&mut self, reason: Reason, text: &str) {
        assert!(
            reason.is_passing(),
            "{}: {reason}: {text}",
            self.0.borrow().name
        );
    }
}

/// The greatest time by which a clock may be wrong without being noticed at once.
pub(crate) const DRIFT_MS: i64 = limits::DRIFT_MS as i64;
