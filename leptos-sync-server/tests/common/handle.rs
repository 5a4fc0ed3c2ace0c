use std::sync::{Arc, Mutex};

use leptos_sync_core::{
    Clock, Crdt, Delta, Doc, Error, LwwMap, Outbox, ReplicaId, Snapshot, VersionVector,
    clock::{SystemTime, TimeSource, Window},
    sync::{Document, Permission, Reason},
};
use tokio::time::Instant;

#[derive(Crdt, Clone, Default, Debug, PartialEq)]
pub(crate) struct Board {
    pub(crate) cards: LwwMap<u32, String>,
}

/// A document with its outbox, in memory.
pub(crate) struct State {
    pub(crate) doc: Doc<Board>,
    pub(crate) outbox: Outbox,
    pub(crate) refused: Vec<(Reason, String)>,
    pub(crate) closed: Option<(Reason, String)>,
    pub(crate) present: Vec<Vec<u8>>,
    /// The users of these peers.
    pub(crate) users: Vec<String>,
    pub(crate) permissions: Vec<Permission>,
    pub(crate) changed: Instant,
}

#[derive(Clone)]
pub(crate) struct Handle(pub(crate) Arc<Mutex<State>>);

impl Handle {
    pub(crate) fn new(replica: u64) -> Self {
        Self::at(replica, SystemTime)
    }

    /// Creates a handle with its own clock.
    pub(crate) fn at(replica: u64, time: impl TimeSource + 'static) -> Self {
        Self(Arc::new(Mutex::new(State {
            doc: Doc::new(Clock::new(ReplicaId::new(replica), time)),
            outbox: Outbox::new(),
            refused: Vec::new(),
            closed: None,
            present: Vec::new(),
            users: Vec::new(),
            permissions: Vec::new(),
            changed: Instant::now(),
        })))
    }

    pub(crate) fn insert(&self, key: u32, text: &str) {
        let state = &mut *self.0.lock().unwrap();
        let (doc, text) = (&mut state.doc, text.to_owned());
        state
            .outbox
            .transact(doc, |tx| tx.cards().insert(key, text))
            .unwrap();
    }

    pub(crate) fn remove(&self, key: u32) {
        let state = &mut *self.0.lock().unwrap();
        let removed = state
            .outbox
            .transact(&mut state.doc, |tx| tx.cards().remove(&key));
        removed.unwrap();
    }

    pub(crate) fn card(&self, key: u32) -> Option<String> {
        self.0.lock().unwrap().doc.state().cards.get(&key).cloned()
    }

    pub(crate) fn unanswered(&self) -> usize {
        self.0.lock().unwrap().outbox.len()
    }
}

impl Document for Handle {
    fn version(&self) -> VersionVector {
        let state = self.0.lock().unwrap();
        state.outbox.version(&state.doc)
    }

    fn pending(&mut self, relay: &VersionVector) -> Result<Vec<Delta>, Error> {
        let state = self.0.lock().unwrap();
        state.outbox.pending(&state.doc, relay, |_| true)
    }

    fn set_permission(&mut self, permission: Permission) {
        self.0.lock().unwrap().permissions.push(permission);
    }

    fn opened(&mut self, _: Window) {}

    fn caught_up(&mut self, window: Window) -> Result<(), Error> {
        let state = &mut *self.0.lock().unwrap();
        let mine = |_| true;
        state.outbox.restamp(&mut state.doc, window, mine).map(drop)
    }

    fn receive(&mut self, delta: &Delta) -> Result<(), Error> {
        let state = &mut *self.0.lock().unwrap();
        state.changed = Instant::now();
        state.outbox.receive(&mut state.doc, delta).map(drop)
    }

    fn receive_snapshot(&mut self, parts: &[Snapshot]) -> Result<(), Error> {
        let state = &mut *self.0.lock().unwrap();
        state
            .outbox
            .receive_snapshot(&mut state.doc, parts)
            .map(drop)
    }

    fn acknowledged(&mut self, upto: &VersionVector) {
        self.0.lock().unwrap().outbox.acknowledge(upto);
    }

    fn rejected(&mut self, upto: &VersionVector, reason: Reason, text: &str) {
        let state = &mut *self.0.lock().unwrap();
        if !reason.concerns_time() {
            state.outbox.reject(&mut state.doc, upto);
        }
        state.refused.push((reason, text.to_owned()));
    }

    fn presence(&mut self, _: ReplicaId, user: &str, data: &[u8]) {
        let state = &mut *self.0.lock().unwrap();
        state.users.push(user.to_owned());
        state.present.push(data.to_vec());
    }

    fn closed(&mut self, reason: Reason, text: &str) {
        self.0.lock().unwrap().closed = Some((reason, text.to_owned()));
    }
}
