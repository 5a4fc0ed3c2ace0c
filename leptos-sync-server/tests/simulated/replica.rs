use std::{cell::RefCell, rc::Rc};

use futures::FutureExt as _;
use leptos_sync_core::{
    Clock, Crdt, Delta, Doc, Error, GCounter, LwwMap, LwwRegister, Outbox, ReplicaId, Snapshot,
    VersionVector,
    clock::{TimeSource as _, Window},
    engine::{DocStore, StoreWrite},
    limits,
    storage::{Batch, MemoryStorage, Record, Scan, Storage as _},
    sync::{Document, Permission, Reason},
};

use super::{WallClock, journal::Journal};

/// The document that all replicas edit.
#[derive(Crdt, Clone, Default, PartialEq, Debug)]
pub(crate) struct Board {
    pub(crate) title: LwwRegister<String>,
    pub(crate) cards: LwwMap<u32, String>,
    pub(crate) likes: GCounter,
}

/// A storage that a crash resets to the last sync.
struct Disk {
    storage: MemoryStorage,
    synced: Vec<Record>,
}

impl Disk {
    fn sync(&mut self) {
        let all = self.storage.scan(Scan::all()).now_or_never();
        self.synced = all.unwrap().unwrap();
    }

    fn crash(&mut self) {
        self.storage = MemoryStorage::new();
        let mut batch = Batch::new();
        for (key, value) in &self.synced {
            batch.put(key.clone(), value.clone());
        }
        self.commit(batch);
    }

    fn commit(&self, batch: Batch) {
        self.storage.commit(batch).now_or_never().unwrap().unwrap();
    }

    fn store(&self) -> DocStore<MemoryStorage> {
        DocStore::new(self.storage.clone(), "board").unwrap()
    }
}

/// A document with its outbox and its disk.
pub(crate) struct State {
    pub(crate) name: String,
    pub(crate) doc: Doc<Board>,
    pub(crate) outbox: Outbox,
    pub(crate) permission: Permission,
    /// The clock of the replica's device.
    clock: WallClock,
    skew_ms: i64,
    disk: Disk,
    store: DocStore<MemoryStorage>,
    /// The transactions since the last sync.
    unsynced: Vec<Delta>,
    journal: Rc<RefCell<Journal>>,
    /// Whether the replica may write. The journal ignores the edits of a reader.
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
        let disk = Disk {
            storage: MemoryStorage::new(),
            synced: Vec::new(),
        };
        Self {
            store: disk.store(),
            unsynced: Vec::new(),
            name,
            doc: Doc::new(Clock::new(replica, clock.clone())),
            outbox: Outbox::new(),
            permission: Permission::Write,
            clock,
            skew_ms,
            disk,
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
            let StoreWrite { batch, receipt, .. } = self.store.log(std::slice::from_ref(&delta));
            self.disk.commit(batch);
            self.store.committed(receipt);
            self.unsynced.push(delta);
        }
    }

    /// Makes all writes so far durable.
    pub(crate) fn sync(&mut self) {
        self.disk.sync();
        self.unsynced.clear();
    }

    /// Writes a new snapshot.
    pub(crate) fn compact(&mut self) {
        let write = self.store.compact_exchanged(&mut self.doc, &self.outbox);
        self.write(write.unwrap());
    }

    fn write(&mut self, write: StoreWrite) {
        self.disk.commit(write.batch);
        self.store.committed(write.receipt);
    }

    /// Crashes the replica and restarts it under a new id, with the data on its disk.
    pub(crate) fn crash(&mut self, replica: ReplicaId) {
        for delta in self.unsynced.drain(..) {
            self.journal.borrow_mut().may_be_lost(&delta);
        }
        self.disk.crash();
        self.clock.set_skew_ms(self.skew_ms);
        self.store = self.disk.store();
        let clock = Clock::new(replica, self.clock.clone());
        let loaded = self.store.load_exchanged(clock).now_or_never();
        let (loaded, outbox) = loaded.unwrap().unwrap();
        assert!(loaded.damage.is_empty());
        (self.doc, self.outbox) = (loaded.doc, outbox);
    }

    /// Sets the device's clock forwards or backwards.
    pub(crate) fn jump(&mut self, by_ms: i64) {
        self.skew_ms += by_ms;
        self.clock.add_skew_ms(by_ms);
    }

    fn settled(&mut self, before: &[Delta], rejected: &[Delta]) {
        let mut journal = self.journal.borrow_mut();
        for delta in before {
            if rejected.contains(delta) {
                journal.refused(delta);
            } else if self.writes && !self.outbox.transactions().contains(delta) {
                // If another replica has overwritten a reader's edit since, the edit is treated as
                // stored, since the two cases look the same.
                journal.acknowledged(delta);
            }
        }
    }

    fn pending(&self) -> Vec<Delta> {
        self.outbox.transactions().to_vec()
    }
}

