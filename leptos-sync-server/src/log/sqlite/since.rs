//! Reads the part of a document that a replica lacks.

use leptos_sync_core::{
    Delta, Snapshot, Stamp, VersionVector,
    cells::{CellRef, CellWriter, Path},
};
use rusqlite::Connection;

use super::{audit::Count, cells, heads::StoredHead, record::Cell};
use crate::{
    error::Error,
    limits,
    log::{Reach, Since, database::damaged},
};

/// Reads the operations that a replica at `version` lacks, in parts of about `bytes` each.
///
/// The index finds the changed cells, which are then sorted by path. If there are too many to sort
/// in memory, the document is read in path order instead, and memory holds only the parts.
pub(super) fn since(
    connection: &Connection,
    document: i64,
    stored: &StoredHead,
    version: &VersionVector,
    bytes: usize,
) -> Result<Since, Error> {
    let head = &stored.head;
    let whole = |beyond: &VersionVector, out: &mut CellWriter| {
        write_whole(connection, document, stored, beyond, out)
    };
    let mut read = Ok(());
    let since = match head.reach(version) {
        Reach::Snapshot => {
            let (version, horizon) = (head.version.clone(), head.horizon.clone());
            let parts = Snapshot::collect_parts(version, horizon, bytes, |out| {
                read = whole(&VersionVector::new(), out);
            })?;
            Since::Snapshot(parts)
        }
        Reach::Delta { after, upto } => {
            let few = if version.is_empty() {
                None
            } else {
                few_beyond(connection, document, stored, version)?
            };
            let parts = Delta::collect_parts(after, upto, bytes, |out| {
                read = match &few {
                    Some(few) => few.iter().try_for_each(|kept| write(out, kept.cell())),
                    None => whole(version, out),
                };
            })?;
            Since::Delta(parts)
        }
    };
    read.map(|()| since)
}

/// Returns the cells beyond `version`, sorted by path, or `None` if they exceed
/// [`limits::SORT_BYTES`].
fn few_beyond(
    connection: &Connection,
    document: i64,
    stored: &StoredHead,
    version: &VersionVector,
) -> Result<Option<Vec<Kept>>, Error> {
    let (mut kept, mut bytes) = (Vec::new(), 0);
    let present = &stored.head.present;
    cells::beyond(connection, document, version, present, |cell| {
        bytes += size_of::<Kept>() + cell.bytes();
        if bytes <= limits::SORT_BYTES {
            kept.push(Kept::of(cell));
        }
        bytes <= limits::SORT_BYTES
    })?;
    if bytes > limits::SORT_BYTES {
        return Ok(None);
    }
    kept.sort_unstable_by(|a, b| (&a.parent, &a.key).cmp(&(&b.parent, &b.key)));
    Ok(Some(kept))
}

/// Writes the cells beyond a version by reading the whole document, and checks its tally.
fn write_whole(
    connection: &Connection,
    document: i64,
    stored: &StoredHead,
    beyond: &VersionVector,
    out: &mut CellWriter,
) -> Result<(), Error> {
    let mut count = Count::default();
    cells::each(connection, document, |cell, checksum| {
        count.add(cell, checksum)?;
        if !beyond.contains(cell.stamp) {
            write(out, cell)?;
        }
        Ok(true)
    })?;
    if count.tally != stored.cells {
        return Err(damaged());
    }
    Ok(())
}

fn write(out: &mut CellWriter, cell: Cell<'_>) -> Result<(), Error> {
    out.group(Path::from_bytes(cell.parent)?);
    out.copy(CellRef {
        key: cell.key,
        stamp: cell.stamp,
        value: cell.value,
    });
    Ok(())
}

/// An owned copy of a cell, to be sorted.
struct Kept {
    parent: Box<[u8]>,
    key: Box<[u8]>,
    stamp: Stamp,
    value: Option<Box<[u8]>>,
}

impl Kept {
    fn of(cell: Cell<'_>) -> Self {
        Self {
            parent: cell.parent.into(),
            key: cell.key.into(),
            stamp: cell.stamp,
            value: cell.value.map(Into::into),
        }
    }

    fn cell(&self) -> Cell<'_> {
        Cell {
            parent: &self.parent,
            key: &self.key,
            stamp: self.stamp,
            value: self.value.as_deref(),
        }
    }
}
