//! Documents: a root CRDT with its version, its clock and its quarantine.

mod access;
mod cells;
mod check;
mod crdt_map;
mod export;
mod import;
mod join;
#[cfg(feature = "testing")]
mod joined;
mod log;
mod packing;
mod parts;
mod records;
#[doc(hidden)]
pub mod replica;
mod tagged;
#[cfg(test)]
mod tests;
mod transaction;
mod undo;
mod versioning;
mod writers;

use std::{fmt, sync::Arc};

use crate::{
    clock::{Clock, Stamp, Time},
    codec::CellWriter,
    crdt::{Applied, Changes, Quarantine, Quarantined, Root, Stable, Tombstones},
    delta::{Body, Delta, Patch, Snapshot},
    error::Error,
    id::ReplicaId,
    path::PathBuf,
    version::VersionVector,
};

pub use export::Export;
pub use import::Import;
#[cfg(feature = "testing")]
pub use joined::{OwnCell, cells_of, joined};
use log::Log;
pub use transaction::{Transaction, Tx};
use versioning::Versioning;

/// Typed state that is edited in transactions and merged with other copies.
///
/// `S` is a CRDT, usually a struct with `#[derive(Crdt)]`. Read through [`state`](Doc::state),
/// write through [`transact`](Doc::transact), which returns the [`Delta`] to store and send, and
/// join other replicas' deltas with [`apply`](Doc::apply). A document does no IO and knows no
/// peers.
///
/// The state is copy-on-write: [`shared_state`](Doc::shared_state) and [`fork`](Doc::fork) do not
/// copy it. The first write while such a copy is alive clones the state once.
///
/// ```
/// use leptos_sync_core::{Clock, Crdt, Doc, GCounter, Id, LwwMap, LwwRegister, ReplicaId};
///
/// #[derive(Crdt, Clone, Default)]
/// struct Board {
///     title: LwwRegister<String>,
///     cards: LwwMap<Id, String>,
///     moves: GCounter,
/// }
///
/// let mut ada = Doc::<Board>::new(Clock::system(ReplicaId::new(1)));
/// let mut bob = Doc::<Board>::new(Clock::system(ReplicaId::new(2)));
///
/// let milk = Id::new();
/// let written = ada.transact(|tx| {
///     tx.title().set("Groceries".to_owned());
///     tx.cards().insert(milk, "Milk".to_owned());
///     tx.moves().increment(1);
/// })?;
/// bob.apply(&written.delta)?;
/// bob.transact(|tx| tx.cards().remove(&milk))?;
/// ada.apply(&bob.delta_since(ada.version())?)?;
///
/// assert_eq!(ada.state().title.get(), "Groceries");
/// assert!(ada.state().cards.is_empty() && bob.state().cards.is_empty());
/// # Ok::<(), leptos_sync_core::Error>(())
/// ```
pub struct Doc<S> {
    state: Arc<S>,
    version: VersionVector,
    horizon: VersionVector,
    quarantine: Quarantine,
    /// The packed tombstones, which are no longer in `state`. Only documents without versions have
    /// any.
    packed: Tombstones,
    /// The greatest time of each replica's cells, which exceeds the version only if saved data was
    /// damaged.
    present: VersionVector,
    clock: Clock,
    /// The functions that keep `version`, `horizon` and `present`. There are none if the document
    /// is exchanged by positions in a relay's history, so that replicas cost nothing but their
    /// cells.
    versioning: Option<Versioning<S>>,
    /// The log of the open transaction. The first transaction creates it. Between transactions, it
    /// is empty and keeps its capacity.
    log: Option<Box<Log>>,
}

/// The parts of a document, for documents that are assembled from a storage.
pub(crate) struct Parts<S> {
    pub(crate) state: S,
    pub(crate) version: VersionVector,
    pub(crate) horizon: VersionVector,
    /// The greatest time of each replica, over its cells and the version.
    pub(crate) present: VersionVector,
    pub(crate) quarantine: Quarantine,
}

impl<S: Root> Doc<S> {
    /// Creates an empty document whose operations are stamped by `clock`.
    pub fn new(clock: Clock) -> Self {
        Self {
            versioning: Some(Versioning::KEPT),
            ..Self::without_versions(clock)
        }
    }

