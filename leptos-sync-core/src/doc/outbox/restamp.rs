use super::{Outbox, copy::copy, stamp};
use crate::{
    clock::{Stamp, Time, Window},
    codec::CellRef,
    crdt::{Changes, Root},
    delta::Delta,
    doc::Doc,
    error::Error,
    id::ReplicaId,
    version::VersionVector,
};

/// A transaction that has another stamp than before. Of several, all are replaced at once: the new stamp of one may be the
/// old stamp of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restamped {
    /// The version that it led to.
    pub replaced: VersionVector,
    /// The transaction as it is now.
    pub delta: Delta,
}

impl Outbox {
    /// Stamps anew what the relay would refuse for its time, and what was written after it under the same replica ids, of those
    /// that are `mine` to send for. Nobody outside this browser has seen it. The document's clock goes on after what remains. Returns what was
    /// stamped anew, in order, for the storage and the other tabs to [`replace`](Outbox::replace), and what changed.
    /// O(cells of all transactions).
    ///
    /// It is the one thing that takes a clock back: its source should tell the relay's time by then.
    ///
    /// # Errors
    ///
    /// None that a transaction which was written once could cause again; nothing has changed then.
    pub fn restamp<S: Root>(
        &mut self,
        doc: &mut Doc<S>,
        window: Window,
        mine: impl Fn(ReplicaId) -> bool,
    ) -> Result<(Vec<Restamped>, Changes), Error> {
        let mut outside = VersionVector::new();
        for stamp in self.transactions.iter().filter_map(stamp) {
            if !window.has(stamp.time) && mine(stamp.replica) {
                outside.include(stamp.replica, stamp.time);
            }
        }
        if outside.is_empty() {
            return Ok((Vec::new(), Changes::new()));
        }
        let affected = |replica| outside.get(replica) > Time::ZERO;
        let mut ends = VersionVector::new();
        // What remains: others' operations, and of these replicas what is acknowledged.
        let mut last = Time::ZERO;
        for (replica, time) in doc.version().iter() {
            if affected(replica) {
                ends.include(replica, self.acknowledged.get(replica));
            } else {
                last = last.max(time);
            }
        }
        last = last.max(ends.latest());
        let mut restamped = Vec::new();
        for delta in &self.transactions {
            let Some(old) = stamp(delta).filter(|stamp| affected(stamp.replica)) else {
                continue;
            };
            last = last.next().max(Time::from_ms(window.now_ms));
            let new = Stamp::new(last, old.replica);
            restamped.push(Restamped {
                replaced: delta.upto().clone(),
                delta: stamped(delta, ends.get(old.replica), new)?,
            });
            ends.include(old.replica, last);
        }
        let changes = self.replace(doc, &restamped);
        doc.set_clock_back(last);
        Ok((restamped, changes))
    }

    /// Puts transactions that were stamped anew, here or in another tab, in the place of what they were. O(cells of all
    /// transactions).
    pub fn replace<S: Root>(&mut self, doc: &mut Doc<S>, restamped: &[Restamped]) -> Changes {
        let mut paths = Vec::new();
        let mut ends = VersionVector::new();
        // Looked for before any is put in place: one's new stamp may be another's old one.
        let places: Vec<_> = restamped
            .iter()
            .map(|one| {
                self.transactions
                    .iter()
                    .position(|known| *known.upto() == one.replaced)
            })
            .collect();
        for (Restamped { delta, .. }, place) in restamped.iter().zip(places) {
            let Some(known) = place.and_then(|place| self.transactions.get_mut(place)) else {
                continue;
            };
            if let Some(is) = stamp(delta) {
                // The first of a replica's says where its operations begin that are stamped anew.
                if ends.get(is.replica) == Time::ZERO {
                    doc.rewind(is.replica, delta.after().get(is.replica));
                }
                ends.include(is.replica, is.time);
                for path in known.cells().paths() {
                    if self.below.is_first(&path) {
                        paths.push(path);
                    }
                }
            }
            known.clone_from(delta);
        }
        // All of them: what had lost may win under its new stamp.
        self.below.unmark(&paths);
        let changes = self.restore(doc, &paths, 1);
        doc.claim(&ends, &VersionVector::new());
        // The clock followed the stamps that are gone.
        doc.set_clock_back(Time::ZERO);
        changes
    }
}

/// The same cells under another stamp.
fn stamped(delta: &Delta, after: Time, stamp: Stamp) -> Result<Delta, Error> {
    let after = VersionVector::of(stamp.replica, after);
    let upto = VersionVector::of(stamp.replica, stamp.time);
    copy(delta, after, upto, |cell| Some(CellRef { stamp, ..cell }))
}
