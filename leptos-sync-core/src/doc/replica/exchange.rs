use super::{BaseCells, Pending, Progress, pending::map_cells, session::Session};
use crate::{
    clock::{Stamp, Time},
    codec::CellRef,
    crdt::{Changes, Quarantine, TombstoneChange, Tombstones},
    delta::Patch,
    doc::cells::DocCells,
    error::Error,
    history::{Entry, EntryHash, EntryId, Epochs, IdHead, IdHeads, Position, Sequence},
    id::ReplicaId,
    limits,
};

/// The part of a replica that does not depend on the type of its document.
///
/// The document has the cells of the base and of the outbox, joined. The base is what the relay has
/// sent. Where the outbox has written, `base` keeps the base's cell.
#[derive(Clone)]
pub(super) struct Exchange {
    pub(super) progress: Progress,
    pub(super) entries: Vec<Pending>,
    pub(super) base: BaseCells,
    /// The latest time of the cells that ever were in the base.
    pub(super) base_latest: Time,
    /// The last entry that this page has written.
    pub(super) own: Option<(EntryId, EntryHash)>,
    /// The last entry of each id that left the outbox because the relay has it.
    pub(super) settled: IdHeads,
    pub(super) session: Option<Session>,
    /// Whether the relay was asked to open the document, and has not answered.
    pub(super) is_opening: bool,
    /// The cells that were joined with the base since it was stored, each with the position to
    /// which they lead.
    pub(super) unsaved: Vec<(Position, Patch)>,
    /// The number of changes of the base other than by joining cells.
    pub(super) rewrites: u64,
    /// The value of `rewrites` when the base was last stored.
    pub(super) saved_rewrites: u64,
    /// The progress before the first and the last comparison with a relay that had lost history,
    /// until the base is stored. The relay was offered what these bases had. The storage has the
    /// first one, unless another tab has written.
    pub(super) compared: Vec<Progress>,
    /// The entries that have left the outbox but not the storage.
    pub(super) removed: Vec<EntryId>,
    /// The user who makes the next entries; see [`Entry::user`].
    pub(super) user: u64,
    /// The source of new ids and hashes.
    pub(super) random: fn() -> Result<u64, Error>,
    /// The number of paths that are compared at a time.
    pub(super) compared_paths: usize,
}

impl Exchange {
    pub(super) fn new(random: fn() -> Result<u64, Error>) -> Self {
        Self {
            progress: Progress::default(),
            entries: Vec::new(),
            base: BaseCells::default(),
            base_latest: Time::ZERO,
            own: None,
            settled: IdHeads::default(),
            session: None,
            is_opening: false,
            unsaved: Vec::new(),
            rewrites: 0,
            saved_rewrites: 0,
            compared: Vec::new(),
            removed: Vec::new(),
            user: 0,
            random,
            compared_paths: limits::COMPARED_PATHS,
        }
    }

    /// Returns the names of the next entry: the page's id and a new hash. The first entry of a page
    /// draws the id.
    pub(super) fn next_names(&mut self) -> Result<(ReplicaId, EntryHash), Error> {
        let own = match self.own {
            Some((own, _)) => own.replica,
            None => ReplicaId::new((self.random)()?),
        };
        Ok((own, EntryHash::new((self.random)()?.max(1))))
    }

    /// Adds an entry of this page.
    pub(super) fn add_own(
        &mut self,
        replica: ReplicaId,
        hash: EntryHash,
        time: Time,
        cells: Patch,
        seen: Quarantine,
    ) -> Entry {
        let (before, previous) = self.own.unwrap_or_default();
        let number = before.number + 1;
        let id = EntryId { replica, number };
        let entry = Entry {
            id,
            previous,
            hash,
            time,
            cells,
            stored: None,
            user: self.user,
        };
        self.own = Some((id, hash));
        self.append(Pending::new(entry.clone(), seen));
        entry
    }

    /// Adds an entry at the end of the outbox.
    pub(super) fn append(&mut self, mut one: Pending) {
        // The clock may have been set back since the last entry.
        let last = self.entries.last().map(|one| one.order);
        one.order = one.order.max(last.map_or(Time::ZERO, Time::next));
        self.entries.push(one);
    }

