use std::sync::Arc;

use leptos::prelude::*;
use leptos_sync_core::Value;

use super::{EntryAccess, Node, ReadGuard, Tracked};

/// The node of a map's entry. Only changes of its key notify it.
impl<V: Value> Node<Option<V>> {
    /// Removes the key, as setting `None` does.
    pub fn remove(&self) {
        if let Some(entry) = self.entry_access() {
            entry.write(None);
        }
    }

    fn entry_access(&self) -> Option<Arc<dyn EntryAccess<V>>> {
        self.part()?.entry_access()
    }
}

impl<V: Value> Tracked for Option<V> {}

impl<V: Value> ReadUntracked for Node<Option<V>> {
    type Value = ReadGuard<Option<V>>;

    fn try_read_untracked(&self) -> Option<Self::Value> {
        Some(self.entry_access()?.read())
    }
}

/// Changes a copy of the value and writes it. `None` removes the key.
impl<V: Value> Update for Node<Option<V>> {
    type Value = Option<V>;

    fn try_maybe_update<U>(&self, change: impl FnOnce(&mut Option<V>) -> (bool, U)) -> Option<U> {
        let part = self.part()?;
        if part.is_nested_edit() {
            return None;
        }
        let entry = part.entry_access::<V>()?;
        let mut value = entry.read().clone();
        let (changed, result) = change(&mut value);
        if changed {
            entry.write(value);
        }
        Some(result)
    }
}
