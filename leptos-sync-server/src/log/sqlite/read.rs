//! Reads parts of a document. Memory holds one part.

use leptos_sync_core::{
    ReplicaId, Stamp, Time,
    cells::{CellRef, CellWriter, Path, PathBuf},
    history::{CellRange, IdHead, Page, Patch, Sequence},
};
use rusqlite::Connection;

use super::{cells, epochs, heads::StoredHead, ids, record::Cell};
use crate::{error::Error, log::History};

/// Reads the history of a document and the heads of some ids.
pub(super) fn history(
    connection: &Connection,
    document: i64,
    stored: &StoredHead,
    ids: Vec<ReplicaId>,
) -> Result<History, Error> {
    let mut heads = Vec::with_capacity(ids.len());
    for replica in ids {
        let id = ids::find(connection, document, replica)?;
        heads.push((replica, id.map_or_else(IdHead::default, |id| id.head)));
    }
    Ok(History {
        epochs: epochs::load(connection, document, stored)?,
        horizon: stored.head.horizon,
        floor: stored.head.floor,
        heads,
        state: stored.head.state(),
    })
}

/// Reads the cells that changed after a number, about `bytes` of them, in whole numbers. Returns
/// `None` if the number is below the horizon.
pub(super) fn page(
    connection: &Connection,
    document: i64,
    stored: &StoredHead,
    after: Sequence,
    bytes: usize,
) -> Result<Option<Page>, Error> {
    let head = &stored.head;
    if after < head.horizon {
        return Ok(None);
    }
    let (mut kept, mut size) = (Vec::new(), 0);
    // The end, unless a further number does not fit.
    let (mut last, mut upto) = (after, head.sequence);
    cells::after_sequence(connection, document, after, |cell, _| {
        if size >= bytes.max(1) && cell.sequence > last {
            upto = last;
            return Ok(false);
        }
        last = cell.sequence;
        size += cell.bytes();
        kept.push(Kept::of(cell)?);
        Ok(true)
    })?;
    // Group the cells by parent, which takes fewer bytes.
    kept.sort_unstable_by(|a, b| a.split().cmp(&b.split()));
    Ok(Some(Page {
        after,
        upto,
        floor: head.floor,
        cells: patch(head.latest, &kept)?,
        state: head.state(),
    }))
}

/// Returns whether forgetting would raise the floor or remove tombstones.
pub(super) fn would_forget(
    connection: &Connection,
    document: i64,
    stored: &StoredHead,
    before: Time,
    received_before_ms: u64,
) -> Result<bool, Error> {
    let mut head = stored.head;
    head.raise_floor(before);
    let rises = head.floor > stored.head.floor;
    Ok(rises || cells::has_aged(connection, document, head.floor, received_before_ms)?)
}

/// Reads the cells after a path, about `bytes` of them.
pub(super) fn range(
    connection: &Connection,
    document: i64,
    stored: &StoredHead,
    after: Option<&PathBuf>,
    bytes: usize,
) -> Result<CellRange, Error> {
    let (mut kept, mut size, mut is_end): (Vec<Kept>, _, _) = (Vec::new(), 0, true);
    let after = after.map(|after| after.as_path().as_bytes());
    cells::after_path(connection, document, after, |cell, _| {
        if size >= bytes.max(1) {
            is_end = false;
            return Ok(false);
        }
        size += cell.bytes();
        kept.push(Kept::of(cell)?);
        Ok(true)
    })?;
    let upto = match kept.last() {
        Some(last) if !is_end => Some(Path::from_bytes(&last.path)?.to_owned()),
        _ => None,
    };
    Ok(CellRange {
        cells: patch(stored.head.latest, &kept)?,
        sequences: kept.iter().map(|cell| cell.sequence).collect(),
        upto,
        state: stored.head.state(),
    })
}

fn patch(latest: Time, cells: &[Kept]) -> Result<Patch, Error> {
    let mut written = Ok(());
    let patch = Patch::collect(latest, |out| {
        written = cells.iter().try_for_each(|cell| cell.write(out));
    });
    written?;
    Ok(patch?)
}

/// An owned copy of a cell.
struct Kept {
    path: Box<[u8]>,
    /// The position of the key in the path. The bytes before the key's length are the parent.
    key: usize,
    parent: usize,
    stamp: Stamp,
    sequence: Sequence,
    value: Option<Box<[u8]>>,
}

impl Kept {
    fn of(cell: Cell<'_>) -> Result<Self, Error> {
        let split = Path::from_bytes(cell.path)?.split_last();
        let (parent, key) = split.unwrap_or_default();
        Ok(Self {
            key: cell.path.len() - key.len(),
            parent: parent.as_bytes().len(),
            path: cell.path.into(),
            stamp: cell.stamp,
            sequence: cell.sequence,
            value: cell.content.value().map(Into::into),
        })
    }

    /// Returns the encoded parent and the key.
    fn split(&self) -> (&[u8], &[u8]) {
        let parent = self.path.get(..self.parent).unwrap_or_default();
        (parent, self.path.get(self.key..).unwrap_or_default())
    }

    fn write(&self, out: &mut CellWriter) -> Result<(), Error> {
        let (parent, key) = self.split();
        out.group(Path::from_bytes(parent)?);
        out.copy(CellRef {
            key,
            stamp: self.stamp,
            value: self.value.as_deref(),
        });
        Ok(())
    }
}