    /// Adds an entry that others may follow already: those of its id with a greater number, and
    /// those that have replaced one of its cells. In the outbox and in the storage, they are after
    /// it, so that they keep later stamps when all are restamped. O(cells of the outbox).
    pub(super) fn insert(&mut self, one: Pending) {
        let Some(at) = self.entries.iter().position(|later| later.follows(&one)) else {
            return self.append(one);
        };
        let (mut rest, mut before) = (self.entries.split_off(at), vec![one]);
        // What the entry follows has to be before it.
        for index in (1..rest.len()).rev() {
            let is_before = rest
                .get(index)
                .is_some_and(|earlier| before.iter().any(|one| one.follows(earlier)));
            if is_before {
                before.insert(0, rest.remove(index));
            }
        }
        let later = rest.first().map(|later| (later.id().replica, later.order));
        for mut one in before {
            if let Some((replica, order)) = later {
                let last = self.entries.last().map_or(Time::ZERO, |one| one.order);
                let just_before = Time::new(order.get().saturating_sub(1));
                one.order = match one.id().replica == replica {
                    true => order,
                    false => last.max(just_before),
                };
                one.revision += u32::from(one.saved.is_some());
            }
            self.entries.push(one);
        }
        self.entries.append(&mut rest);
    }

    /// Returns the cells of the base, in parts of about `bytes`, and its packed tombstones.
    /// O(cells).
    pub(super) fn base_parts(
        &self,
        doc: &dyn DocCells,
        bytes: usize,
    ) -> Result<(Vec<Patch>, Tombstones), Error> {
        let written = self.base.cells();
        let mut parts = Patch::collect_parts(self.base_latest, bytes, |out| {
            doc.write_unpacked(out);
        })?;
        let mut packed = doc.packed().clone();
        if written.is_empty() {
            return Ok((parts, packed));
        }
        packed.change(written, TombstoneChange::Remove);
        for part in &mut parts {
            *part = map_cells(part, self.base_latest, &mut |out, path, cell| {
                if !written.has(path) {
                    out.copy(cell);
                }
            })?;
        }
        parts.push(Patch::collect(self.base_latest, |out| {
            written.for_each(&mut |path, stamp, value| {
                if let Some((parent, key)) = path.as_path().split_last()
                    && stamp != Stamp::default()
                {
                    out.group(parent);
                    out.copy(CellRef { key, stamp, value });
                }
            });
        })?);
        Ok((parts, packed))
    }

    /// Returns the position of an entry in the outbox.
    pub(super) fn find(&self, id: EntryId) -> Option<usize> {
        self.entries.iter().position(|one| one.id() == id)
    }

    /// Joins cells of the relay with the base, and with the document.
    pub(super) fn join_base(&mut self, doc: &mut dyn DocCells, cells: &Patch) -> Changes {
        self.base.join(cells.cells());
        doc.join_patch(cells)
    }

    /// Replaces base cells, even by older ones. A zero stamp removes a cell. O(cells), plus those
    /// of the outbox if it has written one of the paths.
    pub(super) fn put_base(&mut self, doc: &mut dyn DocCells, cells: &Quarantine) -> Changes {
        if cells.is_empty() {
            return Changes::new();
        }
        let (mut free, mut written) = (Quarantine::default(), Quarantine::default());
        cells.for_each(&mut |path, stamp, value| {
            if self.base.cells().has(path) {
                self.base.put(path.clone(), stamp, value);
                written.put(path.clone(), stamp, None, None);
            } else {
                free.put(path.clone(), stamp, value, None);
            }
        });
        let mut changes = Changes::new();
        if !free.is_empty() {
            changes.append(doc.put_cells(&free));
        }
        changes.append(self.rebuild(doc, &written));
        changes
    }

