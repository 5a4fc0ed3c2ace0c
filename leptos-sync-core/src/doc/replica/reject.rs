use super::{
    exchange::Exchange,
    pending::{Flight, is_count, paths_of},
};
use crate::{
    clock::{Stamp, Time},
    crdt::{Changes, Count, Quarantine},
    delta::Patch,
    doc::cells::DocCells,
    error::Error,
    history::{Entry, EntryId},
    id::ReplicaId,
    path::PathBuf,
};

impl Exchange {
    /// Empties an entry that the relay has rejected for good. It keeps its number. The counts of
    /// later entries are reduced by what it had added.
    ///
    /// Returns the entry as it was, or `None` if there is no such entry with cells.
    pub(super) fn reject(
        &mut self,
        doc: &mut dyn DocCells,
        id: EntryId,
    ) -> Result<Option<(Entry, Changes)>, Error> {
        let Some(at) = self.find(id) else {
            return Ok(None);
        };
        let Some(one) = self.entries.get_mut(at) else {
            return Ok(None);
        };
        if one.entry.cells.is_empty() {
            return Ok(None);
        }
        let rejected = one.entry.clone();
        let (mut added, mut replaced) = (Vec::new(), Vec::new());
        rejected.cells.cells().for_each(&mut |parent, cell| {
            let path = cell.path(parent);
            let before = one.seen.get(&path).map(|seen| seen.stamp);
            replaced.push((path.clone(), before.unwrap_or_default()));
            let value = cell.value.filter(|_| is_count(doc, &path, cell));
            if let Some(count) = value.and_then(|value| one.increment(&path, value)) {
                added.push((path, count));
            }
        });
        one.change(Time::ZERO, Patch::default());
        let rest = self.entries.iter_mut().skip(at + 1);
        rest.for_each(|later| later.unsee(rejected.stamp(), &replaced));
        if !added.is_empty() {
            for later in self.entries.iter_mut().skip(at + 1) {
                if later.id().replica == id.replica {
                    later.add_counts(&added, Count::minus)?;
                }
            }
        }
        self.progress.generation += 1;
        let changes = self.rebuild(doc, &paths_of(&rejected.cells));
        Ok(Some((rejected, changes)))
    }

    /// Reduces the counts of an id by what rejected entries had added.
    ///
    /// The storage may have an entry as it was before an earlier one of its id was rejected: a tab
    /// that rejects an entry changes only the later ones that it knows. The base has all entries of
    /// the id before those of the outbox, so these cannot have seen a greater count.
    pub(super) fn reduce_counts(
        &mut self,
        doc: &mut dyn DocCells,
        id: ReplicaId,
    ) -> Result<Changes, Error> {
        let (mut excess, mut paths) = (Vec::<(PathBuf, Count)>::new(), Quarantine::default());
        for one in &mut self.entries {
            if one.id().replica != id || one.entry.stored.is_some() {
                continue;
            }
            one.entry.cells.cells().for_each(&mut |parent, cell| {
                let path = cell.path(parent);
                if paths.has(&path) || !is_count(doc, &path, cell) {
                    return;
                }
                paths.put(path.clone(), Stamp::default(), None, None);
                let count = |value: Option<&[u8]>| value.and_then(Count::decode);
                let seen = one.seen.get(&path).and_then(|seen| count(seen.value));
                let base = self.base.cells().get(&path);
                let base = base.and_then(|base| count(base.value)).unwrap_or_default();
                if let Some(seen) = seen
                    && seen.max(base) != base
                {
                    excess.push((path, seen.minus(base)));
                }
            });
            one.add_counts(&excess, Count::minus)?;
        }
        Ok(self.rebuild(doc, &paths))
    }

    /// Rolls back an entry of this page that was neither stored nor sent, and removes it, so that
    /// its number is used again. Returns the same as [`reject`](Exchange::reject).
    pub(super) fn withdraw(
        &mut self,
        doc: &mut dyn DocCells,
        id: EntryId,
    ) -> Result<Option<(Entry, Changes)>, Error> {
        let rejected = self.reject(doc, id)?;
        while let Some((last, _)) = self.own
            && let Some(at) = self.find(last)
            && let Some(one) = self.entries.get(at)
            && one.entry.cells.is_empty()
            && one.saved.is_none()
            && matches!(one.flight, Flight::None)
        {
            let before = EntryId {
                number: last.number.saturating_sub(1),
                ..last
            };
            self.own = (before.number > 0).then_some((before, one.entry.previous));
            self.entries.remove(at);
        }
        Ok(rejected)
    }
}
