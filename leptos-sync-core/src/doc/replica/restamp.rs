use super::{
    exchange::Exchange,
    pending::{paths_of, with_stamp},
};
use crate::{
    clock::{Stamp, Time},
    crdt::{Changes, Quarantine},
    doc::exchanged::DocCells,
    error::Error,
    history::EntryId,
};

impl Exchange {
    /// Gives an entry that the relay has rejected for its time a new one, at `from` or later.
    ///
    /// The entry stays later than what it replaced, and later entries stay later than it. It does
    /// not become later than base cells that it had not seen.
    pub(super) fn restamp(
        &mut self,
        doc: &mut dyn DocCells,
        id: EntryId,
        from: Time,
    ) -> Result<Changes, Error> {
        let Some(at) = self.find(id) else {
            return Ok(Changes::new());
        };
        let mut written = match self.entries.get(at) {
            Some(one) if !one.entry.cells.is_empty() => paths_of(&one.entry.cells),
            _ => return Ok(Changes::new()),
        };
        let mut last = from.max(self.earliest(doc, at, &written));
        let old = self.set_time(at, last)?;
        let mut changed = vec![old];
        for later in at + 1..self.entries.len() {
            self.follow(later, &changed);
            let Some(one) = self.entries.get(later) else {
                break;
            };
            let follows = one.id().replica == id.replica || one.writes(&written);
            let is_fixed = one.entry.cells.is_empty() || one.entry.stored.is_some();
            if follows && one.entry.time <= last && !is_fixed {
                written.note_paths(one.entry.cells.cells());
                last = last.next();
                let old = self.set_time(later, last)?;
                changed.push(old);
            }
        }
        self.recall(id);
        self.progress.generation += 1;
        let paths: Vec<_> = written.iter().map(|held| held.path.to_owned()).collect();
        let changes = self.rebuild(doc, paths);
        doc.set_clock(self.latest());
        Ok(changes)
    }

    /// Returns the earliest time of an entry that exceeds what it replaced and the entries before
    /// it that write the same paths.
    fn earliest(&self, doc: &dyn DocCells, at: usize, written: &Quarantine) -> Time {
        let (mut earliest, mut value) = (Time::ZERO, Vec::new());
        if let Some(one) = self.entries.get(at) {
            // The times of an id rise.
            let replica = one.id().replica;
            let heads = self.session.as_ref().map(|session| &session.heads);
            let told = heads.and_then(|heads| heads.get(&replica));
            for head in self.settled.get(&replica).into_iter().chain(told) {
                earliest = earliest.max(head.time.next());
            }
        }
        let (before, rest) = self.entries.split_at(at);
        let replica = rest.first().map(|one| one.id().replica);
        for one in before.iter() {
            if Some(one.id().replica) != replica && !one.writes(written) {
                continue;
            }
            earliest = earliest.max(one.entry.time.next());
        }
        if let Some(one) = rest.first() {
            for held in written.iter() {
                let path = held.path.to_owned();
                let seen = one.seen.get(&path).map(|seen| seen.stamp.time);
                // The base has the path, since the entry writes it.
                let base = self.base.cells().get(&path).map(|base| base.stamp.time);
                // Its writer has seen every cell of a count.
                let mut is_count = || {
                    let cell = doc.cell(&path, &mut value).map(|cell| cell.is_count);
                    cell.unwrap_or_default()
                };
                let base = base.filter(|base| *base <= seen.unwrap_or_default() || is_count());
                earliest = earliest.max(base.map_or(Time::ZERO, Time::next));
            }
        }
        earliest
    }

    /// Sets the time of an entry. Returns the stamps before and after.
    fn set_time(&mut self, at: usize, time: Time) -> Result<(Stamp, Stamp), Error> {
        let Some(one) = self.entries.get_mut(at) else {
            return Ok(Default::default());
        };
        let (old, new) = (one.entry.stamp(), Stamp::new(time, one.id().replica));
        let cells = with_stamp(&one.entry.cells, new)?;
        one.change(time, cells);
        Ok((old, new))
    }

    /// Notes that entries which the entry at `at` had seen have new stamps.
    fn follow(&mut self, at: usize, changed: &[(Stamp, Stamp)]) {
        let Some(one) = self.entries.get_mut(at) else {
            return;
        };
        let mut renewed = Quarantine::default();
        for held in one.seen.iter() {
            if let Some((_, new)) = changed.iter().find(|(old, _)| *old == held.stamp) {
                renewed.put(held.path.to_owned(), *new, held.value, None);
            }
        }
        for held in renewed.iter() {
            one.seen
                .put(held.path.to_owned(), held.stamp, held.value, None);
        }
        one.revision += u32::from(!renewed.is_empty());
    }

    /// Notes that the relay takes nothing of a writer from this entry on, until it is sent again.
    pub(super) fn recall(&mut self, from: EntryId) {
        for one in &mut self.entries {
            if one.id().replica == from.replica && one.id().number >= from.number {
                one.flight = Default::default();
            }
        }
    }
}
