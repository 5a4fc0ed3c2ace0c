//! A replica with its disk, as the document of a client.

use std::{cell::RefCell, rc::Rc};

use leptos_sync_core::{
    Clock, Error, ReplicaId, Time,
    cells::PathBuf,
    clock::{ManualTime, Window},
    history::{
        Ack, CellRange, Entry, EntryId, Epochs, IdHead, Next, Opened, Opening, Page, Patch,
        RelayState, Sequence, Witness,
    },
    replica::Replica,
    sync::{Document, Permission, Reason},
};

use crate::replicas::{
    disk::Disk,
    oracle::{Board, Cell, CellsByPath, cells_of, join, new_replica, random_id},
    relay::ms,
};

pub(crate) struct Inner {
    pub(crate) replica: Replica<Board>,
    pub(crate) disk: Disk,
    pub(crate) time: ManualTime,
    /// Whether a write to the disk has failed, since the last check.
    pub(crate) failed: bool,
    /// The tombstones that were inferred: path, tombstone, the relay's cell.
    pub(crate) inferred: Vec<(leptos_sync_core::cells::PathBuf, Cell, Cell)>,
    /// Why the exchange ended, since the last check.
    pub(crate) closed: Vec<(Reason, String)>,
}

#[derive(Clone)]
pub(crate) struct Handle(pub(crate) Rc<RefCell<Inner>>);

impl Handle {
    pub(crate) fn new(disk: Disk) -> Self {
        let time = ManualTime::at(ms(0));
        let clock = Clock::new(ReplicaId::new(1), time.clone());
        let this = Self(Rc::new(RefCell::new(Inner {
            replica: new_replica(clock),
            disk,
            time,
            failed: false,
            inferred: Vec::new(),
            closed: Vec::new(),
        })));
        this.0.borrow_mut().load();
        this
    }
}

impl Inner {
    /// Stores what is not stored yet. Returns whether that was successful.
    pub(crate) fn save(&mut self) -> bool {
        let compacts = random_id().unwrap().is_multiple_of(10);
        self.disk.save(&mut self.replica, compacts)
    }

    /// Starts a new page life from the disk.
    pub(crate) fn load(&mut self) {
        let clock = Clock::new(ReplicaId::new(1), self.time.clone());
        self.replica = new_replica(clock);
        self.disk.load(&mut self.replica);
    }

    pub(crate) fn base(&self) -> CellsByPath {
        cells_of(&self.replica.base_parts(1 << 16).unwrap())
    }

    /// Returns the base and the outbox, joined.
    pub(crate) fn joined(&self) -> CellsByPath {
        let mut all = self.base();
        for one in self.replica.entries() {
            for (path, cell) in cells_of([&one.entry().cells]) {
                join(&mut all, path, cell);
            }
        }
        all
    }

    /// Returns the entries of the outbox that have cells.
    pub(crate) fn outbox(&self) -> Vec<EntryId> {
        let entries = self.replica.entries().iter().map(|one| one.entry());
        let entries = entries.filter(|entry| !entry.cells.is_empty());
        entries.map(|entry| entry.id).collect()
    }

    fn note_inferred(&mut self, offers: &[Patch], range: &CellRange) {
        let theirs = cells_of([&range.cells]);
        for (path, cell) in cells_of(offers) {
            if let Some(known) = theirs.get(&path)
                && cell.1.is_none()
                && cell.0.replica == known.0.replica
                && cell.0.time.get() == known.0.time.get() + 1
                && known.1.is_some()
            {
                self.inferred.push((path, cell, known.clone()));
            }
        }
    }
}

impl Document for Handle {
    fn start(&mut self) -> Opening {
        self.0.borrow_mut().replica.start()
    }

    fn epochs(&self) -> Epochs {
        self.0.borrow().replica.progress().epochs.clone()
    }

    fn position(&self) -> Sequence {
        let this = self.0.borrow();
        this.replica.progress().cursor.position.sequence
    }

    fn witness(&self) -> Witness {
        self.0.borrow().replica.witness()
    }

    fn set_permission(&mut self, _: Permission) {}

    fn opened(&mut self, opened: &Opened) -> Result<Next, Error> {
        self.0.borrow_mut().replica.opened(opened)
    }

    fn range(&mut self, range: &CellRange) -> Result<Vec<Patch>, Error> {
        let mut this = self.0.borrow_mut();
        let offers = this.replica.range(range)?.offers;
        this.note_inferred(&offers, range);
        Ok(offers)
    }

    fn compared_to(&self) -> Option<PathBuf> {
        self.0.borrow().replica.compared_to().cloned()
    }

    fn offered(&mut self, all: bool, state: RelayState) {
        self.0.borrow_mut().replica.offered(all, state);
    }

    fn heads(&self) -> Vec<(ReplicaId, IdHead)> {
        self.0.borrow().replica.heads()
    }

    fn adopted(&mut self, heads: &[(ReplicaId, IdHead)], state: RelayState) {
        self.0.borrow_mut().replica.adopted(heads, state);
    }

    fn compared(&mut self) -> Result<(), Error> {
        assert!(self.0.borrow_mut().replica.compared());
        Ok(())
    }

    fn page(&mut self, page: &Page) -> Result<(), Error> {
        self.0.borrow_mut().replica.page(page).map(drop)
    }

    fn caught_up(&mut self, window: Window) -> Result<(), Error> {
        let mut this = self.0.borrow_mut();
        assert!(this.replica.is_read());
        this.replica.settle()?;
        this.replica.restamp_ahead(window).map(drop)
    }

    fn entries(&mut self, bytes: usize, count: usize) -> Result<Vec<Entry>, Error> {
        let mut this = self.0.borrow_mut();
        let entries = this.replica.next_entries(bytes, count);
        // Entries are stored before they are sent.
        if entries.is_empty() || this.save() {
            return Ok(entries);
        }
        this.failed = true;
        Err(Error::storage("the disk has failed"))
    }

    fn acknowledged(&mut self, ack: &Ack) -> Result<(), Error> {
        self.0.borrow_mut().replica.acknowledged(ack).map(drop)
    }

    fn rejected(
        &mut self,
        id: EntryId,
        reason: Reason,
        _: &str,
        window: Window,
    ) -> Result<(), Error> {
        let replica = &mut self.0.borrow_mut().replica;
        match reason {
            Reason::Drift => replica.restamp(id, Time::from_ms(window.now_ms)).map(drop),
            Reason::TooOld => replica.restamp(id, window.floor).map(drop),
            _ => replica.reject(id).map(drop),
        }
    }

    fn presence(&mut self, _: ReplicaId, _: &str, _: &[u8]) {}

    fn closed(&mut self, reason: Reason, text: &str) {
        let closed = (reason, text.to_owned());
        self.0.borrow_mut().closed.push(closed);
    }

    fn removed(&mut self) {}
}