    /// Creates an empty document that keeps no versions. The number of replicas that write it is
    /// not limited, and a replica costs nothing but its cells.
    pub(super) fn without_versions(clock: Clock) -> Self {
        Self {
            state: Arc::new(S::default()),
            version: VersionVector::new(),
            horizon: VersionVector::new(),
            quarantine: Quarantine::default(),
            packed: Tombstones::NONE,
            present: VersionVector::new(),
            clock,
            versioning: None,
            log: None,
        }
    }

    /// Loads a document from a snapshot. O(cells).
    ///
    /// The clock advances beyond every stamp in the snapshot. Unlike
    /// [`merge_snapshot`](Doc::merge_snapshot), this does not check the drift, since the replica
    /// has accepted the data before.
    pub fn load(snapshot: &Snapshot, clock: Clock) -> Self {
        let body = snapshot.body();
        let (mut state, mut quarantine) = (S::default(), Quarantine::default());
        let nothing = VersionVector::new();
        apply(
            &mut state,
            body.patch(),
            Applied::new(&nothing, &mut quarantine, false),
        );
        let mut present = snapshot.version().clone();
        present.join(body.upto());
        let mut doc = Self {
            state: Arc::new(state),
            version: snapshot.version().clone(),
            horizon: snapshot.horizon().clone(),
            quarantine,
            packed: Tombstones::NONE,
            present,
            clock,
            versioning: Some(Versioning::KEPT),
            log: None,
        };
        doc.clock.resume(body.latest());
        doc
    }

    /// Assembles a document from parts. `clock` stamps its further operations.
    pub(crate) fn from_parts(parts: Parts<S>, mut clock: Clock) -> Self {
        clock.resume(parts.present.latest());
        Self {
            state: Arc::new(parts.state),
            version: parts.version,
            horizon: parts.horizon,
            quarantine: parts.quarantine,
            packed: Tombstones::NONE,
            present: parts.present,
            clock,
            versioning: Some(Versioning::KEPT),
            log: None,
        }
    }

    /// Returns the document's parts and its clock.
    pub(crate) fn into_parts(self) -> (Parts<S>, Clock) {
        let parts = Parts {
            state: Arc::unwrap_or_clone(self.state),
            version: self.version,
            horizon: self.horizon,
            quarantine: self.quarantine,
            present: self.present,
        };
        (parts, self.clock)
    }

    /// Returns the state for reading.
    pub fn state(&self) -> &S {
        &self.state
    }

    /// Returns a copy of the current state. O(1); see the type's documentation for the later cost.
    pub fn shared_state(&self) -> Arc<S> {
        Arc::clone(&self.state)
    }

    /// Returns the operations that the document contains.
    pub fn version(&self) -> &VersionVector {
        &self.version
    }

    /// Returns the replica id of this document's operations.
    pub fn replica(&self) -> ReplicaId {
        self.clock.replica()
    }

    /// Returns the clock that stamps this document's operations.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Changes the replica id of later operations, for example if another writer uses the old id.
    pub fn set_replica(&mut self, replica: ReplicaId) {
        if replica != self.replica() {
            self.clock = self.clock.with_replica(replica);
        }
    }

    /// Returns a stamp that no operation carries, for use as a unique name.
    pub(crate) fn next_stamp(&mut self) -> Stamp {
        self.clock.name()
    }

