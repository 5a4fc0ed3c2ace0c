use super::{Outbox, copy::copy, stamp};
use crate::{
    clock::{Stamp, Time, Window},
    codec::CellRef,
    crdt::{Changes, Quarantine, Root},
    delta::{Delta, Restamped},
    doc::Doc,
    error::Error,
    id::ReplicaId,
    path::Path,
    version::VersionVector,
};

impl Outbox {
    /// Restamps transactions that the relay would reject for their stamps, of the replicas for
    /// which this page sends (`mine`).
    ///
    /// Later transactions of the same replicas are restamped too. So are transactions that follow
    /// operations which belong to no transaction and which the relay would reject. Those operations
    /// stay on this device and do not block the others. No replica outside this browser has seen
    /// any of these transactions. Operations of other tabs beyond the window are ignored, since
    /// those tabs restamp them.
    ///
    /// Returns the restamped transactions in order, with which the storage and the other tabs
    /// [`replace`](Outbox::replace) theirs, and the changes of the document. O(cells of all
    /// transactions).
    ///
    /// This is the only operation that sets a clock back. Before the call, the clock's source
    /// should return the relay's time.
    ///
    /// # Errors
    ///
    /// [`Error::is_clock`] if the relay's time is not in milliseconds. An error changes nothing.
    pub fn restamp<S: Root>(
        &mut self,
        doc: &mut Doc<S>,
        window: Window,
        mine: impl Fn(ReplicaId) -> bool,
    ) -> Result<(Vec<Restamped>, Changes), Error> {
        // A relay's clock with another unit would use up all remaining stamps.
        Time::try_from_ms(window.now_ms)?;
        let settled = self.version(doc);
        // Find the start of each replica's transactions. Operations that no relay has and none
        // would accept do not hold them up.
        let mut ends = VersionVector::new();
        // Ignore operations beyond the window. Otherwise, new stamps would be beyond it too.
        let mut last = Time::ZERO;
        for (replica, _) in doc.version().iter() {
            let mut end = settled.get(replica);
            if !window.has(end) {
                end = self.acknowledged.get(replica);
            }
            ends.include(replica, end);
            if window.has(end) {
                last = last.max(end);
            }
        }
        let mut outside = VersionVector::new();
        // The relay accepts transactions in this order, so each may follow the one before.
        let mut accepted = window;
        for delta in &self.transactions {
            let Some(stamp) = stamp(delta) else {
                continue;
            };
            let is_held_up = ends.get(stamp.replica) < settled.get(stamp.replica);
            if mine(stamp.replica) && (!accepted.has(stamp.time) || is_held_up) {
                outside.include(stamp.replica, stamp.time);
            } else if accepted.has(stamp.time) {
                accepted.accept(stamp.time);
            }
        }
        if outside.is_empty() {
            return Ok((Vec::new(), Changes::new()));
        }
        let mut restamped = Vec::new();
        let mut accepted = window;
        for delta in &self.transactions {
            let Some(Stamp { mut time, replica }) = stamp(delta) else {
                continue;
            };
            if outside.get(replica) > Time::ZERO {
                // Start after everything that the relay has of the replica, even if it would no
                // longer accept those operations.
                let end = ends.get(replica);
                time = last.max(end).next().max(Time::from_ms(window.now_ms));
                restamped.push(Restamped {
                    replaced: delta.upto().clone(),
                    delta: stamped(delta, end, Stamp::new(time, replica))?,
                });
                ends.include(replica, time);
            }
            if accepted.has(time) {
                accepted.accept(time);
                last = last.max(time);
            }
        }
        let changes = self.replace(doc, &restamped);
        Ok((restamped, changes))
    }

    /// Replaces transactions with their versions restamped by this or another tab. O(cells of all
    /// transactions).
    pub fn replace<S: Root>(&mut self, doc: &mut Doc<S>, restamped: &[Restamped]) -> Changes {
        let mut cells = Quarantine::default();
        let mut ends = VersionVector::new();
        // Each transaction is visited once, since its new stamp may be another's old one.
        for known in &mut self.transactions {
            let mut all = restamped.iter();
            let Some(one) = all.find(|one| one.replaced == *known.upto()) else {
                continue;
            };
            let delta = &one.delta;
            if let Some(is) = stamp(delta) {
                // The first restamped transaction of a replica determines where its operations
                // begin now.
                if ends.get(is.replica) == Time::ZERO {
                    doc.rewind(is.replica, delta.after().get(is.replica));
                }
                ends.include(is.replica, is.time);
            }
            // Restore all cells, since one that had lost may win with its new stamp.
            let each = &mut |parent: Path<'_>, cell: CellRef<'_>| {
                self.base_cells.add_to(&mut cells, cell.path(parent));
            };
            delta.cells().for_each(each);
            known.clone_from(delta);
        }
        let changes = self.restore(doc, cells);
        doc.claim(&ends, &VersionVector::new());
        // The clock is still ahead of the replaced stamps.
        doc.set_clock_back();
        changes
    }
}

/// Returns the same cells with another stamp.
fn stamped(delta: &Delta, after: Time, stamp: Stamp) -> Result<Delta, Error> {
    let after = VersionVector::of(stamp.replica, after);
    let upto = VersionVector::of(stamp.replica, stamp.time);
    copy(delta, after, upto, &|cell| Some(CellRef { stamp, ..cell }))
}
