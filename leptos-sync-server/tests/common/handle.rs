use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use leptos_sync_core::{
    Clock, Crdt, Error, LwwMap, ReplicaId, Time,
    cells::PathBuf,
    clock::{SystemTime, TimeSource, Window},
    history::{
        Ack, CellRange, Entry, EntryId, Epochs, IdHead, Next, Opened, Opening, Page, Patch,
        RelayState, Sequence, Witness,
    },
    replica::Replica,
    sync::{Document, Permission, Reason},
};
use tokio::time::Instant;

#[derive(Crdt, Clone, Default, Debug, PartialEq)]
pub(crate) struct Board {
    pub(crate) cards: LwwMap<u32, String>,
}

/// A document with its outbox, in memory.
pub(crate) struct State {
    pub(crate) replica: Replica<Board>,
    pub(crate) refused: Vec<(Reason, String)>,
    pub(crate) closed: Option<(Reason, String)>,
    pub(crate) removed: bool,
    /// The number of times that the document was compared with the relay's.
    pub(crate) compared: usize,
    pub(crate) present: Vec<Vec<u8>>,
    /// The users of these peers.
    pub(crate) users: Vec<String>,
    pub(crate) permissions: Vec<Permission>,
    pub(crate) changed: Instant,
}

#[derive(Clone)]
pub(crate) struct Handle(pub(crate) Arc<Mutex<State>>);

impl Handle {
    pub(crate) fn new() -> Self {
        Self::at(SystemTime)
    }

    /// Creates a handle with its own clock.
    pub(crate) fn at(time: impl TimeSource + 'static) -> Self {
        Self(Arc::new(Mutex::new(State {
            replica: Replica::new(Clock::new(ReplicaId::new(1), time)),
            refused: Vec::new(),
            closed: None,
            removed: false,
            compared: 0,
            present: Vec::new(),
            users: Vec::new(),
            permissions: Vec::new(),
            changed: Instant::now(),
        })))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(crate) fn insert(&self, key: u32, text: &str) {
        let text = text.to_owned();
        let replica = &mut self.state().replica;
        replica.transact(|tx| tx.cards().insert(key, text)).unwrap();
    }

    pub(crate) fn remove(&self, key: u32) {
        let replica = &mut self.state().replica;
        replica.transact(|tx| tx.cards().remove(&key)).unwrap();
    }

    pub(crate) fn card(&self, key: u32) -> Option<String> {
        self.board().cards.get(&key).cloned()
    }

    pub(crate) fn board(&self) -> Board {
        self.state().replica.doc().state().clone()
    }

    /// Returns the cards, without what is known of removed ones.
    pub(crate) fn cards(&self) -> BTreeMap<u32, String> {
        let state = self.state();
        let cards = state.replica.doc().state().cards.iter();
        cards.map(|(key, text)| (*key, text.clone())).collect()
    }

    /// Returns the number of edits that the relay has not stored.
    pub(crate) fn unanswered(&self) -> usize {
        let state = self.state();
        let entries = state.replica.entries().iter();
        let unanswered = entries.filter(|entry| entry.entry().stored.is_none());
        unanswered.count()
    }
}

impl Document for Handle {
    fn start(&mut self) -> Opening {
        self.state().replica.start()
    }

    fn epochs(&self) -> Epochs {
        self.state().replica.progress().epochs.clone()
    }

    fn position(&self) -> Sequence {
        self.state().replica.progress().cursor.position.sequence
    }

    fn witness(&self) -> Witness {
        self.state().replica.witness()
    }

    fn set_permission(&mut self, permission: Permission) {
        self.state().permissions.push(permission);
    }

    fn opened(&mut self, opened: &Opened) -> Result<Next, Error> {
        let next = self.state().replica.opened(opened)?;
        self.state().compared += usize::from(next == Next::Compare);
        Ok(next)
    }

    fn range(&mut self, range: &CellRange) -> Result<Vec<Patch>, Error> {
        Ok(self.state().replica.range(range)?.offers)
    }

    fn compared_to(&self) -> Option<PathBuf> {
        self.state().replica.compared_to().cloned()
    }

    fn offered(&mut self, all: bool, state: RelayState) {
        self.state().replica.offered(all, state);
    }

    fn heads(&self) -> Vec<(ReplicaId, IdHead)> {
        self.state().replica.heads()
    }

    fn adopted(&mut self, heads: &[(ReplicaId, IdHead)], state: RelayState) {
        self.state().replica.adopted(heads, state);
    }

    fn compared(&mut self) -> Result<(), Error> {
        assert!(self.state().replica.compared());
        Ok(())
    }

    fn page(&mut self, page: &Page) -> Result<(), Error> {
        let state = &mut *self.state();
        state.changed = Instant::now();
        state.replica.page(page).map(drop)
    }

    fn caught_up(&mut self, window: Window) -> Result<(), Error> {
        let replica = &mut self.state().replica;
        replica.settle()?;
        replica.restamp_ahead(window).map(drop)
    }

    fn entries(&mut self, bytes: usize, count: usize) -> Result<Vec<Entry>, Error> {
        Ok(self.state().replica.next_entries(bytes, count))
    }

    fn acknowledged(&mut self, ack: &Ack) -> Result<(), Error> {
        self.state().replica.acknowledged(ack).map(drop)
    }

    fn rejected(
        &mut self,
        id: EntryId,
        reason: Reason,
        text: &str,
        window: Window,
    ) -> Result<(), Error> {
        let state = &mut *self.state();
        state.refused.push((reason, text.to_owned()));
        match reason {
            Reason::Forbidden => Ok(()),
            Reason::Drift => {
                let from = Time::from_ms(window.now_ms);
                state.replica.restamp(id, from).map(drop)
            }
            Reason::TooOld => state.replica.restamp(id, window.floor).map(drop),
            _ => state.replica.reject(id).map(drop),
        }
    }

    fn presence(&mut self, _: ReplicaId, user: &str, data: &[u8]) {
        let state = &mut *self.state();
        state.users.push(user.to_owned());
        state.present.push(data.to_vec());
    }

    fn closed(&mut self, reason: Reason, text: &str) {
        self.state().closed = Some((reason, text.to_owned()));
    }

    fn removed(&mut self) {
        self.state().removed = true;
    }
}
