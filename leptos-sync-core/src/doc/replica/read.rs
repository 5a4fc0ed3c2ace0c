use super::{exchange::Exchange, pending::paths_of};
use crate::{
    crdt::{Changes, Quarantine},
    doc::cells::DocCells,
    error::Error,
    history::{Ack, Page, Position, Sequence},
};

impl Exchange {
    /// Returns whether the base has what the heads of the ids contain, so that the outbox can be
    /// settled.
    pub(super) fn is_read(&self) -> bool {
        let session = self.session.as_ref();
        session.is_some_and(|session| {
            session.comparison.is_none() && self.position() >= session.settles_at
        })
    }

    /// Joins a page. A page that was read before changes nothing.
    pub(super) fn page(&mut self, doc: &mut dyn DocCells, page: &Page) -> Result<Changes, Error> {
        let Some(session) = self.session.as_mut() else {
            return Err(gap());
        };
        if session.comparison.is_some() || page.after > self.progress.cursor.position.sequence {
            return Err(gap());
        }
        session.floor = page.floor;
        self.note(&page.state);
        let at = self.position();
        if page.upto <= at {
            if page.after == at && page.upto == page.state.head() {
                // Nothing was written since the comparison.
                self.progress.complete = at;
            }
            return self.remove_passed(doc);
        }
        let stale = self.stale_cells(doc, page);
        let mut changes = self.join_base(doc, &page.cells);
        changes.append(self.put_base(doc, &stale));
        let position = Position {
            epoch: page.state.epoch(),
            sequence: page.upto,
        };
        self.advance(position, page.cells.clone());
        if !stale.is_empty() {
            // Log records are joined when they are loaded, so they cannot make a cell older.
            self.rewrites += 1;
        }
        if page.upto == page.state.head() {
            self.progress.complete = page.upto;
        }
        changes.append(self.remove_passed(doc)?);
        Ok(changes)
    }

    /// Returns the cells of a page that are older than the base's.
    ///
    /// The base then has a tombstone that the relay has forgotten, so the cell is stamped below the
    /// floor.
    fn stale_cells(&self, doc: &dyn DocCells, page: &Page) -> Quarantine {
        let mut stale = Quarantine::default();
        let mut value = Vec::new();
        if self.position() == Sequence::ZERO {
            return stale;
        }
        page.cells.cells().for_each(&mut |parent, cell| {
            if cell.stamp.time >= page.floor {
                return;
            }
            let path = cell.path(parent);
            let base = super::comparison::base_cell(&self.base, doc, &path, &mut value);
            if base.is_some_and(|base| base.stamp > cell.stamp) {
                stale.put(path, cell.stamp, cell.value, None);
            }
        });
        stale
    }

    /// Handles the acknowledgement of entries. The base joins an entry, as it was sent, if its
    /// sequence number directly follows the position.
    pub(super) fn acknowledged(
        &mut self,
        doc: &mut dyn DocCells,
        ack: &Ack,
    ) -> Result<Changes, Error> {
        self.note(&ack.state);
        let mut changes = Changes::new();
        let is_read = self.is_read();
        for at in 0..self.entries.len() {
            let position = self.position();
            let Some(one) = self.entries.get_mut(at) else {
                break;
            };
            let Some(sequence) = ack.sequence(&one.entry) else {
                continue;
            };
            let epoch = ack.state.epoch();
            let stored = Position { epoch, sequence };
            let changed = one.set_stored(stored);
            if is_read && position == sequence.previous() {
                one.is_in_base = true;
                let cells = one.entry.cells.clone();
                changes.append(self.join_base(doc, &cells));
                if self.progress.complete == sequence.previous() {
                    self.progress.complete = sequence;
                }
                self.advance(stored, cells);
            }
            if let (Some(changed), Some(one)) = (changed, self.entries.get(at)) {
                // An entry that was rolled back meanwhile had no cells.
                let mut paths = paths_of(&changed);
                paths.note_paths(one.entry.cells.cells());
                changes.append(self.rebuild(doc, &paths));
            }
        }
        changes.append(self.remove_passed(doc)?);
        Ok(changes)
    }
}

fn gap() -> Error {
    Error::gap("a page does not follow the position; request the page after the position")
}
