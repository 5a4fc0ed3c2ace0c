//! The writes of a map of records.

use super::transaction::Tx;
use crate::{
    clock::Stamp,
    codec,
    crdt::{Crdt, CrdtMap, Key, MARKER, MARKS, SavedCell},
    error::Error,
    path::{self, Path, PathBuf},
};

impl<K: Key + Ord, T: Crdt> Tx<'_, CrdtMap<K, T>> {
    /// Inserts a record at `key`, and removes the one that is there. O(cells of the removed one).
    pub fn insert(&mut self, key: K) -> Tx<'_, T> {
        self.create(&key);
        self.value_at(&key)
    }

    /// Returns the record at `key`, and inserts one if there is none.
    pub fn get_or_insert(&mut self, key: K) -> Tx<'_, T> {
        if !self.contains(&key) {
            self.create(&key);
        }
        self.value_at(&key)
    }

    /// Returns the record at `key` for writing.
    ///
    /// # Errors
    ///
    /// [`Error::is_absent`] if there is none. The transaction goes on.
    pub fn at(&mut self, key: &K) -> Result<Tx<'_, T>, Error> {
        match self.contains(key) {
            true => Ok(self.value_at(key)),
            false => Err(Error::absent(
                "there is no record at this key; insert it before you write its fields",
            )),
        }
    }

    /// Removes the record at `key`. Does nothing if there is none. O(cells of the record).
    pub fn remove(&mut self, key: &K) {
        if self.contains(key)
            && let Some(bytes) = self.encoded(key)
        {
            self.end(key, &bytes);
        }
    }

    /// Removes many records.
    pub fn remove_batch<'k>(&mut self, keys: impl IntoIterator<Item = &'k K>) {
        for key in keys {
            self.remove(key);
        }
    }

    /// Removes every record, one by one, so that those stay that others insert at the same time.
    /// O(cells).
    pub fn clear(&mut self) {
        let keys: Vec<K> = self.keys().cloned().collect();
        self.remove_batch(&keys);
    }

    fn create(&mut self, key: &K) {
        if let Some(bytes) = self.encoded(key) {
            if self.log.has_others || self.known(key).is_some() {
                self.end(key, &bytes);
            }
            let mut record = self.at_key(&bytes, |map| map);
            record
                .at_key(MARKS, |map| map)
                .write_mark(key, Some(MARKER));
        }
    }

    /// Returns the encoded key. Fails the transaction if it cannot be encoded or is too long.
    fn encoded(&mut self, key: &K) -> Option<Vec<u8>> {
        let mut encoded = Vec::new();
        let is_allowed = self.allows(|scratch| {
            codec::check_key(key, scratch)?;
            codec::encode_key(key, &mut encoded)?;
            path::check_key(encoded.len())
        });
        is_allowed.then_some(encoded)
    }

    fn value_at(&mut self, key: &K) -> Tx<'_, T> {
        let mut bytes = Vec::new();
        // If the key cannot be encoded, the transaction has failed and writes nothing.
        let _ = codec::encode_key(key, &mut bytes);
        self.at_key(&bytes, |map| map.value_mut(key))
    }

    /// Removes all cells of a record, and writes the ender.
    fn end(&mut self, key: &K, bytes: &[u8]) {
        let map = self.path();
        let mut record = self.at_key(bytes, |map| map);
        let path = record.path();
        let cells = record.known(key).map(|known| known.paths(&path));
        for cell in cells.unwrap_or_default() {
            let inner = cell
                .as_path()
                .as_bytes()
                .get(map.len()..)
                .unwrap_or_default();
            let old =
                |map: &CrdtMap<K, T>, out: &mut Vec<u8>| saved(map, Path::trusted(inner), out);
            let Some(before) = record.look(|_| Ok(()), old) else {
                return;
            };
            record.log.note_ended(&cell, before);
        }
        let ended = &mut |_: Path<'_>, _: Stamp, _: Option<&[u8]>| {};
        record.state().change(key, |known| {
            known.end(&mut PathBuf::new().child(bytes), None, ended)
        });
        record.write_mark(key, None);
    }

    /// Writes the mark with this name, or the ender if there is no name. The path of this
    /// transaction is that of the cell's parent.
    fn write_mark(&mut self, key: &K, name: Option<&'static [u8]>) {
        let segment = |bytes: &mut Vec<u8>| {
            bytes.extend_from_slice(name.unwrap_or(MARKS));
            Ok(())
        };
        let look = self.look(segment, |map, out| {
            let (stamp, value) = map.known(key)?.cell(name)?;
            out.extend_from_slice(value.unwrap_or_default());
            let live = value.is_some();
            Some(SavedCell {
                live,
                ..SavedCell::live(stamp)
            })
        });
        if let Some(before) = look {
            let stamp = self.stamp();
            let value = name.map(|_| &b""[..]);
            let cell = Some((stamp, value));
            self.state()
                .change(key, |record| record.set_cell(name, cell));
            self.changed_cell(before, true);
        }
    }
}

/// Returns the cell at `path` below a map, to roll a transaction back. Appends its value to `out`.
fn saved<K: Key + Ord, T: Crdt>(
    map: &CrdtMap<K, T>,
    path: Path<'_>,
    out: &mut Vec<u8>,
) -> Option<SavedCell> {
    let mut value = Vec::new();
    let cell = map.cell_at(path.segments(), &mut value)?;
    out.extend_from_slice(cell.value.unwrap_or_default());
    Some(SavedCell {
        stamp: cell.stamp,
        live: cell.value.is_some(),
        place: cell.place,
        is_count: cell.is_count,
        tags: cell.tags,
    })
}
