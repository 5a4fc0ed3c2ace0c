use std::hash::Hash;

use serde::{Serialize, de::DeserializeOwned};

use super::{Applied, Join, Stable, TagNames};
use crate::{
    clock::Stamp,
    codec::{CellRef, CellWriter, Group},
    path::{Path, PathBuf, Segments},
    version::VersionVector,
};

/// A type whose copies can be edited concurrently and always converge.
///
/// Every implementation is a typed view over last-writer-wins cells: it holds native values in
/// memory, and its cells are stored and sent. [`LwwRegister`](super::LwwRegister),
/// [`LwwMap`](super::LwwMap), [`OrSet`](super::OrSet), [`MvRegister`](super::MvRegister),
/// [`GCounter`](super::GCounter) and [`PnCounter`](super::PnCounter) implement it; `#[derive(Crdt)]` implements it for a struct of CRDTs. A CRDT knows neither its
/// path nor the time; callers pass both.
///
/// Do not implement it by hand. Its other methods are hidden and may change in any release, since
/// only documents, storage and the derive use them.
///
/// # Laws
///
/// For all states `a`, `b`, `c` that result from operations with stamps, where `⊔` is
/// [`merge`](Crdt::merge):
///
/// - Commutative: `a ⊔ b == b ⊔ a`. Associative: `(a ⊔ b) ⊔ c == a ⊔ (b ⊔ c)`. Idempotent: `a ⊔ a
///   == a`.
/// - The default is the identity: `a ⊔ default == a`.
/// - A state equals its cells: applying the cells of `a` to the default gives `a`, and applying
///   them to `b` gives `a ⊔ b`, in any order and any number of times.
/// - A delta suffices: if `b` contains everything up to a version, applying the cells of `a` beyond
///   that version to `b` gives `a ⊔ b`.
///
/// Stamps are unique if replica ids are unique. The laws hold even if an id was used twice, since
/// the bytes of cells with equal stamps decide which one wins.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a CRDT",
    label = "not a CRDT",
    note = "keep a plain value in a register, `LwwRegister<{Self}>`; keep a struct of CRDTs as it \
            is and derive `Crdt` for it"
)]
pub trait Crdt: Clone + Default + Send + Sync + 'static {
    /// The fingerprint of the type, which `#[derive(Crdt)]` computes from its fields' names and
    /// types. A relay passes it to its authorizer. Nothing else depends on it.
    #[doc(hidden)]
    const SCHEMA: u64 = 0;

    /// Joins another copy into this one. Afterwards this copy contains the operations of both.
    fn merge(&mut self, other: &Self);

    /// Writes every cell whose stamp `since` does not contain. `path` is the path of this value,
    /// and is unchanged on return.
    ///
    /// The cost is proportional to the cells that it writes, if each replica's stamps arrived in
    /// order, which documents ensure. A record adds a step per field, a counter a step per replica.
    #[doc(hidden)]
    fn write_cells(&self, path: &mut PathBuf, since: &VersionVector, out: &mut CellWriter);

    /// Writes the cells that one transaction wrote to one part: a register, a map, or one cell of a
    /// counter. These cells carry `stamp`, and no transaction is later.
    ///
    /// `path` is the path of the part, and `rest` is the part of `path` below this value. O(cells
    /// written and segments of `rest`).
    fn write_stamped(&self, rest: Segments<'_>, path: Path<'_>, stamp: Stamp, out: &mut CellWriter);

    /// Joins the cell at exactly this value's path. Only a register has one; other types quarantine
    /// it.
    #[doc(hidden)]
    fn apply_cell(&mut self, group: &Group<'_>, cell: CellRef<'_>, out: &mut Applied<'_>) {
        out.unknown(group, cell);
    }

    /// Joins a group of cells below this value's path. `rest` is the group's parent relative to
    /// this value.
    #[doc(hidden)]
    fn apply_group(&mut self, rest: Segments<'_>, group: &Group<'_>, out: &mut Applied<'_>) {
        let _ = rest;
        out.unknown_group(group);
    }

    /// Joins another copy with a known version. Does not restore removed cells whose tombstones one
    /// of the two has forgotten.
    #[doc(hidden)]
    fn join(&mut self, other: &Self, join: &mut Join<'_>);

    /// Returns the cell at `rest`, including tombstones. Replaces the content of `value` with its
    /// encoded value.
    ///
    /// Costs one look-up and the encoding of the value.
    #[doc(hidden)]
    fn cell_at<'a>(&self, rest: Segments<'_>, value: &'a mut Vec<u8>) -> Option<OldCell<'a>>;

    /// Restores the cell at `rest` to an earlier state; `None` removes it.
    ///
    /// This is the only operation that is not a join. It rolls back failed transactions, and
    /// removes cells whose tombstones another copy has forgotten.
    #[doc(hidden)]
    fn restore(&mut self, rest: Segments<'_>, old: Option<OldCell<'_>>);

    /// Forgets the tombstones that `stable` contains.
    #[doc(hidden)]
    fn forget_tombstones(&mut self, stable: Stable<'_>);

    /// Returns the number of tombstones that [`take_tombstones`](Crdt::take_tombstones) would
    /// move. O(fields).
    #[doc(hidden)]
    fn tombstones(&self) -> usize {
        0
    }

    /// Passes every tombstone to `out` and removes it from this value. The document keeps it from
    /// then on. `path` is the path of this value, and is unchanged on return. O(entries).
    #[doc(hidden)]
    fn take_tombstones(&mut self, path: &mut PathBuf, out: &mut dyn FnMut(PathBuf, Stamp)) {
        let _ = (path, out);
    }

    /// Checks the invariants between this value's parts. For tests.
    ///
    /// # Panics
    ///
    /// If an invariant does not hold.
    #[doc(hidden)]
    fn assert_invariants(&self) {}
}

/// The state of a cell at an earlier moment, such as before a transaction.
#[derive(Clone, Copy, Debug)]
pub struct OldCell<'a> {
    /// The stamp of the write.
    pub stamp: Stamp,
    /// The encoded value, or `None` for a tombstone.
    pub value: Option<&'a [u8]>,
    /// The cell's position in a map's order of writes, so that a rollback can restore it.
    pub(crate) place: Place,
    /// Whether the cell is the share of its writer in a counter.
    pub(crate) is_count: bool,
    /// The functions that rename the tag at the end of the cell's key, if there is one.
    pub(crate) tags: Option<&'static TagNames>,
}

