//! Tombstones outside the typed views, in a few bytes each.

mod records;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use self::records::{Cursor, Records};
use super::{Quarantine, Stable};
use crate::{
    clock::{Stamp, Time},
    codec::{
        CellRef, CellWriter,
        envelope::{self, Kind},
    },
    error::Error,
    path::Path,
    version::VersionVector,
};

/// Tombstones that no typed view holds.
///
/// In a map, a tombstone takes as much memory as an entry with a value, although nobody reads it:
/// it only has to win over older cells. So the document of a page moves its tombstones here once
/// there are many. They are sorted by path and encoded, in blocks of about 512 bytes:
///
/// ```text
/// record = shared varint, rest << 2 | form varint, the rest of the path, [stamp]
///
/// titles/a7  @5 by r1      0, 9 << 2 | 2, titles/a7, r1, 5
/// titles/a8  @5 by r1      8, 1 << 2 | 0, 8                    the stamp is the same
/// titles/b1  @9 by r1      7, 2 << 2 | 1, b1, +4               the replica is the same
/// ```
///
/// A look-up finds the block by binary search and reads half of it on average. Each change rewrites
/// all tombstones, so changes are batched. A tombstone whose key was written again therefore stays
/// until the next rewrite; it is ignored wherever the view has a cell. A clone shares all
/// tombstones.
#[derive(Clone, Default)]
pub(crate) struct Tombstones(Option<Arc<Records>>);

/// A change of tombstones.
#[derive(Clone, Copy)]
pub(crate) enum Change<'a> {
    /// Adds those at the given paths. Of two at one path, the later one wins.
    Add,
    /// Removes those at the given paths.
    Remove,
    /// Forgets those of stable operations.
    Forget(Stable<'a>),
}

impl Tombstones {
    /// No tombstones.
    pub(crate) const NONE: Self = Self(None);

    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |records| records.len)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    fn of(mut records: Records) -> Self {
        records.bytes.shrink_to_fit();
        Self((records.len > 0).then(|| Arc::new(records)))
    }

    /// Returns the stamp of the tombstone at `path`.
    pub(crate) fn get(&self, path: Path<'_>) -> Option<Stamp> {
        self.0.as_ref()?.get(path)
    }

    /// Returns whether there is a tombstone at this path that is not older than `cell`.
    pub(crate) fn withstands(&self, parent: Path<'_>, cell: CellRef<'_>) -> bool {
        let stamp = self.get(cell.path(parent).as_path());
        stamp.is_some_and(|stamp| (cell.stamp, cell.value) <= (stamp, None))
    }

    /// Changes the tombstones. O(bytes).
    pub(crate) fn change(&mut self, cells: &Quarantine, change: Change<'_>) {
        let before = self.0.take().unwrap_or_default();
        let (mut old, mut new) = (before.cursor(), Records::default());
        let mut is_there = old.advance();
        let mut keep = |path: Path<'_>, stamp: Stamp| {
            let is_kept = match change {
                Change::Forget(stable) => !stable.contains(stamp),
                Change::Add | Change::Remove => true,
            };
            if is_kept {
                new.push(path, stamp);
            }
        };
        let adds = matches!(change, Change::Add);
        cells.for_each(&mut |path, mut stamp, _| {
            let path = path.as_path();
            while is_there && old.path() < path {
                keep(old.path(), old.stamp);
                is_there = old.advance();
            }
            if old.path() == path {
                stamp = stamp.max(old.stamp);
                is_there = old.advance();
            }
            if adds {
                keep(path, stamp);
            }
        });
        while is_there {
            keep(old.path(), old.stamp);
            is_there = old.advance();
        }
        *self = Self::of(new);
    }

    /// Writes the tombstones that `since` does not contain as cells, in path order. O(bytes).
    pub(crate) fn write_cells(&self, since: &VersionVector, out: &mut CellWriter) {
        let Some(records) = &self.0 else {
            return;
        };
        let mut records = records.cursor();
        while records.advance() {
            let stamp = records.stamp;
            if let Some((parent, key)) = records.path().split_last()
                && !since.contains(stamp)
            {
                out.group(parent);
                let value = None;
                out.copy(CellRef { key, stamp, value });
            }
        }
    }

    /// Encodes the tombstones as one envelope, or returns `None` if there are none. O(bytes).
    pub(crate) fn encode(&self) -> Option<Vec<u8>> {
        let records = self.0.as_ref()?;
        let mut envelope = Vec::new();
        envelope::seal(Kind::Tombstones, &records.bytes, &mut envelope);
        Some(envelope)
    }

    /// Returns whether an envelope has tombstones.
    pub(crate) fn is_encoded(envelope: &[u8]) -> bool {
        envelope::may_be_of(Kind::Tombstones, envelope)
    }

    /// Decodes and checks tombstones. Returns the latest time too.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`], [`Error::is_unsupported`] or [`Error::is_limit`].
    pub(crate) fn decode(envelope: &[u8]) -> Result<(Self, Time), Error> {
        let body = envelope::open(Kind::Tombstones, envelope)?;
        let (mut input, mut latest) = (Cursor::new(&body), Time::ZERO);
        let mut records = Records::default();
        while input.read()? {
            let (path, time) = (input.path(), input.stamp.time);
            Path::from_bytes(path.as_bytes())?;
            // The root does not follow any path.
            if time == Time::ZERO || !records.push(path, input.stamp) {
                return Err(Error::corrupt("tombstones are out of order"));
            }
            latest = latest.max(time);
        }
        Ok((Self::of(records), latest))
    }

    pub(crate) fn assert_invariants(&self) {
        let Some(records) = &self.0 else {
            return;
        };
        let (mut cursor, mut paths) = (records.cursor(), Vec::new());
        while cursor.advance() {
            paths.push(cursor.path().to_owned());
        }
        assert!(paths.is_sorted_by(|one, two| one < two), "sorted by path");
        assert_eq!(paths.len(), records.len, "all tombstones are counted");
        assert!(records.len > 0, "without tombstones, there are no records");
    }
}
