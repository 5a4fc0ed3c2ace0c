use std::{
    borrow::Cow,
    collections::{BinaryHeap, HashSet},
};

use super::LwwMap;
use crate::{
    clock::Stamp,
    codec::{CellRef, CellWriter},
    path::{Path, PathBuf},
    version::VersionVector,
};

/// Cells that a typed view cannot take, kept as they are: at paths it does not know, or with bytes that are not of
/// the path's type.
///
/// They are stored and passed on like all others, so that an old build never destroys a newer build's data. At one
/// path there is either a cell here or one in the typed view, never both: whichever won.
///
/// Mostly there is none, so that the map is made with the first.
#[derive(Clone, Default)]
pub(crate) struct Quarantine(Option<Box<LwwMap<PathBuf, Held>>>);

#[derive(Clone)]
struct Held {
    value: Option<Vec<u8>>,
    reason: Option<Cow<'static, str>>,
}

/// A cell that is kept but not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quarantined<'a> {
    /// Where it stands.
    pub path: Path<'a>,
    /// When and by whom it was written.
    pub stamp: Stamp,
    /// Its bytes, `None` for a tombstone.
    pub value: Option<&'a [u8]>,
    /// Why its bytes were refused; `None` where the path is not known to this build.
    pub reason: Option<&'a str>,
}

impl Quarantine {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|cells| cells.is_empty())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Quarantined<'_>> {
        let everything = const { &VersionVector::new() };
        let cells = self.0.iter();
        cells
            .flat_map(|cells| cells.changes_since(everything))
            .filter_map(|(path, stamp, held)| {
                let held = held?;
                Some(Quarantined {
                    path: path.as_path(),
                    stamp,
                    value: held.value.as_deref(),
                    reason: held.reason.as_deref(),
                })
            })
    }

    /// Takes a cell in, in place of an older one at its path.
    pub(crate) fn keep(
        &mut self,
        parent: Path<'_>,
        cell: CellRef<'_>,
        reason: Option<Cow<'static, str>>,
    ) {
        let held = Held {
            value: cell.value.map(<[u8]>::to_vec),
            reason,
        };
        let cells = self.0.get_or_insert_default();
        cells.insert(cell.path(parent), held, cell.stamp);
    }

    /// Whether the cell at its path is here and not older than `cell`. One that is older leaves: the typed view is
    /// next to try.
    pub(crate) fn withstands(&mut self, parent: Path<'_>, cell: CellRef<'_>) -> bool {
        let path = cell.path(parent);
        let found = self
            .0
            .as_ref()
            .and_then(|cells| cells.stamp(&path).zip(cells.get(&path)));
        let Some((stamp, held)) = found else {
            return false;
        };
        let withstands = (cell.stamp, cell.value) <= (stamp, held.value.as_deref());
        if !withstands {
            self.remove(&path);
        }
        withstands
    }

    /// Lets the cell at `path` go, if there is one: a newer one stands in the typed view.
    pub(crate) fn remove(&mut self, path: &PathBuf) {
        if let Some(cells) = &mut self.0 {
            cells.take(path);
        }
    }

    /// Lets go what `theirs`, who has seen it, no longer has at any of `paths`.
    pub(crate) fn remove_forgotten(&mut self, theirs: &VersionVector, paths: &HashSet<PathBuf>) {
        self.remove_where(|held| {
            theirs.contains(held.stamp) && !paths.contains(&held.path.to_owned())
        });
    }

    /// Forgets the tombstones that `stable` contains, as the typed views do: whoever knows their types forgets them too.
    pub(crate) fn forget_tombstones(&mut self, stable: &VersionVector) {
        self.remove_where(|held| held.value.is_none() && stable.contains(held.stamp));
    }

    fn remove_where(&mut self, gone: impl Fn(&Quarantined<'_>) -> bool) {
        let gone = self.iter().filter(gone).map(|held| held.path.to_owned());
        for path in gone.collect::<Vec<_>>() {
            self.remove(&path);
        }
    }

    /// In the order of paths: that of arrival depends on how operations were put together on their way here.
    pub(crate) fn write_cells(&self, since: &VersionVector, out: &mut CellWriter) {
        let Some(cells) = &self.0 else {
            return;
        };
        let paths: BinaryHeap<_> = cells.changes_since(since).map(|cell| cell.0).collect();
        for path in paths.into_sorted_vec() {
            let cell = cells.stamp(path).zip(cells.get(path));
            if let (Some((parent, key)), Some((stamp, held))) = (path.as_path().split_last(), cell)
            {
                out.group(parent);
                out.copy(CellRef {
                    key,
                    stamp,
                    value: held.value.as_deref(),
                });
            }
        }
    }

    pub(crate) fn assert_invariants(&self) {
        if let Some(cells) = &self.0 {
            cells.assert_invariants();
        }
    }
}
