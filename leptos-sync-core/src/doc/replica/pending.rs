use crate::{
    clock::{Stamp, Time},
    codec::{CellRef, CellWriter},
    crdt::{Count, Quarantine},
    delta::Patch,
    doc::cells::DocCells,
    error::Error,
    history::{Entry, EntryId, Position},
    path::PathBuf,
};

/// An entry of the outbox, with what it replaced.
#[derive(Clone)]
pub struct Pending {
    pub(super) entry: Entry,
    /// The cells that the entry replaced, by path, with their stamps. Only the cells of counters
    /// keep their values.
    pub(super) seen: Quarantine,
    pub(super) flight: Flight,
    /// Whether the base has the entry's cells.
    pub(super) is_in_base: bool,
    /// Counts the changes of the entry since it was written.
    pub(super) revision: u32,
    /// The revision that the storage has.
    pub(super) saved: Option<u32>,
    /// The revision that the last write stores.
    pub(super) written: Option<u32>,
    /// Whether another tab has made the entry, so that the other tab stores it.
    pub(super) is_foreign: bool,
    /// Whether another tab has removed the entry from the storage.
    pub(super) is_detached: bool,
    /// The entry's place in the outbox; see [`order`](Pending::order).
    pub(super) order: Time,
}

/// The form of an entry that is on its way to the relay.
#[derive(Clone, Default)]
pub(super) enum Flight {
    /// Nothing.
    #[default]
    None,
    /// The entry as it is.
    Same,
    /// The entry as it was before a change.
    Before(Patch),
}

impl Pending {
    pub(super) fn new(entry: Entry, seen: Quarantine) -> Self {
        Self {
            is_foreign: false,
            is_detached: false,
            order: entry.time,
            entry,
            seen,
            flight: Flight::None,
            is_in_base: false,
            revision: 0,
            saved: None,
            written: None,
        }
    }

    /// Returns the entry.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Returns the stamps of the cells that the entry replaced, and the values of counters.
    ///
    /// # Errors
    ///
    /// If a limit is exceeded, which cannot happen for cells of a document.
    pub fn seen(&self) -> Result<Patch, Error> {
        Patch::collect(self.entry.time, |out| {
            self.seen.write_cells(&Default::default(), out);
        })
    }

    /// Returns the entry's place in the order of the outbox. It is the time at which the entry was
    /// first written, or just after the place of the previous entry if the clock was set back.
    pub fn order(&self) -> Time {
        self.order
    }

    pub(super) fn id(&self) -> EntryId {
        self.entry.id
    }

    /// Returns whether the entry has to be after `earlier` in the outbox.
    pub(super) fn follows(&self, earlier: &Self) -> bool {
        let (id, stamp) = (earlier.id(), earlier.entry.stamp());
        let mut found = self.id().replica == id.replica && self.id().number > id.number;
        self.seen.for_each(&mut |_, seen, _| found |= seen == stamp);
        found
    }

    /// Returns whether the entry writes a path of `paths`.
    pub(super) fn writes(&self, paths: &Quarantine) -> bool {
        let mut found = false;
        let mut each = |parent: crate::path::Path<'_>, cell: CellRef<'_>| {
            found |= paths.has(&cell.path(parent));
        };
        if !paths.is_empty() {
            self.entry.cells.cells().for_each(&mut each);
        }
        found
    }

    /// Replaces the entry's time and cells. What is on its way to the relay is kept.
    pub(super) fn change(&mut self, time: Time, cells: Patch) {
        let before = std::mem::replace(&mut self.entry.cells, cells);
        self.entry.time = time;
        if matches!(self.flight, Flight::Same) {
            self.flight = Flight::Before(before);
        }
        self.revision += 1;
    }

    /// Records that the relay has stored the entry as it was sent. If the entry has changed since,
    /// returns the changed cells, which the sent ones replace.
    pub(super) fn set_stored(&mut self, stored: Position) -> Option<Patch> {
        self.entry.stored = Some(stored);
        self.revision += 1;
        let Flight::Before(sent) = std::mem::take(&mut self.flight) else {
            return None;
        };
        self.entry.time = sent.latest();
        Some(std::mem::replace(&mut self.entry.cells, sent))
    }

