use super::{
    Pending, Replica,
    exchange::{Exchange, take},
};
use crate::{
    crdt::{Changes, Root},
    delta::Delta,
    doc::cells::DocCells as _,
    error::Error,
    history::{EntryId, IdHead, IdHeads},
};

/// Documents without a relay.
impl<S: Root> Replica<S> {
    /// Joins a delta of another copy with a document that has
    /// [versions](Replica::of_versioned).
    ///
    /// # Errors
    ///
    /// - As for [`Doc::apply`](crate::Doc::apply).
    /// - [`Error::is_unsupported`] if the document has no versions.
    pub fn apply(&mut self, delta: &Delta) -> Result<Changes, Error> {
        if self.doc.versioning.is_some() {
            return self.doc.apply(delta);
        }
        Err(Error::unsupported(
            "this document is stored and exchanged by the page; edit it instead of applying deltas",
        ))
    }

    /// Moves the stored entries of the outbox to the base, because the document has no relay. The
    /// stored base then has to be replaced. If the document gets a relay later, both sides are
    /// compared first. O(outbox).
    ///
    /// Entries that were never stored stay in the outbox. Another tab may replace the stored base
    /// at the same time, and then this tab loads it and keeps only its outbox.
    pub fn absorb_entries(&mut self) {
        self.exchange.absorb_entries();
    }

    /// Removes the tombstones of a document without a relay, except those of the outbox. Call it
    /// only when no other tab can hold older cells. O(cells of the document).
    pub fn forget_local_tombstones(&mut self) {
        self.doc.forget_before(self.exchange.latest().next());
        let base = self.exchange.base.cells();
        self.exchange.rebuild(&mut self.doc, base);
    }
}

impl Exchange {
    fn absorb_entries(&mut self) {
        let mut waiting = IdHeads::default();
        for one in self.entries.iter().filter(|one| one.is_unsaved()) {
            let head = one.entry.head(IdHead::default());
            waiting.put_new(one.id().replica, head);
        }
        let is_stored = |one: &Pending| {
            let EntryId { replica, number } = one.id();
            let first = waiting.get(replica).number;
            first == 0 || number < first
        };
        let stored = take(&mut self.entries, &is_stored);
        if stored.is_empty() {
            return;
        }
        self.progress.require_comparison();
        for one in stored {
            self.base_latest = self.base_latest.max(one.entry.time);
            self.base.join(one.entry.cells.cells());
            self.leave(&one, one.entry.time);
        }
        self.rewrites += 1;
        self.clear_base();
    }
}
