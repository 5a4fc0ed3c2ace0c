use std::{fmt, ops::Deref, panic::Location, sync::Arc};

use leptos::prelude::*;
use leptos_sync_core::{Key, LwwMap, Value, cells::PathBuf, internal};

use super::{Node, ReadGuard, Source, What};

/// One key of a map as a node of the reactive graph: it reads as `Option<V>`, and setting it to
/// `None` removes the key.
///
/// `Copy` where the key is. Only changes of this key notify it.
pub struct Entry<K: 'static, V: 'static> {
    map: Node<LwwMap<K, V>>,
    key: K,
}

impl<K: Key, V: Value> Entry<K, V> {
    pub(super) fn new(map: Node<LwwMap<K, V>>, key: K) -> Self {
        Self { map, key }
    }

    /// The key.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// Changes the value, if there is one. Inside `change`, the document's nodes cannot be read:
    /// see [`LiveDoc::transact`](crate::LiveDoc::transact).
    pub fn modify(&self, change: impl FnOnce(&mut V)) {
        self.map.edit(|tx| tx.update(&self.key, change));
    }

    /// Removes the key.
    pub fn remove(&self) {
        self.map.remove(&self.key);
    }

    fn path(&self, source: &Arc<dyn Source<LwwMap<K, V>>>) -> Option<PathBuf> {
        let mut key = Vec::new();
        internal::encode(&self.key, &mut key).ok()?;
        Some(source.path().child(&key))
    }
}

impl<K: Key, V: Value> Track for Entry<K, V> {
    fn track(&self) {
        let Some(source) = self.map.source() else {
            return;
        };
        if let Some(path) = self.path(&source) {
            source.triggers().track(What::Cell, path.as_path());
        }
    }
}

impl<K: Key, V: Value> Notify for Entry<K, V> {
    fn notify(&self) {
        let Some(source) = self.map.source() else {
            return;
        };
        if let Some(path) = self.path(&source) {
            source.triggers().get(What::Cell, path.as_path()).notify();
        }
    }
}

impl<K: Key, V: Value> ReadUntracked for Entry<K, V> {
    type Value = EntryGuard<K, V>;

    fn try_read_untracked(&self) -> Option<Self::Value> {
        Some(EntryGuard {
            map: self.map.source()?.read(),
            key: self.key.clone(),
            absent: None,
        })
    }
}

impl<K: Key, V: Value> Update for Entry<K, V> {
    type Value = Option<V>;

    fn try_maybe_update<U>(&self, change: impl FnOnce(&mut Option<V>) -> (bool, U)) -> Option<U> {
        if self.map.source()?.is_nested_edit() {
            return None;
        }
        let mut value = self.try_read_untracked()?.clone();
        let (changed, result) = change(&mut value);
        if changed {
            match value {
                Some(value) => self.map.insert(self.key.clone(), value),
                None => self.remove(),
            }
        }
        Some(result)
    }
}

/// An [`Entry`] that is being read. See [`ReadGuard`].
pub struct EntryGuard<K: 'static, V: 'static> {
    map: ReadGuard<LwwMap<K, V>>,
    key: K,
    absent: Option<V>,
}

impl<K: Key, V: Value> Deref for EntryGuard<K, V> {
    type Target = Option<V>;

    fn deref(&self) -> &Option<V> {
        self.map.cell(&self.key).unwrap_or(&self.absent)
    }
}

impl<K, V> DefinedAt for Entry<K, V> {
    fn defined_at(&self) -> Option<&'static Location<'static>> {
        self.map.defined_at()
    }
}

impl<K, V> IsDisposed for Entry<K, V> {
    fn is_disposed(&self) -> bool {
        self.map.is_disposed()
    }
}

impl<K: Clone, V> Clone for Entry<K, V> {
    fn clone(&self) -> Self {
        Self {
            map: self.map,
            key: self.key.clone(),
        }
    }
}

impl<K: Copy, V> Copy for Entry<K, V> {}

impl<K: fmt::Debug, V> fmt::Debug for Entry<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
