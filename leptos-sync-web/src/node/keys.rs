use std::{collections::BinaryHeap, fmt, panic::Location};

use leptos::prelude::*;
use leptos_sync_core::{Bincode, Codec, Key, LwwMap, Value};

use super::{Node, OwnGuard, What};

/// The keys of a map that have a value, as a node of the reactive graph: sorted, so that every replica shows the same
/// order. Reading costs O(n log n); it is notified only when a key comes or goes.
pub struct Keys<K: 'static, V: 'static, C: 'static = Bincode>(Node<LwwMap<K, V, C>>);

impl<K, V, C> Keys<K, V, C> {
    pub(super) fn new(map: Node<LwwMap<K, V, C>>) -> Self {
        Self(map)
    }
}

impl<K: Key, V: Value, C: Codec> Track for Keys<K, V, C> {
    fn track(&self) {
        if let Some(source) = self.0.source() {
            source.triggers().track(What::Keys, source.path().as_path());
        }
    }
}

impl<K: Key + Ord, V: Value, C: Codec> ReadUntracked for Keys<K, V, C> {
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

impl<K, V, C> DefinedAt for Keys<K, V, C> {
    fn defined_at(&self) -> Option<&'static Location<'static>> {
        self.0.defined_at()
    }
}

impl<K, V, C> IsDisposed for Keys<K, V, C> {
    fn is_disposed(&self) -> bool {
        self.0.is_disposed()
    }
}

impl<K, V, C> Clone for Keys<K, V, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V, C> Copy for Keys<K, V, C> {}

impl<K, V, C> fmt::Debug for Keys<K, V, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keys").field(&self.0).finish()
    }
}
