//! A replica as the document of a client of protocol 2.

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

use crate::{Board, BoardFields, InnerFields, NOW_MS};

#[derive(Clone)]
pub struct Shared(pub Rc<RefCell<Replica<Board>>>);

impl Default for Shared {
    fn default() -> Self {
        let clock = Clock::new(ReplicaId::new(1), ManualTime::at(NOW_MS));
        Self(Rc::new(RefCell::new(Replica::new(clock))))
    }
}

impl Shared {
    pub fn edit(&self, key: u32, value: u8) {
        self.0
            .borrow_mut()
            .transact(|tx| match value % 6 {
                0 => tx.title().set(value.to_string()),
                1 => tx.likes().increment(1),
                2 => tx.cards().remove(&key),
                3 => tx.inner().labels().toggle(key.to_string()),
                4 => tx.inner().draft().set(key),
                _ => tx.cards().insert(key, value.to_string()),
            })
            .expect("a small edit is within all limits");
    }
}

impl Document for Shared {
    fn start(&mut self) -> Opening {
        self.0.borrow_mut().start()
    }

    fn epochs(&self) -> Epochs {
        self.0.borrow().progress().epochs.clone()
    }

    fn position(&self) -> Sequence {
        self.0.borrow().progress().cursor.position.sequence
    }

    fn witness(&self) -> Witness {
        self.0.borrow().witness()
    }

    fn set_permission(&mut self, _: Permission) {}

    fn opened(&mut self, opened: &Opened) -> Result<Next, Error> {
        self.0.borrow_mut().opened(opened)
    }

    fn range(&mut self, range: &CellRange) -> Result<Vec<Patch>, Error> {
        Ok(self.0.borrow_mut().range(range)?.offers)
    }

    fn compared_to(&self) -> Option<PathBuf> {
        self.0.borrow().compared_to().cloned()
    }

    fn offered(&mut self, all: bool, state: RelayState) {
        self.0.borrow_mut().offered(all, state);
    }

    fn heads(&self) -> Vec<(ReplicaId, IdHead)> {
        self.0.borrow().heads()
    }

    fn adopted(&mut self, heads: &[(ReplicaId, IdHead)], state: RelayState) {
        self.0.borrow_mut().adopted(heads, state);
    }

    fn compared(&mut self) -> Result<(), Error> {
        self.0.borrow_mut().compared();
        Ok(())
    }

    fn page(&mut self, page: &Page) -> Result<(), Error> {
        self.0.borrow_mut().page(page).map(drop)
    }

    fn caught_up(&mut self, window: Window) -> Result<(), Error> {
        let mut replica = self.0.borrow_mut();
        replica.settle()?;
        replica.restamp_ahead(window).map(drop)
    }

    fn entries(&mut self, bytes: usize, count: usize) -> Result<Vec<Entry>, Error> {
        Ok(self.0.borrow_mut().next_entries(bytes, count))
    }

    fn acknowledged(&mut self, ack: &Ack) -> Result<(), Error> {
        self.0.borrow_mut().acknowledged(ack).map(drop)
    }

    fn rejected(
        &mut self,
        id: EntryId,
        reason: Reason,
        _: &str,
        window: Window,
    ) -> Result<(), Error> {
        let replica = &mut *self.0.borrow_mut();
        match reason {
            Reason::Drift => replica.restamp(id, Time::from_ms(window.now_ms)).map(drop),
            Reason::TooOld => replica.restamp(id, window.floor).map(drop),
            _ => replica.reject(id).map(drop),
        }
    }

    fn presence(&mut self, _: ReplicaId, _: &str, _: &[u8]) {}

    fn closed(&mut self, _: Reason, _: &str) {}

    fn removed(&mut self) {}
}

/// Returns the frames of messages, each of which is preceded by its length in a byte. The frames
/// have the numbers that the receiver expects, which mutations would rarely find.
pub fn frames(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let mut rest = bytes;
    let mut number = 0;
    std::iter::from_fn(move || {
        let (&length, after) = rest.split_first()?;
        let (message, after) = after.split_at(after.len().min(length.into()));
        rest = after;
        let frame = [&[number << 1], message].concat();
        number = (number + 1) % 128;
        Some(frame)
    })
}
