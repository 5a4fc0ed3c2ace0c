use std::{collections::BinaryHeap, fmt, panic::Location};

use leptos::prelude::*;
use leptos_sync_core::{Key, LwwMap, Value};

use super::{Node, OwnGuard, What};

/// The keys of a map that have a value, as a node of the reactive graph: sorted, so that every replica shows the same
/// order. Reading costs O(n log n); it is notified only when a key comes or goes.
pub struct Keys<K: 'static, V: 'static>(Node<LwwMap<K, V>>);

impl<K, V> Keys<K, V> {
    pub(super) fn new(map: Node<LwwMap<K, V>>) -> Self {
        Self(map)
    }
}

impl<K: Key, V: Value> Track for Keys<K, V> {
    fn track(&self) {
        if let Some(source) = self.0.source() {
            source.triggers().track(What::Keys, source.path().as_path());
        }
    }
}

impl<K: Key + Ord, V: Value> ReadUntracked for Keys<K, V> {
    type Value = OwnGuard<Vec<K>>;

    fn try_read_untracked(&self) -> Option<OwnGuard<Vec<K>>> {
        let map = self.0.source()?.read();
        let mut keys = Vec::with_capacity(map.len());
        for key in map.keys() {
            keys.push(key.clone());
        }
        // Mostly they are in order. A heap brings a tenth of the code that the library's sorts bring to a page.
        if !keys.is_sorted() {
            keys = BinaryHeap::from(keys).into_sorted_vec();
        }
        Some(OwnGuard(keys))
    }
}

impl<K, V> DefinedAt for Keys<K, V> {
    fn defined_at(&self) -> Option<&'static Location<'static>> {
        self.0.defined_at()
    }
}

impl<K, V> IsDisposed for Keys<K, V> {
    fn is_disposed(&self) -> bool {
        self.0.is_disposed()
    }
}

impl<K, V> Clone for Keys<K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Keys<K, V> {}

impl<K, V> fmt::Debug for Keys<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keys").field(&self.0).finish()
    }
}