    /// Iterates over quarantined cells. They are stored and sent but not shown, because `S` does
    /// not have their path or their value has a wrong type.
    pub fn quarantined(&self) -> impl Iterator<Item = Quarantined<'_>> {
        self.quarantine.iter()
    }

    /// Returns a copy that is edited separately under its own replica id and can be merged back.
    ///
    /// The copy shares the state and the quarantined cells until one of the two writes them.
    /// O(replicas that wrote the document).
    #[must_use]
    pub fn fork(&self, replica: ReplicaId) -> Self {
        Self {
            state: Arc::clone(&self.state),
            version: self.version.clone(),
            horizon: self.horizon.clone(),
            quarantine: self.quarantine.clone(),
            packed: self.packed.clone(),
            present: self.present.clone(),
            clock: self.clock.with_replica(replica),
            versioning: self.versioning,
            log: None,
        }
    }

    /// Returns the cells beyond `version`. The cost is proportional to what changed, plus a step
    /// per field and per quarantined cell.
    ///
    /// # Errors
    ///
    /// - [`Error::is_snapshot_needed`] if tombstones beyond `version` were forgotten.
    /// - [`Error::is_unsupported`] if the document is exchanged with a relay and has no versions.
    pub fn delta_since(&self, version: &VersionVector) -> Result<Delta, Error> {
        if self.versioning.is_none() {
            return Err(Error::unsupported(
                "a document that a page stores and exchanges has no versions; use its snapshot",
            ));
        }
        if !version.covers(&self.horizon) {
            return Err(Error::snapshot_needed(
                "tombstones beyond the requested version were forgotten; send a snapshot instead",
            ));
        }
        let upto = self.version.difference(version);
        let after = self.taken_for_granted(version, &upto);
        Delta::write(&mut CellWriter::default(), after, upto, |out| {
            self.write_cells(version, out)
        })
    }

    /// Returns the whole state. O(cells).
    ///
    /// # Errors
    ///
    /// If a limit is exceeded, which cannot happen for data that was accepted before.
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        let nothing = VersionVector::new();
        Snapshot::write(self.version.clone(), self.horizon.clone(), |out| {
            self.write_cells(&nothing, out);
        })
    }

    /// Returns the whole state in parts of about `bytes` each. O(cells).
    pub(crate) fn snapshot_parts(&self, bytes: usize) -> Result<Vec<Snapshot>, Error> {
        let nothing = VersionVector::new();
        Snapshot::write_parts(self.version.clone(), self.horizon.clone(), bytes, |out| {
            self.write_cells(&nothing, out);
        })
    }

    /// Joins a delta and returns what changed. Cells that the document already contains change
    /// nothing. O(cells of the delta).
    ///
    /// # Errors
    ///
    /// - [`Error::is_gap`] if operations before the delta are missing.
    /// - [`Error::is_drift`] if a stamp is too far in the future.
    /// - [`Error::is_replica_reused`] if the delta contains operations of this document's replica
    ///   id that this document did not make.
    /// - [`Error::is_limit`] if the document would have operations of more than
    ///   [`limits::REPLICAS`](crate::limits::REPLICAS) replicas.
    ///
    /// An error changes nothing.
    pub fn apply(&mut self, delta: &Delta) -> Result<Changes, Error> {
        self.check_gap(delta)?;
        self.clock.check(delta.body().latest())?;
        self.check_own(delta.upto(), delta.body().upto())?;
        self.check_replicas(delta.upto(), delta.body().upto())?;
        let changes = self.absorb_body(delta.body());
        self.version.join(delta.upto());
        Ok(changes)
    }

    /// Joins another copy and returns what changed. Does not restore removed cells whose tombstones
    /// one side has forgotten. O(cells of both).
    ///
    /// # Errors
    ///
    /// [`Error::is_drift`], [`Error::is_replica_reused`] and [`Error::is_limit`] as for
    /// [`apply`](Doc::apply).
    pub fn merge(&mut self, other: &Self) -> Result<Changes, Error> {
        self.clock
            .check(other.version.latest().max(other.present.latest()))?;
        self.check_own(&other.version, &other.present)?;
        self.check_replicas(&other.version, &other.present)?;
        self.join(other)
    }

    /// Joins a snapshot of another copy, like [`merge`](Doc::merge).
    ///
    /// # Errors
    ///
    /// Those of [`merge`](Doc::merge).
    pub fn merge_snapshot(&mut self, snapshot: &Snapshot) -> Result<Changes, Error> {
        self.clock.check(snapshot.body().latest())?;
        self.merge(&Self::load(snapshot, self.clock.clone()))
    }

    /// Forgets the tombstones that `stable` contains. O(entries).
    ///
    /// `stable` must cover only removals that every replica has seen, and before which no operation
    /// is in flight. The first condition does not imply the second: an older write to the same key
    /// could arrive after the removal was forgotten, and would revive the key.
    pub fn forget_tombstones(&mut self, stable: &VersionVector) {
        // Operations that this copy has not seen are never stable.
        let stable = stable
            .iter()
            .map(|(replica, time)| (replica, time.min(self.version.get(replica))))
            .collect();
        self.forget_stable(Stable::Version(&stable));
        self.horizon.join(&stable);
    }

    /// Removes the tombstones of stable operations. O(entries).
    fn forget_stable(&mut self, stable: Stable<'_>) {
        Arc::make_mut(&mut self.state).forget_tombstones(stable);
        self.quarantine.forget_tombstones(stable);
    }

    /// Checks the invariants between the document's parts. For tests.
    ///
    /// # Panics
    ///
    /// If an invariant does not hold.
    pub fn assert_invariants(&self) {
        self.state.assert_invariants();
        self.quarantine.assert_invariants();
        self.packed.assert_invariants();
        assert!(
            self.clock.last() >= self.present.latest(),
            "the next stamp exceeds all stamps of the document"
        );
        assert!(
            self.version.covers(&self.horizon),
            "only contained tombstones are forgotten"
        );
    }

    /// Joins cells whose stamps and versions were checked, or that come from this replica's own
    /// storage.
    pub(crate) fn absorb_body(&mut self, body: &Body) -> Changes {
        self.absorb_noting(true, body)
    }

    /// Joins cells like [`absorb_body`](Doc::absorb_body), but does not collect changes. Used for
    /// loading.
    pub(crate) fn absorb_silently(&mut self, body: &Body) {
        self.absorb_noting(false, body);
    }

    fn absorb_noting(&mut self, noting: bool, body: &Body) -> Changes {
        self.clock.resume(body.latest());
        self.present.join(body.upto());
        self.absorb(noting, body.patch())
    }

    /// Joins the cells of a document without versions. Collects changes if `noting` is true.
    pub(crate) fn absorb(&mut self, noting: bool, patch: &Patch) -> Changes {
        self.clock.resume(patch.latest());
        let out = Applied::new(&self.version, &mut self.quarantine, noting);
        let out = out.with_packed(&self.packed);
        let changes = apply(Arc::make_mut(&mut self.state), patch, out);
        // A stored document has packed tombstones itself, which are loaded after its cells.
        if noting {
            self.pack_many();
        }
        changes
    }

    fn check_gap(&self, delta: &Delta) -> Result<(), Error> {
        if self.version.covers(delta.after()) {
            return Ok(());
        }
        Err(Error::gap(
            "a delta starts after operations that are missing here; request the missing operations",
        ))
    }

    /// Records that the document contains everything up to `version`, and that tombstones up to
    /// `horizon` were forgotten.
    pub(crate) fn claim(&mut self, version: &VersionVector, horizon: &VersionVector) {
        self.version.join(version);
        self.present.join(version);
        self.horizon.join(horizon);
        self.clock.resume(version.latest());
    }

    /// Returns the operations on which a delta from `version` to `upto` relies.
    ///
    /// The delta omits cells that the receiver has. Such a cell may have replaced an operation that
    /// is not later than `upto`, and is itself later than that operation. So the delta does not
    /// rely on times before its first operation.
    fn taken_for_granted(&self, version: &VersionVector, upto: &VersionVector) -> VersionVector {
        let starts = upto.iter().map(|(replica, _)| version.get(replica));
        let first = starts.min().unwrap_or(Time::new(u64::MAX));
        let known = |replica, time: Time| time.min(version.get(replica));
        self.version
            .iter()
            .map(|(replica, time)| (replica, known(replica, time)))
            .filter(|&(replica, time)| time > first || upto.get(replica) > Time::ZERO)
            .collect()
    }

    fn write_cells(&self, since: &VersionVector, out: &mut CellWriter) {
        self.state.write_cells(&mut PathBuf::new(), since, out);
        self.quarantine.write_cells(since, out);
        self.packed.write_cells(since, out);
    }
}

/// Joins the cells of `patch` into `state`.
fn apply<S: Root>(state: &mut S, patch: &Patch, mut out: Applied<'_>) -> Changes {
    patch.cells().for_each_group(|group| {
        state.apply_group(group.parent().segments(), group, &mut out);
    });
    out.finish()
}

impl<S: fmt::Debug> fmt::Debug for Doc<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doc")
            .field("state", &self.state)
            .field("version", &self.version)
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}
