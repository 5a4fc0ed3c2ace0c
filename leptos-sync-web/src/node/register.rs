use leptos::prelude::*;
use leptos_sync_core::{LwwRegister, Value};

use super::{Node, ReadGuard, Tracked};

impl<T: Value + Default> Tracked for LwwRegister<T> {}

impl<T: Value + Default> ReadUntracked for Node<LwwRegister<T>> {
    type Value = ReadGuard<T>;

    fn try_read_untracked(&self) -> Option<ReadGuard<T>> {
        Some(self.access()?.read().map(LwwRegister::get))
    }
}

/// Changes a copy of the value and writes it.
impl<T: Value + Default> Update for Node<LwwRegister<T>> {
    type Value = T;

    fn try_maybe_update<U>(&self, change: impl FnOnce(&mut T) -> (bool, U)) -> Option<U> {
        let part = self.part()?;
        if part.is_nested_edit() {
            return None;
        }
        let mut value = self.try_read_untracked()?.clone();
        let (changed, result) = change(&mut value);
        if changed {
            self.edit(|tx| tx.set(value));
        }
        Some(result)
    }
}
