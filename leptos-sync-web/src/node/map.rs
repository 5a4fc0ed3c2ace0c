use std::sync::Arc;

use leptos::prelude::*;
use leptos_sync_core::{Key, LwwMap, Value, internal};

use super::{
    Keys, Node, ReadGuard, Tracked,
    access::{EntryAccess, MapEntry},
};

impl<K: Key, V: Value> Node<LwwMap<K, V>> {
    /// Returns the node of the entry at `key`, even if the key has no value. Only changes of this
    /// key notify it.
    ///
    /// The node belongs to the current reactive owner, such as a row of a list, and is dropped with
    /// it. If the owner, or an effect below it, requests the key again, it gets the same node. To
    /// read or change many entries in an event handler, use `.with_untracked(|map| …)` or
    /// [`edit`](Node::edit), which create no nodes.
    #[track_caller]
    pub fn entry(&self, key: K) -> Node<Option<V>> {
        let entry = self.part().and_then(|part| {
            let map = part.access::<LwwMap<K, V>>()?;
            let mut segment = Vec::new();
            // A key that cannot be encoded has no value; writing one is an error.
            let _ = internal::encode_key(&key, &mut segment);
            let key = Arc::new(key);
            Some(part.entry(&segment, &|| {
                let entry = MapEntry {
                    map: Arc::clone(&map),
                    key: Arc::clone(&key),
                };
                Box::new(Arc::new(entry) as Arc<dyn EntryAccess<V>>)
            }))
        });
        Node::of_part(entry)
    }

    /// Returns the node of the map's keys. It notifies when a key is added or removed, and not when
    /// a value changes.
    #[track_caller]
    pub fn keys(&self) -> Keys<K>
    where
        K: Ord,
    {
        Keys::new(self.part, |part| {
            let map = part.access::<LwwMap<K, V>>()?.read();
            let mut keys = Vec::with_capacity(map.len());
            for key in map.keys() {
                keys.push(key.clone());
            }
            Some(keys)
        })
    }

    /// Writes `value` at `key`.
    pub fn insert(&self, key: K, value: V) {
        self.edit(|tx| tx.insert(key, value));
    }

    /// Writes many entries in one transaction.
    pub fn insert_batch(&self, entries: impl IntoIterator<Item = (K, V)>) {
        // Collect the entries before the document is locked, since the iterator may read it.
        let entries: Vec<_> = entries.into_iter().collect();
        self.edit(|tx| tx.insert_batch(entries));
    }

    /// Removes `key`.
    pub fn remove(&self, key: &K) {
        self.edit(|tx| tx.remove(key));
    }

    /// Removes many keys in one transaction.
    pub fn remove_batch<'k>(&self, keys: impl IntoIterator<Item = &'k K>) {
        let keys: Vec<_> = keys.into_iter().collect();
        self.edit(|tx| tx.remove_batch(keys));
    }
}

impl<K: Key, V: Value> Tracked for LwwMap<K, V> {}

impl<K: Key, V: Value> ReadUntracked for Node<LwwMap<K, V>> {
    type Value = ReadGuard<LwwMap<K, V>>;

    fn try_read_untracked(&self) -> Option<Self::Value> {
        Some(self.access()?.read())
    }
}
