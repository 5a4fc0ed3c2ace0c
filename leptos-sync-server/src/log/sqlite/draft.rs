use leptos_sync_core::{
    ReplicaId, Stamp, Time,
    cells::{CellRef, Path, PathBuf},
    history::{Entry, IdHead, Patch, RelayState, Sequence},
};
use rusqlite::Connection;

use super::{
    cells::{self, Comparison},
    epochs,
    heads::{self, StoredHead},
    ids::{self, StoredId},
    record::{Cell, Content},
    tables::Tables,
};
use crate::{
    error::Error,
    log::{HeadsOutcome, JoinOutcome, Refusal, head::adopted},
};

/// A document within a transaction that changes it. The first change creates the document.
pub(super) struct Draft<'a> {
    connection: &'a Connection,
    tables: &'a Tables,
    name: &'a str,
    /// `None` if the document was never written.
    id: Option<i64>,
    pub(super) stored: StoredHead,
}

/// The user of a transaction.
pub(super) struct Writer<'a> {
    pub(super) name: &'a str,
    /// `None` if the user has no ids in any document.
    pub(super) number: Option<i64>,
}

impl<'a> Draft<'a> {
    pub(super) fn open(
        connection: &'a Connection,
        tables: &'a Tables,
        name: &'a str,
    ) -> Result<Self, Error> {
        let id = tables.find(connection, name)?;
        let stored = match id {
            Some(id) => heads::load(connection, id)?,
            None => StoredHead::default(),
        };
        Ok(Self {
            connection,
            tables,
            name,
            id,
            stored,
        })
    }

    /// Stores the head, and returns the end of the history.
    pub(super) fn save(self) -> Result<RelayState, Error> {
        if let Some(id) = self.id {
            heads::store(self.connection, id, &self.stored)?;
        }
        Ok(self.stored.head.state())
    }

    /// Takes the next number. Creates the document if it was never written.
    fn advance(&mut self) -> Result<(i64, Sequence), Error> {
        let id = match self.id {
            Some(id) => id,
            None => Tables::create(self.connection, self.name)?,
        };
        self.id = Some(id);
        if self.stored.head.advance(self.tables.epoch()) {
            epochs::begin(self.connection, id, &mut self.stored)?;
        }
        Ok((id, self.stored.head.sequence))
    }

    fn find(&self, replica: ReplicaId) -> Result<Option<StoredId>, Error> {
        match self.id {
            Some(id) => ids::find(self.connection, id, replica),
            None => Ok(None),
        }
    }

    /// Checks an entry. Returns the id as it is stored.
    pub(super) fn check(
        &self,
        user: &Writer<'_>,
        entry: &Entry,
        now_ms: u64,
    ) -> Result<Result<Option<StoredId>, Refusal>, Error> {
        let old = self.find(entry.id.replica)?;
        if old.is_some_and(|old| Some(old.user) != user.number) {
            return Ok(Err(Refusal::Forged));
        }
        let before = old.map_or_else(IdHead::default, |old| old.head);
        let head = &self.stored.head;
        if let Err(refusal) = head.check(&before, entry, now_ms) {
            return Ok(Err(refusal));
        }
        if head.is_below_floor(entry) && !self.has_all(&entry.cells)? {
            return Ok(Err(Refusal::TooOld(head.floor)));
        }
        Ok(Ok(old))
    }

