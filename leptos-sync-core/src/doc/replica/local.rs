use super::{Replica, exchange::Exchange};
use crate::{
    crdt::{Changes, Root},
    delta::Delta,
    doc::cells::DocCells as _,
    error::Error,
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

    /// Moves the outbox to the base, because the document has no relay. The stored base then has to
    /// be replaced. If the document gets a relay later, both sides are compared first. O(outbox).
    pub fn absorb_entries(&mut self) {
        self.exchange.absorb_entries();
    }

    /// Removes the tombstones of a document without a relay, except those of the outbox, when no
    /// other tab can have older cells. O(cells of the document).
    pub fn forget_local_tombstones(&mut self) {
        self.doc.forget_before(self.exchange.latest().next());
        let base = self.exchange.base.cells();
        self.exchange.rebuild(&mut self.doc, base);
    }
}

impl Exchange {
    fn absorb_entries(&mut self) {
        if self.entries.is_empty() {
            return;
        }
        self.progress.comparing = true;
        for one in std::mem::take(&mut self.entries) {
            self.base_latest = self.base_latest.max(one.entry.time);
            self.leave(&one, one.entry.time);
        }
        self.rewrites += 1;
        self.clear_base();
    }
}