/// The position of an entry in the order of writes: the slot before it, if any. Only maps use it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place(pub(crate) Option<u32>);

/// An [`OldCell`] whose value is stored in a buffer with those of other cells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SavedCell {
    pub(crate) stamp: Stamp,
    /// Whether the cell has a value.
    pub(crate) live: bool,
    pub(crate) place: Place,
    pub(crate) is_count: bool,
    pub(crate) tags: Option<&'static TagNames>,
}

impl SavedCell {
    /// Creates a live cell of a type without an order of writes.
    pub(crate) fn live(stamp: Stamp) -> Self {
        Self {
            stamp,
            live: true,
            place: Place::default(),
            is_count: false,
            tags: None,
        }
    }

    /// Creates the cell of a counter.
    pub(crate) fn count(stamp: Stamp) -> Self {
        Self {
            is_count: true,
            ..Self::live(stamp)
        }
    }

    /// Adds the value to the cell.
    pub(crate) fn with(self, value: &[u8]) -> OldCell<'_> {
        OldCell {
            stamp: self.stamp,
            value: self.live.then_some(value),
            place: self.place,
            is_count: self.is_count,
            tags: self.tags,
        }
    }
}

/// A CRDT that can be the state of a whole document, since each of its cells has a name.
///
/// A register alone is not a root, since its cell has no name. Put it into a record.
pub trait Root: Crdt {}

/// The requirements on map keys. Implemented for every type that meets them.
///
/// Equal keys must encode to equal bytes, because replicas and relays identify an entry by the
/// bytes of its key. Types that derive these traits meet this, and so do floats. A type with
/// case-insensitive equality does not; normalize the case of such keys first. A transaction rejects
/// a key that differs once it is read back, such as one with a `#[serde(skip)]` field. The other
/// requirements are those of a [`Value`].
pub trait Key: Clone + Eq + Hash + Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Clone + Eq + Hash + Serialize + DeserializeOwned + Send + Sync + 'static> Key for T {}

/// The requirements on values in registers and maps. Implemented for every type that meets them.
///
/// A transaction rejects a value that could not be read back, with an error whose
/// [`is_value`](crate::Error::is_value) is true. This affects types with serde's attributes `tag`,
/// `content`, `untagged`, `flatten` and `skip_serializing_if`, implementations of `Serialize` and
/// `Deserialize` that disagree, and hashed collections (`HashMap`, `HashSet`), which have no order:
/// use `BTreeMap` and `BTreeSet` within values. The check encodes the value, decodes it, and
/// encodes it again. Scalars, strings, and options and vectors of them need no check.
///
/// If a value was written as another type, a build that reads it converts or quarantines it. It
/// converts integers to any integer type that can hold them, and `T` to `Option<T>`.
/// `docs/format.md` lists the changes that are always detected.
#[diagnostic::on_unimplemented(
    note = "a CRDT is not a value: instead of a map of records, use a map for each field of the record",
    note = "another type needs `Clone`, and `Serialize` and `Deserialize` of serde"
)]
pub trait Value: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {}

// Otherwise the compiler would suggest to derive `Serialize` for a CRDT.
#[diagnostic::do_not_recommend]
impl<T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static> Value for T {}
