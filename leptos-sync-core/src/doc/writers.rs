//! The writes of each CRDT in a transaction.

use super::{transaction::Tx, undo::Before};
use crate::{
    clock::Stamp,
    codec,
    crdt::{GCounter, Key, LwwMap, LwwRegister, PnCounter, SavedCell, Value, cell_key},
    error::Error,
    id::ReplicaId,
    path,
};

impl<T: Value + Default> Tx<'_, LwwRegister<T>> {
    /// Writes the value.
    pub fn set(&mut self, value: T) {
        if !self.allows(|scratch| codec::check(&value, scratch)) {
            return;
        }
        let look = self.look(|_| Ok(()), |register, value| Some(register.old_cell(value)));
        if let Some(before) = look {
            let stamp = self.stamp();
            self.state().set(value, stamp);
            self.changed(before);
        }
    }

    /// Applies `change` to a copy of the value and writes the result.
    pub fn update(&mut self, change: impl FnOnce(&mut T)) {
        let mut value = self.get().clone();
        change(&mut value);
        self.set(value);
    }
}

impl<K: Key, V: Value> Tx<'_, LwwMap<K, V>> {
    /// Writes `value` at `key`.
    pub fn insert(&mut self, key: K, value: V) {
        if !self.allows(|scratch| codec::check(&value, scratch)) {
            return;
        }
        if let Some(before) = self.look_at(&key) {
            let stamp = self.stamp();
            self.state().insert(key, value, stamp);
            let was_live = before.old.is_some_and(|old| old.live);
            self.changed_child(before, !was_live);
        }
    }

    /// Writes many entries and reserves space once.
    pub fn insert_batch(&mut self, entries: impl IntoIterator<Item = (K, V)>) {
        let entries = entries.into_iter();
        let mut tx = self.owned();
        tx.state().reserve(entries.size_hint().0);
        for (key, value) in entries {
            tx.insert(key, value);
        }
    }

    /// Applies `change` to a copy of the value at `key` and writes the result. Does nothing if
    /// there is no value.
    pub fn update(&mut self, key: &K, change: impl FnOnce(&mut V)) {
        if let Some(mut value) = self.get(key).cloned() {
            change(&mut value);
            self.insert(key.clone(), value);
        }
    }

    /// Removes `key`. Does nothing if it has no value.
    pub fn remove(&mut self, key: &K) {
        if !self.contains(key) {
            return;
        }
        if let Some(before) = self.look_at(key) {
            let stamp = self.stamp();
            self.state().remove(key, stamp);
            self.changed_child(before, true);
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
        let keys: Vec<K> = self.keys().cloned().collect();
        self.remove_batch(&keys);
    }

    /// Saves the cell at `key` before a write. Returns `None`, and fails the transaction, if the
    /// key cannot be encoded or is too long.
    fn look_at(&mut self, key: &K) -> Option<Before> {
        let encode = |bytes: &mut Vec<u8>| {
            codec::check_key(key, bytes)?;
            let start = bytes.len();
            codec::encode_key(key, bytes)?;
            // A rollback finds the cell by its path, so reject a key that is longer than any path
            // may be.
            path::check_key(bytes.len() - start)
        };
        self.look(encode, |map, value| map.old_cell(key, value))
    }
}

impl Tx<'_, GCounter> {
    /// Adds `by`. If this replica's count would exceed `u64::MAX`, the transaction fails.
    pub fn increment(&mut self, by: u64) {
        self.count(GCounter::old_cell, |counter, stamp| {
            counter.increment(by, stamp)
        });
    }
}

impl Tx<'_, PnCounter> {
    /// Adds `by`. If this replica's increments would exceed `u64::MAX`, the transaction fails.
    pub fn increment(&mut self, by: u64) {
        self.count(PnCounter::old_cell, |counter, stamp| {
            counter.increment(by, stamp)
        });
    }

    /// Subtracts `by`. If this replica's decrements would exceed `u64::MAX`, the transaction fails.
    pub fn decrement(&mut self, by: u64) {
        self.count(PnCounter::old_cell, |counter, stamp| {
            counter.decrement(by, stamp)
        });
    }
}

impl<T> Tx<'_, T> {
    /// Changes this replica's cell.
    fn count(
        &mut self,
        old_cell: fn(&T, ReplicaId, &mut Vec<u8>) -> Option<SavedCell>,
        count: impl FnOnce(&mut T, Stamp) -> Result<(), Error>,
    ) {
        let stamp = self.stamp();
        let mut cell = self.at_key(&cell_key(stamp.replica), |counter| counter);
        let look = cell.look(
            |_| Ok(()),
            |counter, value| old_cell(counter, stamp.replica, value),
        );
        if let Some(before) = look {
            match count(cell.state(), stamp) {
                Ok(()) => cell.changed(before),
                Err(error) => cell.cancel(error),
            }
        }
    }
}
