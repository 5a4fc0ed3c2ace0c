use super::{
    exchange::Exchange,
    pending::{paths_of, with_stamp},
};
use crate::{
    clock::{Stamp, Time, Window},
    crdt::{Changes, Quarantine},
    doc::cells::DocCells,
    error::Error,
    history::EntryId,
};

impl Exchange {
    /// Restamps an entry that the relay has rejected for its time, at `from` or later.
    ///
    /// The entry stays later than what it replaced, and later entries stay later than it. It does
    /// not become later than base cells that it had not seen.
    pub(super) fn restamp(
        &mut self,
        doc: &mut dyn DocCells,
        id: EntryId,
        from: Time,
    ) -> Result<Changes, Error> {
        // A relay's clock with another unit would use up all remaining stamps.
        Time::try_from_ms(from.ms())?;
        let Some(at) = self.find(id) else {
            return Ok(Changes::new());
        };
        let mut written = match self.entries.get(at) {
            Some(one) if !one.entry.cells.is_empty() => paths_of(&one.entry.cells),
            _ => return Ok(Changes::new()),
        };
        let mut last = from.max(self.earliest(doc, at, &written));
        let old = self.set_time(at, last)?;
        let mut changed = Vec::from([old]);
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
                note(&mut changed, self.set_time(later, last)?);
            }
        }
        self.recall(id);
        self.progress.generation += 1;
        let changes = self.rebuild(doc, &written);
        doc.set_clock(self.latest());
        Ok(changes)
    }

    /// Restamps all entries that the relay would reject because they are ahead of its clock, and
    /// later entries that follow them. O(cells of the outbox).
    ///
    /// Otherwise, the relay would reject them one by one. Entries below the floor keep their time,
    /// since the relay accepts them at paths where it has a cell.
    pub(super) fn restamp_ahead(
        &mut self,
        doc: &mut dyn DocCells,
        window: Window,
    ) -> Result<Changes, Error> {
        Time::try_from_ms(window.now_ms)?;
        let mut accepted = window;
        let (mut changed, mut written) = (Vec::new(), Quarantine::default());
        let (mut ids, mut last) = (Vec::new(), Time::ZERO);
        for at in 0..self.entries.len() {
            self.follow(at, &changed);
            let Some(one) = self.entries.get(at) else {
                break;
            };
            let (id, mut time) = (one.id(), one.entry.time);
            if one.entry.cells.is_empty() || one.entry.stored.is_some() {
                last = last.max(time);
                continue;
            }
            let is_ahead = time > window.floor && !accepted.has(time);
            let follows = ids.contains(&id.replica) || one.writes(&written);
            if is_ahead || follows && time <= last {
                let paths = paths_of(&one.entry.cells);
                let now = Time::from_ms(window.now_ms).max(last.next());
                time = now.max(self.after_seen(doc, at, &paths));
                written.note_paths(one.entry.cells.cells());
                note(&mut changed, self.set_time(at, time)?);
                ids.push(id.replica);
                ids.dedup();
            }
            last = last.max(time);
            accepted.accept(last);
        }
        if changed.is_empty() {
            return Ok(Changes::new());
        }
        self.progress.generation += 1;
        let changes = self.rebuild(doc, &written);
        doc.set_clock(self.latest());
        Ok(changes)
    }

    /// Returns the earliest time of an entry that exceeds what it replaced and the entries before
    /// it that write the same paths.
    fn earliest(&self, doc: &dyn DocCells, at: usize, written: &Quarantine) -> Time {
        let mut earliest = Time::ZERO;
        if let Some(one) = self.entries.get(at) {
            // The times of an id increase.
            let replica = one.id().replica;
            let told = self.reported_head(replica).time;
            earliest = self.settled.get(replica).time.max(told).next();
        }
        let (before, rest) = self.entries.split_at(at);
        let replica = rest.first().map(|one| one.id().replica);
        for one in before.iter() {
            if Some(one.id().replica) != replica && !one.writes(written) {
                continue;
            }
            earliest = earliest.max(one.entry.time.next());
        }
        earliest.max(self.after_seen(doc, at, written))
    }

    /// Returns the earliest time of an entry that exceeds the base's cells that it had seen.
    fn after_seen(&self, doc: &dyn DocCells, at: usize, written: &Quarantine) -> Time {
        let (mut earliest, mut value) = (Time::ZERO, Vec::new());
        let Some(one) = self.entries.get(at) else {
            return earliest;
        };
        written.for_each(&mut |path, _, _| {
            let seen = one.seen.get(path).map(|seen| seen.stamp.time);
            // The base has the path, since the entry writes it.
            let base = self.base.cells().get(path).map(|base| base.stamp.time);
            // Its writer has seen every cell of a count.
            let mut is_count = || {
                let cell = doc.cell(path, &mut value).map(|cell| cell.is_count);
                cell.unwrap_or_default()
            };
            let base = base.filter(|base| *base <= seen.unwrap_or_default() || is_count());
            earliest = earliest.max(base.map_or(Time::ZERO, Time::next));
        });
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

    /// Records that entries which the entry at `at` had seen have new stamps.
    fn follow(&mut self, at: usize, changed: &[(Stamp, Stamp)]) {
        let Some(one) = self.entries.get_mut(at) else {
            return;
        };
        let mut renewed = Quarantine::default();
        one.seen.for_each(&mut |path, stamp, value| {
            let known = changed.binary_search_by_key(&stamp, |(old, _)| *old);
            if let Some((_, new)) = known.ok().and_then(|at| changed.get(at)) {
                renewed.put(path.clone(), *new, value, None);
            }
        });
        renewed.for_each(&mut |path, stamp, value| one.seen.put(path.clone(), stamp, value, None));
        one.revision += u32::from(!renewed.is_empty());
    }

    /// Records that the relay takes nothing of a writer from this entry on, until it is sent again.
    pub(super) fn recall(&mut self, from: EntryId) {
        for one in &mut self.entries {
            if one.id().replica == from.replica && one.id().number >= from.number {
                one.flight = Default::default();
            }
        }
    }
}

/// Records that an entry has a new stamp, in the order of the old ones.
fn note(changed: &mut Vec<(Stamp, Stamp)>, (old, new): (Stamp, Stamp)) {
    let at = changed.partition_point(|(known, _)| *known < old);
    changed.insert(at, (old, new));
}