    /// Joins the base with the outbox at the paths that the outbox has written, and sets the
    /// document's cells there to the result. O(cells of the outbox).
    pub(super) fn rebuild(&self, doc: &mut dyn DocCells, paths: &Quarantine) -> Changes {
        let mut cells = Quarantine::default();
        paths.for_each(&mut |path, _, _| self.base.add_to(&mut cells, path.clone()));
        if cells.is_empty() {
            return Changes::new();
        }
        for one in &self.entries {
            let all = one.entry.cells.cells();
            all.for_each(&mut |parent, cell| cells.overtake(parent, cell));
        }
        let (mut different, mut value) = (Quarantine::default(), Vec::new());
        cells.for_each(&mut |path, stamp, content| {
            let is = doc.cell(path, &mut value);
            let is = is.map_or((Stamp::default(), None), |cell| (cell.stamp, cell.value));
            if is != (stamp, content) {
                different.put(path.clone(), stamp, content, None);
            }
        });
        match different.is_empty() {
            true => Changes::new(),
            false => doc.put_cells(&different),
        }
    }

    /// Removes the entries that the base contains: those that were stored at or below the position.
    ///
    /// A page lacks cells that were replaced later, and another tab may have restamped an entry
    /// before it sent it. So entries that were not joined with the base stay until the base is
    /// equal to the relay's document.
    pub(super) fn remove_passed(&mut self, doc: &mut dyn DocCells) -> Result<Changes, Error> {
        let at = self.position();
        let is_passed = |epochs: &Epochs, one: &Pending| {
            let stored = one.entry.stored;
            stored.is_some_and(|stored| epochs.contains(at, stored))
        };
        let epochs = &self.progress.epochs;
        let is_joined = |one: &Pending| one.is_in_base && is_passed(epochs, one);
        let joined = take(&mut self.entries, &is_joined);
        let mut others = self.entries.iter();
        let is_left = self.progress.complete == at && others.any(|one| is_passed(epochs, one));
        let epochs = is_left.then(|| epochs.clone());
        for one in joined {
            self.leave(&one, one.entry.time);
        }
        self.clear_base();
        let Some(epochs) = epochs else {
            return Ok(Changes::new());
        };
        let mut changes = self.follow_contained(doc, &|one| is_passed(&epochs, one))?;
        changes.append(self.remove_contained(doc, &|one| is_passed(&epochs, one)));
        Ok(changes)
    }

    /// Records that an entry has left the outbox because the relay has it. `time` is the time of
    /// the entry at the relay, if it is known.
    pub(super) fn leave(&mut self, one: &Pending, time: Time) {
        let EntryId { replica, number } = one.id();
        let head = IdHead {
            number,
            hash: one.entry.hash,
            time,
            emptied: one.entry.cells.is_empty().into(),
        };
        self.settled.raise(replica, head);
        self.removed.push(one.id());
    }

    /// Clears the base cells if the outbox is empty, because the document is then the base.
    pub(super) fn clear_base(&mut self) {
        if self.entries.is_empty() {
            self.base = BaseCells::default();
        }
    }

    /// Returns the time that new entries must exceed.
    pub(super) fn latest(&self) -> Time {
        let times = self.entries.iter().map(|one| one.entry.time);
        times.fold(self.base_latest, Time::max)
    }

    /// Records that the position was reached by joining `cells` with the base.
    pub(super) fn advance(&mut self, position: Position, cells: Patch) {
        self.base_latest = self.base_latest.max(cells.latest());
        self.progress.cursor.position = position;
        self.unsaved.push((position, cells));
    }

    /// Returns the number to which the base is read.
    pub(super) fn position(&self) -> Sequence {
        self.progress.cursor.position.sequence
    }
}

/// Removes the entries for which `is_taken` returns true, and returns them. O(outbox).
pub(super) fn take(
    entries: &mut Vec<Pending>,
    is_taken: &dyn Fn(&Pending) -> bool,
) -> Vec<Pending> {
    let mut taken = Vec::new();
    if entries.iter().any(is_taken) {
        for one in std::mem::take(entries) {
            match is_taken(&one) {
                true => taken.push(one),
                false => entries.push(one),
            }
        }
    }
    taken
}
