use std::{fmt, ops::Deref, panic::Location, sync::Arc};

use leptos::prelude::*;
use leptos_sync_core::{Bincode, Codec, Key, LwwMap, PathBuf, Value};

use super::{Node, ReadGuard, Source, What};

/// One key of a map as a node of the reactive graph: it reads as `Option<V>`, and setting it to `None` removes the key.
///
/// `Copy` where the key is. Only changes of this key notify it.
pub struct Entry<K: 'static, V: 'static, C: 'static = Bincode> {
    map: Node<LwwMap<K, V, C>>,
    key: K,
}

impl<K: Key, V: Value, C: Codec> Entry<K, V, C> {
    pub(super) fn new(map: Node<LwwMap<K, V, C>>, key: K) -> Self {
        Self { map, key }
    }

    /// The key.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// Changes the value, if there is one. While `change` runs, the document's nodes cannot be read.
    pub fn modify(&self, change: impl FnOnce(&mut V)) {
        self.map.edit(|tx| tx.update(&self.key, change));
    }

    /// Removes the key.
    pub fn remove(&self) {
        self.map.remove(&self.key);
    }

    fn path(&self, source: &Arc<dyn Source<LwwMap<K, V, C>>>) -> Option<PathBuf> {
        let mut key = Vec::new();
        C::encode(&self.key, &mut key).ok()?;
        Some(source.path().child(&key))
    }
}

impl<K: Key, V: Value, C: Codec> Track for Entry<K, V, C> {
    fn track(&self) {
        let Some(source) = self.map.source() else {
            return;
        };
        if let Some(path) = self.path(&source) {
            source.triggers().track(What::Cell, path.as_path());
        }
    }
}

impl<K: Key, V: Value, C: Codec> Notify for Entry<K, V, C> {
    fn notify(&self) {
        let Some(source) = self.map.source() else {
            return;
        };
        if let Some(path) = self.path(&source) {
            source.triggers().get(What::Cell, path.as_path()).notify();
        }
    }
}

impl<K: Key, V: Value, C: Codec> ReadUntracked for Entry<K, V, C> {
    type Value = EntryGuard<K, V, C>;

    fn try_read_untracked(&self) -> Option<Self::Value> {
        Some(EntryGuard {
            map: self.map.source()?.read(),
            key: self.key.clone(),
            absent: None,
        })
    }
}

impl<K: Key, V: Value, C: Codec> Update for Entry<K, V, C> {
    type Value = Option<V>;

    fn try_maybe_update<U>(&self, change: impl FnOnce(&mut Option<V>) -> (bool, U)) -> Option<U> {
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
pub struct EntryGuard<K: 'static, V: 'static, C: 'static> {
    map: ReadGuard<LwwMap<K, V, C>>,
    key: K,
    absent: Option<V>,
}

impl<K: Key, V: Value, C: Codec> Deref for EntryGuard<K, V, C> {
    type Target = Option<V>;

    fn deref(&self) -> &Option<V> {
        self.map.cell(&self.key).unwrap_or(&self.absent)
    }
}

impl<K, V, C> DefinedAt for Entry<K, V, C> {
    fn defined_at(&self) -> Option<&'static Location<'static>> {
        self.map.defined_at()
    }
}

impl<K, V, C> IsDisposed for Entry<K, V, C> {
    fn is_disposed(&self) -> bool {
        self.map.is_disposed()
    }
}

impl<K: Clone, V, C> Clone for Entry<K, V, C> {
    fn clone(&self) -> Self {
        Self {
            map: self.map,
            key: self.key.clone(),
        }
    }
}

impl<K: Copy, V, C> Copy for Entry<K, V, C> {}

impl<K: fmt::Debug, V, C> fmt::Debug for Entry<K, V, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
