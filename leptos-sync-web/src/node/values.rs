use leptos::prelude::*;
use leptos_sync_core::{MvRegister, Value};

use super::{Node, OwnedGuard, Tracked};

impl<T: Value + Default + PartialEq> Node<MvRegister<T>> {
    /// Returns the values that no write has replaced, the latest write first, and tracks them.
    ///
    /// There is one, except before the first write, and after writes at the same time. Setting the
    /// node replaces them all:
    ///
    /// ```
    /// use leptos::prelude::*;
    /// use leptos_sync_web::{MvRegister, Node};
    ///
    /// #[component]
    /// fn Title(title: Node<MvRegister<String>>) -> impl IntoView {
    ///     let choices = move || match title.is_conflicted() {
    ///         true => title.values(),
    ///         false => Vec::new(),
    ///     };
    ///     view! {
    ///         <input bind:value=title />
    ///         <For each=choices key=|choice| choice.clone() let:choice>
    ///             <button on:click={
    ///                 let choice = choice.clone();
    ///                 move |_| title.set(choice.clone())
    ///             }>"Keep " {choice.clone()}</button>
    ///         </For>
    ///     }
    /// }
    /// ```
    pub fn values(&self) -> Vec<T> {
        self.track();
        let access = self.access();
        access.map_or_else(Vec::new, |access| access.read().values().cloned().collect())
    }

    /// Returns whether there are different values, written at the same time, and tracks them.
    pub fn is_conflicted(&self) -> bool {
        self.track();
        self.access()
            .is_some_and(|access| access.read().is_conflicted())
    }
}

impl<T: Value + Default> Tracked for MvRegister<T> {}

/// Reads the value of the latest write, or the default before the first one.
impl<T: Value + Default> ReadUntracked for Node<MvRegister<T>> {
    type Value = OwnedGuard<T>;

    fn try_read_untracked(&self) -> Option<OwnedGuard<T>> {
        let register = self.access()?.read();
        Some(OwnedGuard(register.get().cloned().unwrap_or_default()))
    }
}

/// Changes a copy of the latest value and writes it, which replaces all values.
impl<T: Value + Default> Update for Node<MvRegister<T>> {
    type Value = T;

    fn try_maybe_update<U>(&self, change: impl FnOnce(&mut T) -> (bool, U)) -> Option<U> {
        let part = self.part()?;
        if part.is_nested_edit() {
            return None;
        }
        let mut value = self.try_read_untracked()?.0;
        let (changed, result) = change(&mut value);
        if changed {
            self.edit(|tx| tx.set(value));
        }
        Some(result)
    }
}
