//! What can be written in a transaction, for each CRDT.

use super::transaction::{Replaced, Tx};
use crate::{
    codec::Codec,
    crdt::{GCounter, Key, LwwMap, LwwRegister, PnCounter, SavedCell, Value},
    error::Error,
    path,
};

impl<T: Value + Default, C: Codec> Tx<'_, LwwRegister<T, C>> {
    /// Writes the value.
    pub fn set(&mut self, value: T) {
        let stamp = self.stamp();
        let old = Some(SavedCell::live(self.state.stamp(), self.state.encoded()));
        self.state.set(value, stamp);
        self.changed(old);
    }

    /// Writes what `change` makes of a copy of the value.
    pub fn update(&mut self, change: impl FnOnce(&mut T)) {
        let mut value = self.state.get().clone();
        change(&mut value);
        self.set(value);
    }
}

impl<K: Key, V: Value, C: Codec> Tx<'_, LwwMap<K, V, C>> {
    /// Writes `value` at `key`.
    pub fn insert(&mut self, key: K, value: V) {
        let Some((bytes, old)) = self.cell(&key) else {
            return;
        };
        let was_live = self.state.contains_key(&key);
        let stamp = self.stamp();
        self.state.insert(key, value, stamp);
        self.changed_child(&bytes, !was_live, old);
    }

    /// Writes many entries, with room made once.
    pub fn insert_batch(&mut self, entries: impl IntoIterator<Item = (K, V)>) {
        let entries = entries.into_iter();
        self.state.reserve(entries.size_hint().0);
        for (key, value) in entries {
            self.insert(key, value);
        }
    }

    /// Writes what `change` makes of a copy of the value at `key`; nothing where there is none.
    pub fn update(&mut self, key: &K, change: impl FnOnce(&mut V)) {
        if let Some(mut value) = self.state.get(key).cloned() {
            change(&mut value);
            self.insert(key.clone(), value);
        }
    }

    /// Removes `key`; nothing where it has no value.
    pub fn remove(&mut self, key: &K) {
        if !self.state.contains_key(key) {
            return;
        }
        if let Some((bytes, old)) = self.cell(key) {
            let stamp = self.stamp();
            self.state.remove(key, stamp);
            self.changed_child(&bytes, true, old);
        }
    }

    /// Removes many keys.
    pub fn remove_batch<'k>(&mut self, keys: impl IntoIterator<Item = &'k K>) {
        for key in keys {
            self.remove(key);
        }
    }

    /// Removes every key. O(entries).
    pub fn clear(&mut self) {
        let keys: Vec<K> = self.state.keys().cloned().collect();
        self.remove_batch(&keys);
    }

    /// The bytes of `key` and the cell that stands there. `None`, and the transaction fails, when it has no bytes or too
    /// many.
    fn cell(&mut self, key: &K) -> Option<(Vec<u8>, Replaced)> {
        let mut bytes = Vec::new();
        let encoded = C::encode(key, &mut bytes);
        // What is longer than any path could not be taken back by its path.
        if let Err(error) = encoded.and_then(|()| path::check_length(bytes.len())) {
            self.cancel(error);
            return None;
        }
        Some((bytes, self.state.old_cell(key)))
    }
}

impl Tx<'_, GCounter> {
    /// Counts `by` more. Beyond `u64::MAX` for this replica, the transaction fails.
    pub fn increment(&mut self, by: u64) {
        let old = self.state.old_cell(self.stamp().replica);
        let counted = self.state.increment(by, self.stamp());
        self.counted(old, counted);
    }
}

impl Tx<'_, PnCounter> {
    /// Counts `by` up. Beyond `u64::MAX` added by this replica, the transaction fails.
    pub fn increment(&mut self, by: u64) {
        let old = self.state.old_cell(self.stamp().replica);
        let counted = self.state.increment(by, self.stamp());
        self.counted(old, counted);
    }

    /// Counts `by` down. Beyond `u64::MAX` taken by this replica, the transaction fails.
    pub fn decrement(&mut self, by: u64) {
        let old = self.state.old_cell(self.stamp().replica);
        let counted = self.state.decrement(by, self.stamp());
        self.counted(old, counted);
    }
}

impl<T> Tx<'_, T> {
    /// Takes note of what this replica's counter cell was before.
    fn counted(&mut self, old: Replaced, counted: Result<(), Error>) {
        match counted {
            Ok(()) => {
                let key = self.stamp().replica.get().to_be_bytes();
                self.changed_child(&key, false, old);
            }
            Err(error) => self.cancel(error),
        }
    }
}
