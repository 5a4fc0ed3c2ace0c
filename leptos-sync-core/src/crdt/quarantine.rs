use std::{borrow::Cow, collections::BinaryHeap};

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
#[derive(Clone, Default)]
pub(crate) struct Quarantine(LwwMap<PathBuf, Held>);

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
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Quarantined<'_>> {
        let everything = const { &VersionVector::new() };
        self.0
            .changes_since(everything)
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
        self.0.insert(cell.path(parent), held, cell.stamp);
    }

    /// Whether the cell at its path is here and not older than `cell`. One that is older leaves: the typed view is
    /// next to try.
    pub(crate) fn withstands(&mut self, parent: Path<'_>, cell: CellRef<'_>) -> bool {
        let path = cell.path(parent);
        let Some(held) = self.0.get(&path) else {
            return false;
        };
        let stamp = self.0.stamp(&path).unwrap_or_default();
        let withstands = (cell.stamp, cell.value) <= (stamp, held.value.as_deref());
        if !withstands {
            self.remove(&path);
        }
        withstands
    }

    /// Lets the cell at `path` go. Returns whether there was one.
    pub(crate) fn remove(&mut self, path: &PathBuf) -> bool {
        self.0.take(path).is_some()
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
        let paths: BinaryHeap<_> = self.0.changes_since(since).map(|cell| cell.0).collect();
        for path in paths.into_sorted_vec() {
            let cell = self.0.stamp(path).zip(self.0.get(path));
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
        self.0.assert_invariants();
    }
}
