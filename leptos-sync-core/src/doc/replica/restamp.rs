use super::{
    Pending,
    exchange::Exchange,
    pending::{paths_of, with_stamp},
};
use crate::{
    clock::{Stamp, Time, Window},
    crdt::{Changes, Quarantine},
    doc::cells::DocCells,
    error::Error,
    history::{EntryId, TabEntry},
    id::ReplicaId,
    path::PathBuf,
};

/// The entries that were restamped.
#[derive(Default)]
struct Restamped {
    /// Their stamps before and after, in the order of the former.
    stamps: Vec<(Stamp, Stamp)>,
    /// The paths that they write.
    written: Quarantine,
    /// Their latest time.
    last: Time,
    /// Whether entries of other ids follow only if they have seen one of these. Two tabs may have
    /// the others in another order, and would restamp them forever.
    is_causal: bool,
}

impl Restamped {
    /// Records that an entry had the stamp `old`.
    fn note(&mut self, old: Stamp, one: &Pending) {
        self.written.note_paths(one.entry.cells.cells());
        let new = one.entry.stamp();
        if new != old {
            let at = self.stamps.partition_point(|(known, _)| *known < old);
            self.stamps.insert(at, (old, new));
            self.last = self.last.max(new.time);
        }
    }

    /// Returns the latest time of an id's entries that were restamped.
    fn last_of(&self, replica: ReplicaId) -> Time {
        let of_id = self.stamps.iter().filter(|(_, new)| new.replica == replica);
        of_id.fold(Time::ZERO, |last, (_, new)| last.max(new.time))
    }
}

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
        let written = match self.entries.get(at) {
            Some(one) if !one.entry.cells.is_empty() => paths_of(&one.entry.cells),
            _ => return Ok(Changes::new()),
        };
        let from = from.max(self.earliest(doc, at, &written));
        let mut restamped = Restamped::default();
        for later in at..self.entries.len() {
            let from = (later == at).then_some(from);
            self.restamp_next(doc, later, from, &mut restamped)?;
        }
        Ok(self.restamped(doc, &restamped))
    }

    /// Replaces entries that another tab has restamped, and restamps later ones that the other tab
    /// does not know.
    pub(super) fn replace_entries(
        &mut self,
        doc: &mut dyn DocCells,
        entries: &[TabEntry],
    ) -> Result<Changes, Error> {
        let mut restamped = Restamped {
            is_causal: true,
            ..Restamped::default()
        };
        for at in 0..self.entries.len() {
            let Some(one) = self.entries.get(at) else {
                break;
            };
            let id = one.id();
            match entries.iter().find(|(entry, _)| entry.id == id) {
                Some(other) => self.replace(at, other, &mut restamped)?,
                None => self.restamp_next(doc, at, None, &mut restamped)?,
            }
        }
        Ok(self.restamped(doc, &restamped))
    }

    /// Replaces an entry that another tab has restamped.
    ///
    /// The other tab may know other stamps of earlier entries, because it has not read them from
    /// the relay yet, or because both tabs have restamped them. So the entry stays later than what
    /// it replaced here.
    fn replace(
        &mut self,
        at: usize,
        (entry, seen): &TabEntry,
        restamped: &mut Restamped,
    ) -> Result<(), Error> {
        self.follow(at, &restamped.stamps);
        let known = self.known_seen(at);
        let Some(one) = self.entries.get_mut(at) else {
            return Ok(());
        };
        // What was rejected or stored no longer changes.
        let is_fixed = one.entry.cells.is_empty() || one.entry.stored.is_some();
        if is_fixed || one.entry.hash != entry.hash {
            return Ok(());
        }
        let old = one.entry.stamp();
        restamped.written.note_paths(one.entry.cells.cells());
        one.seen = Quarantine::default();
        seen.cells().for_each(&mut |parent, cell| {
            one.seen.keep(parent, cell, None);
        });
        let mut time = entry.time;
        for (path, stamp) in &known {
            one.see(path, *stamp);
            time = time.max(stamp.time.next());
        }
        let cells = with_stamp(&entry.cells, Stamp::new(time, old.replica))?;
        one.change(time, cells);
        restamped.note(old, one);
        Ok(())
    }

    /// Returns the cells that an entry has replaced and that the base or the outbox has.
    fn known_seen(&self, at: usize) -> Vec<(PathBuf, Stamp)> {
        let mut known = Vec::new();
        let Some(one) = self.entries.get(at) else {
            return known;
        };
        one.seen.for_each(&mut |path, stamp, _| {
            let base = self.base.cells().get(path).map(|base| base.stamp);
            let mut entries = self.entries.iter().map(|one| one.entry.stamp());
            if base == Some(stamp) || entries.any(|entry| entry == stamp) {
                known.push((path.clone(), stamp));
            }
        });
        known
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
        let (mut restamped, mut last) = (Restamped::default(), Time::ZERO);
        for at in 0..self.entries.len() {
            let Some(one) = self.entries.get(at) else {
                break;
            };
            let time = one.entry.time;
            let is_ahead = time > window.floor && !accepted.has(time);
            let from = is_ahead.then(|| Time::from_ms(window.now_ms).max(last.next()));
            self.restamp_next(doc, at, from, &mut restamped)?;
            last = last.max(self.entries.get(at).map_or(last, |one| one.entry.time));
            accepted.accept(last);
        }
        Ok(self.restamped(doc, &restamped))
    }

    /// Restamps an entry, at `from` or later, or if `from` is `None`, only if it has to follow
    /// those that were restamped before it.
    fn restamp_next(
        &mut self,
        doc: &dyn DocCells,
        at: usize,
        from: Option<Time>,
        restamped: &mut Restamped,
    ) -> Result<(), Error> {
        let seen = self.follow(at, &restamped.stamps);
        let Some(one) = self.entries.get(at) else {
            return Ok(());
        };
        let is_fixed = one.entry.cells.is_empty() || one.entry.stored.is_some();
        let mut last = seen.max(restamped.last_of(one.id().replica));
        if !restamped.is_causal && (last > Time::ZERO || one.writes(&restamped.written)) {
            last = restamped.last;
        }
        let follows = one.entry.time <= last;
        if is_fixed || !follows && from.is_none() {
            return Ok(());
        }
        let mut time = self.after_seen(doc, at, &paths_of(&one.entry.cells));
        time = time.max(from.unwrap_or_default());
        if from.is_some() && !restamped.stamps.is_empty() {
            last = restamped.last;
        }
        if last > Time::ZERO {
            time = time.max(last.next());
        }
        let Some(one) = self.entries.get_mut(at) else {
            return Ok(());
        };
        let old = one.entry.stamp();
        let stamp = Stamp::new(time, old.replica);
        let cells = with_stamp(&one.entry.cells, stamp)?;
        one.change(time, cells);
        restamped.note(old, one);
        Ok(())
    }

    /// Shows entries with their new stamps.
    fn restamped(&mut self, doc: &mut dyn DocCells, restamped: &Restamped) -> Changes {
        if restamped.written.is_empty() {
            return Changes::new();
        }
        self.progress.generation += 1;
        let changes = self.rebuild(doc, &restamped.written);
        // The clock may have followed stamps that were replaced.
        doc.set_clock(self.latest());
        changes
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

    /// Returns the earliest time of an entry that exceeds the cells that it had seen. Those that
    /// are neither in the base nor in the outbox belong to an entry that only another tab knows.
    fn after_seen(&self, doc: &dyn DocCells, at: usize, written: &Quarantine) -> Time {
        let (mut earliest, mut value) = (Time::ZERO, Vec::new());
        let Some(one) = self.entries.get(at) else {
            return earliest;
        };
        written.for_each(&mut |path, _, _| {
            let seen = one.seen.get(path).map(|seen| seen.stamp.time);
            let seen = seen.unwrap_or_default();
            // The base has the path, since the entry writes it.
            let base = self.base.cells().get(path).map(|base| base.stamp.time);
            // Its writer has seen every cell of a count.
            let mut is_count = || {
                let cell = doc.cell(path, &mut value).map(|cell| cell.is_count);
                cell.unwrap_or_default()
            };
            let base = base.unwrap_or_default();
            if is_count() {
                earliest = earliest.max(base.next());
            } else if base <= seen {
                earliest = earliest.max(seen.next());
            }
        });
        earliest
    }

    /// Records that entries which the entry at `at` had seen have new stamps. Returns the latest of
    /// these stamps' times.
    fn follow(&mut self, at: usize, changed: &[(Stamp, Stamp)]) -> Time {
        let mut last = Time::ZERO;
        let Some(one) = self.entries.get_mut(at) else {
            return last;
        };
        let mut renewed = Quarantine::default();
        one.seen.for_each(&mut |path, stamp, value| {
            let known = changed.binary_search_by_key(&stamp, |(old, _)| *old);
            if let Some((_, new)) = known.ok().and_then(|at| changed.get(at)) {
                last = last.max(new.time);
                renewed.put(path.clone(), *new, value, None);
            }
        });
        renewed.for_each(&mut |path, stamp, value| one.seen.put(path.clone(), stamp, value, None));
        one.revision += u32::from(!renewed.is_empty());
        last
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
