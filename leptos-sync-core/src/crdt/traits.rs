use std::hash::Hash;

use serde::{Serialize, de::DeserializeOwned};

use super::{Applied, Join};
use crate::{
    clock::Stamp,
    codec::{CellRef, CellWriter, Group},
    path::{PathBuf, Segments},
    version::VersionVector,
};

/// A type whose copies can be edited apart and always merge to the same state.
///
/// Every implementation is a typed view over last-writer-wins cells: in memory it holds native values; its cells are
/// what is stored and sent. [`LwwRegister`](super::LwwRegister), [`LwwMap`](super::LwwMap),
/// [`GCounter`](super::GCounter) and [`PnCounter`](super::PnCounter) implement it, and `#[derive(Crdt)]` implements
/// it for a struct whose fields do. It knows neither its own path nor the time; both are handed in.
///
/// # Laws
///
/// For all states `a`, `b`, `c` that arose from operations with stamps, where `⊔` is [`merge`](Crdt::merge):
///
/// - commutative: `a ⊔ b == b ⊔ a`; associative: `(a ⊔ b) ⊔ c == a ⊔ (b ⊔ c)`; idempotent: `a ⊔ a == a`;
/// - the default is the identity: `a ⊔ default == a`;
/// - a state is its cells: applying the cells of `a` to a default gives `a`, and applying them to `b` gives `a ⊔ b`,
///   in any order, any number of times;
/// - a delta is enough: where `b` contains everything up to a version, the cells of `a` beyond that version, applied
///   to `b`, give `a ⊔ b`.
///
/// Stamps are unique where replica ids are; the laws also hold where one was used twice, since cells with equal stamps
/// are ordered by their bytes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a CRDT",
    label = "not a CRDT",
    note = "keep a plain value in a register, `LwwRegister<{Self}>`; keep a struct of CRDTs as it \
            is and derive `Crdt` for it"
)]
pub trait Crdt: Clone + Default + Send + Sync + 'static {
    /// A fingerprint of the type, which `#[derive(Crdt)]` makes of its fields' names and types. It is told to whoever decides
    /// who may open a document; nothing else depends on it.
    const SCHEMA: u64 = 0;

    /// Joins another copy's state into this one: afterwards both copies' operations are contained.
    fn merge(&mut self, other: &Self);

    /// Writes every cell whose stamp `since` does not contain. `path` is where this value stands; it is given back
    /// unchanged.
    ///
    /// Costs what it writes, as long as each replica's stamps arrived in rising order, which documents ensure; a
    /// record adds a step a field, a counter a step a replica.
    fn write_cells(&self, path: &mut PathBuf, since: &VersionVector, out: &mut CellWriter);

    /// Joins the one cell that stands exactly at this value's path. Only a register has one; others pass it on.
    fn apply_cell(&mut self, group: &Group<'_>, cell: CellRef<'_>, out: &mut Applied<'_>) {
        out.unknown(group, cell);
    }

    /// Joins a group of cells that stand below this value's path. `rest` is what lies between: the group's parent,
    /// without this value's path.
    fn apply_group(&mut self, rest: Segments<'_>, group: &Group<'_>, out: &mut Applied<'_>) {
        let _ = rest;
        out.unknown_group(group);
    }

    /// Joins another copy whose version is known, so that what one of the two has forgotten is not brought back.
    fn join(&mut self, other: &Self, join: &mut Join<'_>);

    /// The cell that stands at `rest`, tombstones included. Its value's bytes are put into `value`, in place of what is there.
    ///
    /// One look-up, and what it costs to encode the value.
    fn cell_at<'a>(&self, rest: Segments<'_>, value: &'a mut Vec<u8>) -> Option<OldCell<'a>>;

    /// Puts the cell at `rest` back to what it was, whatever stands there now; `None` as if it never was.
    ///
    /// The one operation that is not a join: a transaction that fails is taken back with it, and what another copy has
    /// forgotten leaves.
    fn restore(&mut self, rest: Segments<'_>, old: Option<OldCell<'_>>);

    /// Forgets tombstones that `stable` contains.
    fn forget_tombstones(&mut self, stable: &VersionVector);

    /// Checks what must hold between this value's parts.
    ///
    /// # Panics
    ///
    /// When it does not hold. For tests.
    fn assert_invariants(&self) {}
}

/// A cell as it stands, or stood before a transaction.
#[derive(Clone, Copy, Debug)]
pub struct OldCell<'a> {
    /// When and by whom it was written.
    pub stamp: Stamp,
    /// Its encoded value, `None` for a tombstone.
    pub value: Option<&'a [u8]>,
    /// Where a map had it in the order of writing, so that it returns there.
    pub(crate) place: Place,
}

/// Where an entry stands in the order of writing: behind this slot, or first. Others than maps have none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place(pub(crate) Option<u32>);

/// An [`OldCell`] whose value is kept elsewhere, together with others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SavedCell {
    pub(crate) stamp: Stamp,
    /// Whether it has a value.
    pub(crate) live: bool,
    pub(crate) place: Place,
}

impl SavedCell {
    /// A live cell of a type that keeps no order.
    pub(crate) fn live(stamp: Stamp) -> Self {
        Self {
            stamp,
            live: true,
            place: Place::default(),
        }
    }

    /// The cell with its value.
    pub(crate) fn with(self, value: &[u8]) -> OldCell<'_> {
        OldCell {
            stamp: self.stamp,
            value: self.live.then_some(value),
            place: self.place,
        }
    }
}

/// A CRDT that can be the whole of a document: its cells stand below it, under names of their own.
///
/// A register alone is not one: its cell would have no name. Put it into a record.
pub trait Root: Crdt {}

/// What a map's keys must be. Implemented for every type that qualifies.
pub trait Key: Clone + Eq + Hash + Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Clone + Eq + Hash + Serialize + DeserializeOwned + Send + Sync + 'static> Key for T {}

/// What a register or a map can hold. Implemented for every type that qualifies.
pub trait Value: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static> Value for T {}