    /// Changes the counts at some paths, both what the entry wrote and what it had seen, so that
    /// its increments stay the same.
    pub(super) fn add_counts(
        &mut self,
        counts: &[(PathBuf, Count)],
        add: fn(Count, Count) -> Count,
    ) -> Result<(), Error> {
        let sum = |path: &PathBuf, value: Option<&[u8]>| {
            let (_, count) = counts.iter().find(|(counted, _)| counted == path)?;
            Some(add(Count::decode(value?)?, *count).encode())
        };
        if counts.is_empty() {
            return Ok(());
        }
        let mut changed = false;
        let cells = map_cells(
            &self.entry.cells,
            self.entry.time,
            &mut |out, path, cell| {
                let value = sum(path, cell.value);
                changed |= value.is_some();
                let value = value.as_deref().or(cell.value);
                out.copy(CellRef { value, ..cell });
            },
        )?;
        if changed {
            self.change(self.entry.time, cells);
        }
        let written = paths_of(&self.entry.cells);
        for (path, count) in counts.iter().filter(|(path, _)| written.has(path)) {
            let seen = self.seen.get(path).map(|held| (held.stamp, held.value));
            let (stamp, value) = seen.unwrap_or((self.entry.stamp(), None));
            // An entry that had seen no count has seen zero.
            let zero = count.minus(*count);
            let sum = add(value.and_then(Count::decode).unwrap_or(zero), *count);
            let value = (sum != zero).then(|| sum.encode());
            self.seen.put(path.clone(), stamp, value.as_deref(), None);
            self.revision += 1;
        }
        Ok(())
    }

    /// Records that a cell that the entry replaced has another stamp.
    pub(super) fn see(&mut self, path: &PathBuf, stamp: Stamp) {
        if let Some(held) = self.seen.get(path) {
            let value = held.value.map(<[u8]>::to_vec);
            self.seen.put(path.clone(), stamp, value.as_deref(), None);
            self.revision += 1;
        }
    }

    /// Records that the cells with the stamp `old` no longer exist. Each had replaced another one.
    pub(super) fn unsee(&mut self, old: Stamp, replaced: &[(PathBuf, Stamp)]) {
        for (path, before) in replaced {
            if self.seen.get(path).is_some_and(|held| held.stamp == old) {
                self.see(path, *before);
            }
        }
    }

    /// Returns what the entry adds to the counter's cell at `path`, whose value is `value`.
    pub(super) fn increment(&self, path: &PathBuf, value: &[u8]) -> Option<Count> {
        let seen = self.seen.get(path).and_then(|held| held.value);
        let before = seen.and_then(Count::decode).unwrap_or_default();
        Some(Count::decode(value)?.minus(before))
    }
}

/// Returns the cells with another stamp. O(cells).
pub(super) fn with_stamp(cells: &Patch, stamp: Stamp) -> Result<Patch, Error> {
    map_cells(cells, stamp.time, &mut |out, _, cell| {
        out.copy(CellRef { stamp, ..cell });
    })
}

/// Returns the cells that `map` writes for each cell of `cells`. O(cells).
pub(super) fn map_cells(
    cells: &Patch,
    time: Time,
    map: &mut dyn FnMut(&mut CellWriter, &PathBuf, CellRef<'_>),
) -> Result<Patch, Error> {
    Patch::collect(time, |out| {
        cells.cells().for_each(&mut |parent, cell| {
            out.group(parent);
            map(out, &cell.path(parent), cell);
        });
    })
}

/// Returns whether a cell is the share of its writer in a counter. The document knows it if it has
/// a cell at the path.
pub(super) fn is_count(doc: &dyn DocCells, path: &PathBuf, cell: CellRef<'_>) -> bool {
    match doc.cell(path, &mut Vec::new()) {
        Some(known) => known.is_count,
        None => Count::is_likely(path.as_path(), cell.stamp, cell.value),
    }
}

/// Returns the paths of cells as a set.
pub(super) fn paths_of(cells: &Patch) -> Quarantine {
    let mut paths = Quarantine::default();
    paths.note_paths(cells.cells());
    paths
}
