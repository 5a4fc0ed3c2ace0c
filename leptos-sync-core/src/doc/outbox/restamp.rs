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
    /// Stamps anew what the relay would refuse for its time, and what was written after it under
    /// the same replica ids, of those that are `mine` to send for; also what follows something of
    /// theirs that is in no transaction and that the relay would refuse: it is not held up by that,
    /// which stays here. Nobody outside this browser has seen it. What others have beyond the
    /// window does not count: whoever sends that stamps it anew too. Returns what was stamped anew,
    /// in order, for the storage and the other tabs to [`replace`](Outbox::replace), and what
    /// changed. O(cells of all transactions).
    ///
    /// It is the one thing that takes a clock back: its source should tell the relay's time by
    /// then.
    ///
    /// # Errors
    ///
    /// [`Error::is_clock`] when the relay's time is not in milliseconds; nothing has changed then.
    pub fn restamp<S: Root>(
        &mut self,
        doc: &mut Doc<S>,
        window: Window,
        mine: impl Fn(ReplicaId) -> bool,
    ) -> Result<(Vec<Restamped>, Changes), Error> {
        // A relay whose clock has another unit would take all stamps that are left.
        Time::try_from_ms(window.now_ms)?;
        let settled = self.version(doc);
        // Where the transactions of each replica begin. What no relay has seen and none would take
        // does not hold them up.
        let mut ends = VersionVector::new();
        // What lies beyond the window would take new stamps there too.
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
        for delta in &self.transactions {
            if let Some(stamp) = stamp(delta)
                && mine(stamp.replica)
                && (!window.has(stamp.time) || ends.get(stamp.replica) < settled.get(stamp.replica))
            {
                outside.include(stamp.replica, stamp.time);
            }
        }
        if outside.is_empty() {
            return Ok((Vec::new(), Changes::new()));
        }
        let mut restamped = Vec::new();
        for delta in &self.transactions {
            let Some(Stamp { mut time, replica }) = stamp(delta) else {
                continue;
            };
            if outside.get(replica) > Time::ZERO {
                // Above all that the relay has of its replica, even where it would not take that
                // now.
                let end = ends.get(replica);
                time = last.max(end).next().max(Time::from_ms(window.now_ms));
                restamped.push(Restamped {
                    replaced: delta.upto().clone(),
                    delta: stamped(delta, end, Stamp::new(time, replica))?,
                });
                ends.include(replica, time);
            }
            if window.has(time) {
                last = last.max(time);
            }
        }
        let changes = self.replace(doc, &restamped);
        Ok((restamped, changes))
    }

    /// Puts transactions that were stamped anew, here or in another tab, in the place of what they
    /// were. O(cells of all transactions).
    pub fn replace<S: Root>(&mut self, doc: &mut Doc<S>, restamped: &[Restamped]) -> Changes {
        let mut cells = Quarantine::default();
        let mut ends = VersionVector::new();
        // Each transaction is looked at once: its new stamp may be another's old one.
        for known in &mut self.transactions {
            let mut all = restamped.iter();
            let Some(one) = all.find(|one| one.replaced == *known.upto()) else {
                continue;
            };
            let delta = &one.delta;
            if let Some(is) = stamp(delta) {
                // The first of a replica's says where its operations begin that are stamped anew.
                if ends.get(is.replica) == Time::ZERO {
                    doc.rewind(is.replica, delta.after().get(is.replica));
                }
                ends.include(is.replica, is.time);
            }
            // All of them: what had lost may win under its new stamp.
            let each = &mut |parent: Path<'_>, cell: CellRef<'_>| {
                self.base_cells.add_to(&mut cells, cell.path(parent));
            };
            delta.cells().for_each(each);
            known.clone_from(delta);
        }
        let changes = self.restore(doc, cells);
        doc.claim(&ends, &VersionVector::new());
        // The clock followed the stamps that are gone.
        doc.set_clock_back();
        changes
    }
}

/// The same cells under another stamp.
fn stamped(delta: &Delta, after: Time, stamp: Stamp) -> Result<Delta, Error> {
    let after = VersionVector::of(stamp.replica, after);
    let upto = VersionVector::of(stamp.replica, stamp.time);
    copy(delta, after, upto, &|cell| Some(CellRef { stamp, ..cell }))
}
