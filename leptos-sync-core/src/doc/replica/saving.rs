use super::{Pending, Progress, Replica, exchange::Exchange};
use crate::{
    clock::Time,
    crdt::{Quarantine, Root, Tombstones},
    delta::Patch,
    doc::cells::DocCells,
    error::Error,
    history::{Entry, EntryId, Position},
};

/// The parts of a replica that a write stores.
///
/// The revision of an entry that the write stores is in the entry itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Saved {
    /// The number of patches that were joined with the base.
    patches: usize,
    /// How often the base was rewritten.
    rewrites: u64,
    /// The number of entries that are removed from the storage.
    removed: usize,
    /// Whether entries are removed, or written again.
    pub(crate) has_changed: bool,
}

impl Pending {
    /// Returns whether the storage lacks the entry or has an older revision of it.
    ///
    /// An entry of another tab is stored by that tab. One that another tab has removed from the
    /// storage is not stored again.
    pub(crate) fn is_unsaved(&self) -> bool {
        !self.is_foreign && !self.is_detached && self.saved != Some(self.revision)
    }

    /// Takes over a change of the entry that was not stored, unless the stored entry is final: it
    /// was rejected, or the relay has it. Adds the paths of the changed cells to `paths`.
    fn take_over(&mut self, changed: &Self, paths: &mut Quarantine) {
        let is_final = self.entry.cells.is_empty() || self.entry.stored.is_some();
        let is_changed = changed.revision > 0 && changed.saved != Some(changed.revision);
        if is_changed && !is_final && self.entry.hash == changed.entry.hash {
            paths.note_paths(self.entry.cells.cells());
            self.change(changed.entry.time, changed.entry.cells.clone());
            self.seen = changed.seen.clone();
        }
    }
}

impl Exchange {
    /// Begins a write of everything that the storage lacks, or, if `is_of_entries`, only of the
    /// missing entries. Returns what the write stores.
    fn write(&mut self, is_of_entries: bool) -> Saved {
        let mut has_changed = !self.removed.is_empty() && !is_of_entries;
        for one in &mut self.entries {
            one.written = one.is_unsaved().then_some(one.revision);
            has_changed |= one.written.is_some() && one.saved.is_some();
        }
        if is_of_entries {
            return Saved {
                has_changed,
                ..Saved::default()
            };
        }
        Saved {
            patches: self.unsaved.len(),
            rewrites: self.rewrites,
            removed: self.removed.len(),
            has_changed,
        }
    }

    /// Records that the write that stores `saved` was applied.
    fn note_saved(&mut self, saved: Saved) {
        self.unsaved.drain(..saved.patches.min(self.unsaved.len()));
        self.saved_rewrites = self.saved_rewrites.max(saved.rewrites);
        if self.saved_rewrites == self.rewrites {
            self.compared.clear();
        }
        self.removed.drain(..saved.removed.min(self.removed.len()));
        for one in &mut self.entries {
            one.saved = one.written.take().or(one.saved);
        }
    }

    /// Records that the storage has lost everything.
    pub(super) fn forget_saved(&mut self) {
        for one in &mut self.entries {
            one.saved = None;
            one.is_foreign = false;
            one.is_detached = false;
        }
        self.removed.clear();
        self.rewrites += 1;
    }

    /// Records which entries the storage has. Others that it had were removed by another tab.
    pub(super) fn note_stored(&mut self, stored: &[EntryId]) {
        for one in &mut self.entries {
            one.is_detached |= one.saved.is_some() && !stored.contains(&one.id());
        }
    }

    /// Takes over the page's id and what the storage lacks from another replica: entries, and
    /// changes of entries, of which other tabs may have heard.
    ///
    /// Another tab has removed such an entry because the relay has it, or the storage has lost it.
    pub(super) fn take_over(&mut self, doc: &mut dyn DocCells, before: &Self) {
        let mut paths = Quarantine::default();
        self.own = before.own;
        self.user = before.user;
        self.settled.clone_from(&before.settled);
        for one in &before.entries {
            let known = self.find(one.id());
            if let Some(known) = known.and_then(|at| self.entries.get_mut(at)) {
                known.take_over(one, &mut paths);
                continue;
            }
            self.cover(doc, &one.entry.cells);
            doc.join_patch(&one.entry.cells);
            let mut one = one.clone();
            one.entry.stored = None;
            one.flight = Default::default();
            one.is_in_base = false;
            (one.saved, one.is_detached) = (None, false);
            self.insert(one);
        }
        self.rebuild(doc, &paths);
    }

    /// Records that the stored base has everything up to the position.
    pub(super) fn note_base_saved(&mut self) {
        self.unsaved.clear();
        self.saved_rewrites = self.rewrites;
    }
}

/// Methods with which a storage loads and saves a replica.
impl<S: Root> Replica<S> {
    /// Sets the place in the relay's history, as it was stored with the base and the outbox.
    pub fn load_progress(&mut self, progress: Progress) {
        self.exchange.progress = progress;
    }

