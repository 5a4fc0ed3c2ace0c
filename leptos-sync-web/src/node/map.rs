use leptos::prelude::*;
use leptos_sync_core::{Key, LwwMap, Value};

use super::{Entry, Keys, Node, ReadGuard};

impl<K: Key, V: Value> Node<LwwMap<K, V>> {
    /// The entry at `key`, whether it has a value or not: a node of its own, which only changes of this key notify.
    #[track_caller]
    pub fn entry(&self, key: K) -> Entry<K, V> {
        Entry::new(*self, key)
    }

    /// The set of keys: a node of its own, notified when a key comes or goes and not when a value changes.
    pub fn keys(&self) -> Keys<K, V> {
        Keys::new(*self)
    }

    /// Writes `value` at `key`.
    pub fn insert(&self, key: K, value: V) {
        self.edit(|tx| tx.insert(key, value));
    }

    /// Writes many entries as one transaction.
    pub fn insert_batch(&self, entries: impl IntoIterator<Item = (K, V)>) {
        // Before the document is being edited: they may be made of what it holds.
        let entries: Vec<_> = entries.into_iter().collect();
        self.edit(|tx| tx.insert_batch(entries));
    }

    /// Removes `key`.
    pub fn remove(&self, key: &K) {
        self.edit(|tx| tx.remove(key));
    }

    /// Removes many keys as one transaction.
    pub fn remove_batch<'k>(&self, keys: impl IntoIterator<Item = &'k K>) {
        let keys: Vec<_> = keys.into_iter().collect();
        self.edit(|tx| tx.remove_batch(keys));
    }
}

/// The map as a whole: whoever reads it runs again when any entry changes.
impl<K: Key, V: Value> Track for Node<LwwMap<K, V>> {
    fn track(&self) {
        self.track_whole();
    }
}

impl<K: Key, V: Value> ReadUntracked for Node<LwwMap<K, V>> {
    type Value = ReadGuard<LwwMap<K, V>>;

    fn try_read_untracked(&self) -> Option<Self::Value> {
        Some(self.source()?.read())
    }
}