    /// Returns whether the document has a cell at each path.
    fn has_all(&self, patch: &Patch) -> Result<bool, Error> {
        let Some(id) = self.id else {
            return Ok(patch.is_empty());
        };
        for path in patch.cells().paths() {
            let path = path.as_path().as_bytes();
            // Below an ender, no tombstone can be missing that is later than the ender.
            if !cells::has(self.connection, id, path)? && !self.is_ended(id, path, Stamp::ZERO)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Stores an entry that was checked. `old` is the stored state of the entry's id before this
    /// entry. Returns whether one of its cells lost to a stored cell.
    pub(super) fn take(
        &mut self,
        user: i64,
        entry: &Entry,
        old: Option<StoredId>,
        now_ms: u64,
    ) -> Result<bool, Error> {
        let (document, sequence) = self.advance()?;
        let mut has_lost = false;
        self.stored.head.latest = self.stored.head.latest.max(entry.time);
        each(&entry.cells, |path, cell| {
            let new = new_cell(path, &cell, sequence, now_ms);
            let compared = self.compare(document, &new)?;
            has_lost |= compared == Comparison::Loses;
            self.join(document, &new, compared)
        })?;
        let before = old.map_or_else(IdHead::default, |old| old.head);
        let new = StoredId {
            replica: entry.id.replica,
            user,
            head: entry.head(before),
        };
        let ids = &mut self.stored.ids;
        ids::store(self.connection, document, old.as_ref(), &new, ids)?;
        Ok(has_lost)
    }

    fn join(&mut self, document: i64, new: &Cell<'_>, compared: Comparison) -> Result<(), Error> {
        if compared == Comparison::Loses {
            return Ok(());
        }
        let tally = &mut self.stored.cells;
        cells::store(self.connection, document, new, compared, tally)?;
        if let Some(record) = new.record() {
            self.tables.note_ender(document);
            cells::end(self.connection, document, record, new.stamp, tally)?;
        }
        Ok(())
    }

    /// Compares a cell with the one at its path, and with the enders above it.
    fn compare(&self, document: i64, new: &Cell<'_>) -> Result<Comparison, Error> {
        match self.is_ended(document, new.path, new.stamp)? {
            true => Ok(Comparison::Loses),
            false => cells::compare(self.connection, document, new),
        }
    }

    fn is_ended(&self, document: i64, path: &[u8], stamp: Stamp) -> Result<bool, Error> {
        Ok(self.tables.has_enders(document)
            && cells::is_ended(self.connection, document, path, stamp)?)
    }

    /// Joins cells of any writers. See [`DurableLog::join_cells`](crate::DurableLog::join_cells).
    pub(super) fn join_cells(
        mut self,
        user: Option<&Writer<'_>>,
        patch: &Patch,
        now_ms: u64,
        latest: Time,
    ) -> Result<JoinOutcome, Error> {
        let is_accepted = self.stored.head.offered(now_ms, latest);
        let (mut all, mut taken) = (true, None);
        let mut last = None;
        each(patch, |path, cell| {
            let replica = cell.stamp.replica;
            let is_foreign = match (user, last) {
                (None, _) => false,
                (_, Some((known, is_foreign))) if known == replica => is_foreign,
                (Some(user), _) => {
                    let id = self.find(replica)?;
                    id.is_some_and(|id| Some(id.user) != user.number)
                }
            };
            last = Some((replica, is_foreign));
            if is_foreign || !is_accepted(cell.stamp.time) {
                all = false;
                return Ok(());
            }
            let mut new = new_cell(path, &cell, Sequence::ZERO, now_ms);
            let compared = match self.id {
                Some(id) => self.compare(id, &new)?,
                None => Comparison::New,
            };
            if compared == Comparison::Loses {
                return Ok(());
            }
            let (document, sequence) = match taken {
                Some(taken) => taken,
                None => self.advance()?,
            };
            taken = Some((document, sequence));
            new.sequence = sequence;
            self.stored.head.latest = self.stored.head.latest.max(cell.stamp.time);
            self.join(document, &new, compared)
        })?;
        Ok(JoinOutcome {
            all,
            taken: taken.map(|(_, sequence)| sequence),
            state: self.save()?,
        })
    }

    /// Returns whether a user would raise one of the heads.
    pub(super) fn would_adopt(
        &self,
        user: &Writer<'_>,
        heads: &[(ReplicaId, IdHead)],
    ) -> Result<bool, Error> {
        for (replica, new) in heads {
            let old = self.find(*replica)?;
            let is_own = old.is_none_or(|old| Some(old.user) == user.number);
            let before = old.map_or_else(IdHead::default, |old| old.head);
            if is_own && adopted(&before, new).is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Raises heads, at least one. Returns the number. See
    /// [`DurableLog::raise_heads`](crate::DurableLog::raise_heads).
    pub(super) fn raise_heads(
        &mut self,
        user: i64,
        heads: &[(ReplicaId, IdHead)],
    ) -> Result<Sequence, Error> {
        let (document, sequence) = self.advance()?;
        for (replica, new) in heads {
            let old = self.find(*replica)?;
            let before = old.map_or_else(IdHead::default, |old| old.head);
            if old.is_none_or(|old| old.user == user)
                && let Some(head) = adopted(&before, new)
            {
                let new = StoredId {
                    replica: *replica,
                    user,
                    head,
                };
                let ids = &mut self.stored.ids;
                ids::store(self.connection, document, old.as_ref(), &new, ids)?;
            }
        }
        Ok(sequence)
    }

    /// Stores the head, and returns the heads of ids. `taken` is the number of the adoption.
    pub(super) fn adopted(
        self,
        heads: &[(ReplicaId, IdHead)],
        taken: Option<Sequence>,
    ) -> Result<HeadsOutcome, Error> {
        let mut found = Vec::with_capacity(heads.len());
        for (replica, _) in heads {
            let id = self.find(*replica)?;
            found.push((*replica, id.map_or_else(IdHead::default, |id| id.head)));
        }
        Ok(HeadsOutcome {
            heads: found,
            taken,
            state: self.save()?,
        })
    }
}

fn new_cell<'a>(
    path: &'a PathBuf,
    cell: &CellRef<'a>,
    sequence: Sequence,
    now_ms: u64,
) -> Cell<'a> {
    Cell {
        path: path.as_path().as_bytes(),
        stamp: cell.stamp,
        sequence,
        content: Content::of(cell.value, now_ms),
    }
}

/// Passes each cell of a patch with its path to `work`.
fn each(
    patch: &Patch,
    mut work: impl FnMut(&PathBuf, CellRef<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    for group in patch.cells().groups() {
        let parent: Path<'_> = group.parent();
        for cell in group.cells() {
            let mut path = parent.to_owned();
            path.push(cell.key);
            work(&path, cell)?;
        }
    }
    Ok(())
}