    /// Joins cells of the stored base. Load the base before the outbox. O(cells of the patch).
    pub fn load_base(&mut self, cells: &Patch) {
        self.exchange.base_latest = self.exchange.base_latest.max(cells.latest());
        self.exchange.base.join(cells.cells());
        self.doc.absorb(false, cells);
    }

    /// Adds an envelope of the stored base. Load them in order, before the cells that were joined
    /// with the base since.
    pub(crate) fn load_chunk(&mut self, envelope: &[u8]) -> Result<(), Error> {
        if !Tombstones::is_encoded(envelope) {
            self.load_base(&Patch::decode(envelope)?);
            return Ok(());
        }
        let latest = self.doc.load_packed(envelope)?;
        self.exchange.base_latest = self.exchange.base_latest.max(latest);
        Ok(())
    }

    /// Adds a stored entry, with what it [replaced](Pending::seen), and its place in the
    /// [order](Pending::order).
    pub fn load_entry(&mut self, entry: Entry, seen: &Patch, order: Time) {
        self.exchange.load_entry(&mut self.doc, entry, seen, order);
    }

    /// Returns a copy with the same memory, like that of a cloned virtual machine. For tests.
    #[cfg(feature = "testing")]
    pub fn clone_running(&self, clock: crate::clock::Clock) -> Self {
        let mut doc = self.doc.fork(self.doc.replica());
        doc.clock = clock.with_replica(self.doc.replica());
        doc.clock.share_ids(&self.doc.clock);
        let exchange = self.exchange.clone();
        Self { doc, exchange }
    }

    /// Takes over the page's id and the entries that the storage lacks from `before`, which this
    /// newly loaded replica replaces.
    pub fn take_over(&mut self, before: &Self) {
        self.exchange.take_over(&mut self.doc, &before.exchange);
    }

    /// Returns whether the stored base has to be replaced as a whole.
    pub(crate) fn must_rewrite(&self) -> bool {
        self.exchange.rewrites != self.exchange.saved_rewrites
    }

    /// Marks the stored base to be replaced as a whole.
    pub(crate) fn rewrite(&mut self) {
        self.exchange.rewrites += 1;
    }

    /// Returns the cells that were joined with the base since it was stored, with the positions to
    /// which they lead.
    pub(crate) fn unsaved_patches(&self) -> &[(Position, Patch)] {
        &self.exchange.unsaved
    }

    /// Returns the entries that have left the outbox but not the storage.
    pub(crate) fn removed(&self) -> &[EntryId] {
        &self.exchange.removed
    }

    /// Begins a write of everything that the storage lacks, or only of its entries. Returns what
    /// the write stores.
    pub(crate) fn write(&mut self, is_of_entries: bool) -> Saved {
        self.exchange.write(is_of_entries)
    }

    /// Records that the write that stores `saved` was applied.
    pub(crate) fn note_saved(&mut self, saved: Saved) {
        self.exchange.note_saved(saved);
    }

    /// Returns the progress before the first and the last comparison with a relay that had lost
    /// history, until the base is stored.
    pub(crate) fn before_comparisons(&self) -> &[Progress] {
        &self.exchange.compared
    }

    /// Returns whether memory has cells of the base that the storage lacks.
    pub(crate) fn has_unsaved_base(&self) -> bool {
        self.must_rewrite() || !self.exchange.unsaved.is_empty()
    }

    /// Requires a comparison with the relay: the storage has the base of another history, which
    /// lacks a part of this one.
    pub(crate) fn compare(&mut self) {
        self.exchange.progress.require_comparison();
    }

    /// Records that the storage has lost everything.
    pub(crate) fn forget_saved(&mut self) {
        self.exchange.forget_saved();
    }

    /// Records which entries the storage has.
    pub(crate) fn note_stored(&mut self, stored: &[EntryId]) {
        self.exchange.note_stored(stored);
    }

    /// Records that the stored base has everything up to the position.
    pub(crate) fn note_base_saved(&mut self) {
        self.exchange.note_base_saved();
    }

    /// Returns the base's cells: the document without the outbox. If a path occurs twice, the last
    /// cell counts. O(cells).
    ///
    /// # Errors
    ///
    /// If a limit is exceeded, which cannot happen for cells of a document.
    pub fn base_parts(&self, bytes: usize) -> Result<Vec<Patch>, Error> {
        let (parts, packed) = self.base(bytes)?;
        let packed = Patch::collect(self.exchange.base_latest, |out| {
            packed.write_cells(&Default::default(), out);
        })?;
        Ok([vec![packed], parts].concat())
    }

    /// Returns the cells of the base, in parts of about `bytes`, and its packed tombstones.
    /// O(cells).
    pub(crate) fn base(&self, bytes: usize) -> Result<(Vec<Patch>, Tombstones), Error> {
        self.exchange.base_parts(&self.doc, bytes)
    }

    /// Packs the tombstones if there are at least `least`, as happens by itself when there are
    /// many. For tests.
    #[cfg(feature = "testing")]
    pub fn pack_tombstones(&mut self, least: usize) {
        self.doc.pack_tombstones(least);
    }
}