/// The implementation of the client's `Document`.
#[derive(Clone)]
pub(crate) struct Handle(pub(crate) Rc<RefCell<State>>);

impl Document for Handle {
    fn version(&self) -> VersionVector {
        let state = self.0.borrow();
        state.outbox.version(&state.doc)
    }

    fn pending(&mut self, relay: &VersionVector) -> Result<Vec<Delta>, Error> {
        let state = self.0.borrow();
        state.outbox.pending(&state.doc, relay, |_| true)
    }

    fn set_permission(&mut self, permission: Permission) {
        self.0.borrow_mut().permission = permission;
    }

    fn opened(&mut self, window: Window) {
        let state = self.0.borrow_mut();
        let wrong = window.now_ms as i64 - state.clock.now_ms() as i64;
        state.clock.add_skew_ms(wrong);
    }

    fn caught_up(&mut self, window: Window) -> Result<(), Error> {
        let mut state = self.0.borrow_mut();
        let state = &mut *state;
        let (restamped, _) = state.outbox.restamp(&mut state.doc, window, |_| true)?;
        if !restamped.is_empty() {
            if state.writes {
                state.journal.borrow_mut().restamped(&restamped);
            }
            state.compact();
            // Sync before the relay receives the transaction. Otherwise it would be restamped again
            // after a crash, and would win over edits in between.
            state.sync();
        }
        Ok(())
    }

    fn receive(&mut self, delta: &Delta) -> Result<(), Error> {
        let mut state = self.0.borrow_mut();
        let state = &mut *state;
        let before = state.pending();
        let received = state.outbox.receive(&mut state.doc, delta)?;
        state.settled(&before, &received.rejected);
        match received.rejected.is_empty() {
            true => {
                let write = state.store.log_received(
                    &mut state.doc,
                    std::slice::from_ref(delta),
                    &state.outbox,
                );
                state.write(write);
            }
            false => state.compact(),
        }
        Ok(())
    }

    fn receive_snapshot(&mut self, parts: &[Snapshot]) -> Result<(), Error> {
        let mut state = self.0.borrow_mut();
        let state = &mut *state;
        let before = state.pending();
        let received = state.outbox.receive_snapshot(&mut state.doc, parts)?;
        state.settled(&before, &received.rejected);
        state.compact();
        Ok(())
    }

    fn acknowledged(&mut self, upto: &VersionVector) {
        let mut state = self.0.borrow_mut();
        let state = &mut *state;
        let before = state.pending();
        state.outbox.acknowledge(upto);
        state.settled(&before, &[]);
        let write = state.store.log_received(&mut state.doc, &[], &state.outbox);
        state.write(write);
    }

    fn rejected(&mut self, upto: &VersionVector, reason: Reason, text: &str) {
        let mut state = self.0.borrow_mut();
        let state = &mut *state;
        assert!(!state.writes, "{}: {reason}: {text}", state.name);
        if let Some(rejected) = state.outbox.reject(&mut state.doc, upto) {
            state.journal.borrow_mut().refused(&rejected.delta);
        }
        state.compact();
    }

    fn presence(&mut self, peer: ReplicaId, _: &str, data: &[u8]) {
        let mut state = self.0.borrow_mut();
        state.present.retain(|(known, _)| *known != peer);
        if !data.is_empty() {
            state.present.push((peer, data.to_vec()));
        }
    }

    fn closed(&mut self, reason: Reason, text: &str) {
        assert!(
            reason.is_temporary(),
            "{}: {reason}: {text}",
            self.0.borrow().name
        );
    }
}

/// The greatest error of a clock that a replica does not notice immediately.
pub(crate) const DRIFT_MS: i64 = limits::DRIFT_MS as i64;
