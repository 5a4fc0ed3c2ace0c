use leptos::{prelude::*, tachys::reactive_graph::bind::IntoSplitSignal};
use leptos_sync_core::{LwwRegister, Value};

use super::{Node, ReadGuard, What};

impl<T: Value + Default> Track for Node<LwwRegister<T>> {
    fn track(&self) {
        if let Some(source) = self.source() {
            source.triggers().track(What::Cell, source.path().as_path());
        }
    }
}

impl<T: Value + Default> ReadUntracked for Node<LwwRegister<T>> {
    type Value = ReadGuard<T>;

    fn try_read_untracked(&self) -> Option<ReadGuard<T>> {
        Some(self.source()?.read().map(LwwRegister::get))
    }
}

impl<T: Value + Default> Notify for Node<LwwRegister<T>> {
    fn notify(&self) {
        if let Some(source) = self.source() {
            source
                .triggers()
                .get(What::Cell, source.path().as_path())
                .notify();
        }
    }
}

/// The change is made to a copy of the value, which then is written.
impl<T: Value + Default> Update for Node<LwwRegister<T>> {
    type Value = T;

    fn try_maybe_update<U>(&self, change: impl FnOnce(&mut T) -> (bool, U)) -> Option<U> {
        if self.source()?.is_nested_edit() {
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

impl<T: Value + Default> IntoSplitSignal for Node<LwwRegister<T>> {
    type Value = T;
    type Read = Self;
    type Write = Self;

    fn into_split_signal(self) -> (Self, Self) {
        (self, self)
    }
}
