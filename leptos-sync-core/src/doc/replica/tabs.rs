use super::{Pending, exchange::Exchange};
use crate::{
    clock::Time,
    crdt::{Changes, Quarantine},
    delta::Patch,
    doc::cells::DocCells,
    history::{Entry, EntryId},
};

/// What a replica does with an entry of another tab.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryJoin {
    /// The entry was joined.
    Joined(Changes),
    /// The entry is already known.
    Known,
    /// Entries before it are missing. Request what this tab lacks from the other tabs.
    Gap,
}

impl Exchange {
    /// Joins an entry of another tab, unless it is known or does not follow one that is.
    pub(super) fn join_entry(
        &mut self,
        doc: &mut dyn DocCells,
        entry: Entry,
        seen: &Patch,
    ) -> EntryJoin {
        let EntryId { replica, number } = entry.id;
        if self.has_known(entry.id) {
            return EntryJoin::Known;
        }
        let before = EntryId {
            replica,
            number: number.saturating_sub(1),
        };
        if !self.has_known(before) {
            return EntryJoin::Gap;
        }
        EntryJoin::Joined(self.add_foreign(doc, entry, seen))
    }

    /// Adds an entry that another tab has made.
    pub(super) fn add_foreign(
        &mut self,
        doc: &mut dyn DocCells,
        mut entry: Entry,
        seen: &Patch,
    ) -> Changes {
        entry.stored = None;
        let (mut one, changes) = self.pending(doc, entry, seen);
        one.is_foreign = true;
        self.insert(one);
        changes
    }

    /// Adds an entry that was read from the storage. The storage has each entry only once.
    pub(super) fn load_entry(
        &mut self,
        doc: &mut dyn DocCells,
        entry: Entry,
        seen: &Patch,
        order: Time,
    ) {
        let (mut one, _) = self.pending(doc, entry, seen);
        one.saved = Some(one.revision);
        one.order = order;
        self.entries.push(one);
    }

    /// Joins the cells of an entry that is added to the outbox.
    fn pending(
        &mut self,
        doc: &mut dyn DocCells,
        entry: Entry,
        seen: &Patch,
    ) -> (Pending, Changes) {
        self.cover(doc, &entry.cells);
        let changes = doc.join_patch(&entry.cells);
        let mut replaced = Quarantine::default();
        seen.cells()
            .for_each(&mut |parent, cell| replaced.keep(parent, cell, None));
        (Pending::new(entry, replaced), changes)
    }

    /// Keeps the base's cells at the paths of `cells`, which the outbox is going to write.
    pub(super) fn cover(&mut self, doc: &dyn DocCells, cells: &Patch) {
        let mut value = Vec::new();
        cells.cells().for_each(&mut |parent, cell| {
            let path = cell.path(parent);
            self.base.cover(&path, || doc.cell(&path, &mut value));
        });
    }

    /// Returns whether the outbox has an entry, or the relay has it.
    pub(super) fn has_known(&self, id: EntryId) -> bool {
        self.settled.get(id.replica).number >= id.number || self.find(id).is_some()
    }

    /// Removes the tombstones that the relay may have forgotten, from a document that is equal to
    /// the relay's. Returns whether it did. O(cells of the document).
    ///
    /// A tombstone stays if the outbox has an older cell in its place.
    pub(super) fn forget_tombstones(&mut self, doc: &mut dyn DocCells) -> bool {
        let Some(session) = &self.session else {
            return false;
        };
        let at_head = self.position() >= session.state.head();
        if session.floor == Time::ZERO || session.comparison.is_some() || !at_head {
            return false;
        }
        doc.forget_before(session.floor);
        self.rebuild(doc, self.base.cells());
        true
    }
}
