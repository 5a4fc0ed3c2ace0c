//! The operations that the relay lacks, and the document without them.

use super::{Outbox, copy::copy, stamp};
use crate::{
    clock::Time, crdt::Root, delta::Delta, doc::Doc, error::Error, id::ReplicaId,
    version::VersionVector,
};

/// The maximum number of transactions that [`pending`](Outbox::pending) returns. The caller calls
/// it again for more.
const PENDING: usize = 32;

impl Outbox {
    /// Returns the first transactions that a relay with the version `relay` lacks, of the replicas
    /// for which this page sends (`mine`).
    ///
    /// A delta per replica precedes them, for operations that belong to no transaction: those that
    /// may be missing at the relay, and this page's own that a relay may have lost with its disk.
    /// O(unanswered transactions), plus these deltas.
    ///
    /// # Errors
    ///
    /// [`Error::is_snapshot_needed`] if such a delta cannot be created, because the document has
    /// forgotten tombstones of a replica whose operations the relay has.
    pub fn pending<S: Root>(
        &self,
        doc: &Doc<S>,
        relay: &VersionVector,
        mine: impl Fn(ReplicaId) -> bool,
    ) -> Result<Vec<Delta>, Error> {
        let mut pending = Vec::new();
        if !relay.covers(doc.version()) {
            // Created only if there is such a replica.
            let mut base = None;
            for (replica, upto) in self.version(doc).beyond(relay).iter() {
                if self.acknowledged.get(replica) < upto || mine(replica) {
                    let base = match &base {
                        Some(base) => base,
                        None => {
                            let mut known = self.base(doc);
                            // A relay that lost its disk lacks both the removed cells and their
                            // tombstones.
                            let horizon = known.horizon.iter();
                            let horizon = horizon.filter(|(id, _)| relay.get(*id) > Time::ZERO);
                            known.horizon = horizon.collect();
                            base.insert(known.delta_since(relay)?)
                        }
                    };
                    let after = VersionVector::of(replica, relay.get(replica));
                    let upto = VersionVector::of(replica, upto);
                    pending.push(copy(base, after, upto, &|cell| {
                        (cell.stamp.replica == replica).then_some(cell)
                    })?);
                }
            }
        }
        for delta in &self.transactions {
            let is_mine = stamp(delta).is_none_or(|stamp| mine(stamp.replica));
            if is_mine && !relay.covers(delta.upto()) && pending.len() < PENDING {
                pending.push(delta.clone());
            }
        }
        Ok(pending)
    }

    /// Returns the document without the unacknowledged transactions. A storage keeps it as a
    /// snapshot, and the transactions in a log. O(cells).
    pub fn base<S: Root>(&self, doc: &Doc<S>) -> Doc<S> {
        let mut base = doc.fork(doc.replica());
        // Without base cells, the fork shares its cells with the document.
        if !self.base_cells.cells().is_empty() {
            base.put(self.base_cells.cells());
        }
        let version = self.version(doc);
        for (replica, _) in doc.version().beyond(&version).iter() {
            base.rewind(replica, version.get(replica));
        }
        base
    }
}
