//! The copy of what one document shows to another one.

use super::{
    Replica,
    exchange::Exchange,
    pending::{is_count, map_cells, with_stamp},
};
use crate::{
    clock::{Stamp, Time},
    codec::CellRef,
    crdt::{Changes, Count, Quarantine, Root, cell_key},
    delta::Patch,
    doc::{Doc, cells::DocCells},
    error::Error,
    history::{Entry, EntryHash},
    id::ReplicaId,
    limits,
    path::{Path, PathBuf},
};

impl<S: Root> Replica<S> {
    /// Writes everything that `from` shows, in this page's name. Returns the new entries of the
    /// outbox, each of about [`limits::CHUNK_BYTES`]. O(cells of `from`).
    ///
    /// Tombstones are not copied. A counter grows by what the other one shows. Cells for which this
    /// build has no type are copied too.
    ///
    /// # Errors
    ///
    /// - [`Error::is_clock`] if the time source does not count milliseconds.
    /// - [`Error::is_unavailable`] if the system has no source of randomness.
    ///
    /// An error changes nothing.
    pub fn copy_from(&mut self, from: &Doc<S>) -> Result<(Vec<Entry>, Changes), Error> {
        let (own, _) = self.exchange.next_names()?;
        self.doc.set_replica(own);
        let mut writes = Vec::new();
        for part in visible_parts(from, &self.doc, own)? {
            let stamp = self.doc.clock.tick()?;
            let (_, hash) = self.exchange.next_names()?;
            writes.push((hash, stamp.time, with_stamp(&part, stamp)?));
        }
        Ok(self.exchange.write_parts(&mut self.doc, own, writes))
    }
}

/// Returns the live cells of `from` in parts of a bounded size. For each counter, one cell of the
/// writer `own` replaces them. It has the sum that `from` shows, plus the count that `own` has in
/// `to`.
fn visible_parts(
    from: &dyn DocCells,
    to: &dyn DocCells,
    own: ReplicaId,
) -> Result<Vec<Patch>, Error> {
    let all = Patch::collect_parts(Time::ZERO, limits::CHUNK_BYTES, |out| {
        from.write_unpacked(out)
    })?;
    let (mut parts, mut counts) = (Vec::new(), Vec::<(PathBuf, Count)>::new());
    for part in &all {
        parts.push(map_cells(part, Time::ZERO, &mut |out, path, cell| {
            let count = cell.value.filter(|_| is_count(from, path, cell));
            let Some(count) = count.and_then(Count::decode) else {
                if cell.value.is_some() {
                    out.copy(cell);
                }
                return;
            };
            let counter = path.as_path().split_last();
            let at = counter.map_or(Path::ROOT, |(parent, _)| parent).to_owned();
            match counts.iter_mut().find(|(known, _)| *known == at) {
                Some((_, sum)) => *sum = sum.plus(count),
                None => counts.push((at, count)),
            }
        })?);
    }
    let key = &cell_key(own)[..];
    // A cell must have a time, which the transaction replaces.
    let stamp = Stamp::new(Time::ZERO.next(), own);
    parts.push(Patch::collect(Time::ZERO, |out| {
        for (counter, count) in counts {
            let mut value = Vec::new();
            let known = to.cell(&counter.child(key), &mut value);
            let known = known.and_then(|cell| Count::decode(cell.value?));
            let value = count.plus(known.unwrap_or_default()).encode();
            out.group(counter.as_path());
            let value = Some(&*value);
            out.copy(CellRef { key, stamp, value });
        }
    })?);
    parts.retain(|part| !part.is_empty());
    Ok(parts)
}

impl Exchange {
    /// Joins cells with the document, each part as an entry of this page.
    fn write_parts(
        &mut self,
        doc: &mut dyn DocCells,
        own: ReplicaId,
        parts: Vec<(EntryHash, Time, Patch)>,
    ) -> (Vec<Entry>, Changes) {
        let (mut entries, mut changes) = (Vec::new(), Changes::new());
        for (hash, time, cells) in parts {
            let (mut seen, mut value) = (Quarantine::default(), Vec::new());
            cells.cells().for_each(&mut |parent, cell| {
                let path = cell.path(parent);
                if let Some(old) = doc.cell(&path, &mut value) {
                    let count = old.value.filter(|_| old.is_count);
                    seen.put(path, old.stamp, count, None);
                }
            });
            self.cover(doc, &cells);
            changes.append(doc.join_patch(&cells));
            entries.push(self.add_own(own, hash, time, cells, seen));
        }
        (entries, changes)
    }
}
