use std::sync::Arc;

use leptos::prelude::*;
use leptos_sync_core::{OrSet, Value, internal};

use super::{
    Keys, Node, OwnedGuard, ReadGuard, Tracked,
    access::{EntryAccess, Member},
};
use crate::live::TriggerKind;

impl<T: Value + Ord> Node<OrSet<T>> {
    /// Returns the node that states whether the set has an element. Only changes of this element
    /// notify it.
    ///
    /// The node belongs to the current reactive owner, like that of a map's
    /// [`entry`](Node::entry). Setting it to `true` adds the element, and to `false` removes it. So
    /// it can be bound to a checkbox:
    ///
    /// ```
    /// use leptos::prelude::*;
    /// use leptos_sync_web::{Node, OrSet};
    ///
    /// #[component]
    /// fn Urgent(labels: Node<OrSet<String>>) -> impl IntoView {
    ///     let urgent = labels.member("urgent".to_owned());
    ///     view! { <label><input type="checkbox" bind:checked=urgent /> "urgent"</label> }
    /// }
    /// ```
    #[track_caller]
    pub fn member(&self, element: T) -> Node<bool> {
        let member = self.part().and_then(|part| {
            let set = part.access::<OrSet<T>>()?;
            let mut segment = Vec::new();
            // The set has no element that cannot be encoded; adding one is an error.
            let _ = internal::encode_key(&element, &mut segment);
            let element = Arc::new(element);
            Some(part.entry(&segment, &|| {
                let member = Member {
                    set: Arc::clone(&set),
                    element: Arc::clone(&element),
                };
                Box::new(Arc::new(member) as Arc<dyn EntryAccess<()>>)
            }))
        });
        Node::of_part(member)
    }

    /// Returns whether the set has an element, and tracks only this element.
    #[track_caller]
    pub fn contains(&self, element: &T) -> bool {
        self.member(element.clone()).try_get().unwrap_or_default()
    }

    /// Returns the node of the elements in their order. It notifies when an element is added or
    /// removed.
    #[track_caller]
    pub fn elements(&self) -> Keys<T> {
        Keys::new(self.part, |part| {
            let set = part.access::<OrSet<T>>()?.read();
            Some(set.iter().cloned().collect())
        })
    }

    /// Adds an element. Does nothing if it is present.
    pub fn insert(&self, element: T) {
        self.edit(|tx| tx.insert(element));
    }

    /// Adds many elements in one transaction.
    pub fn insert_batch(&self, elements: impl IntoIterator<Item = T>) {
        // Collect the elements before the document is locked, since the iterator may read it.
        let elements: Vec<_> = elements.into_iter().collect();
        self.edit(|tx| tx.insert_batch(elements));
    }

    /// Removes an element.
    pub fn remove(&self, element: &T) {
        self.edit(|tx| tx.remove(element));
    }

    /// Removes many elements in one transaction.
    pub fn remove_batch<'k>(&self, elements: impl IntoIterator<Item = &'k T>) {
        let elements: Vec<_> = elements.into_iter().collect();
        self.edit(|tx| tx.remove_batch(elements));
    }

    /// Removes an element if it is present, and adds it otherwise.
    pub fn toggle(&self, element: T) {
        self.edit(|tx| tx.toggle(element));
    }
}

impl<T: Value + Ord> Tracked for OrSet<T> {}

impl<T: Value + Ord> ReadUntracked for Node<OrSet<T>> {
    type Value = ReadGuard<OrSet<T>>;

    fn try_read_untracked(&self) -> Option<Self::Value> {
        Some(self.access()?.read())
    }
}

impl Node<bool> {
    fn member_access(&self) -> Option<Arc<dyn EntryAccess<()>>> {
        self.part()?.entry_access()
    }
}

impl Track for Node<bool> {
    fn track(&self) {
        if let Some(part) = self.part() {
            part.track(TriggerKind::Element);
        }
    }
}

impl Notify for Node<bool> {
    fn notify(&self) {
        if let Some(part) = self.part() {
            part.notify(TriggerKind::Element);
        }
    }
}

impl ReadUntracked for Node<bool> {
    type Value = OwnedGuard<bool>;

    fn try_read_untracked(&self) -> Option<OwnedGuard<bool>> {
        Some(OwnedGuard(self.member_access()?.read().is_some()))
    }
}

/// Adds the element or removes it.
impl Update for Node<bool> {
    type Value = bool;

    fn try_maybe_update<U>(&self, change: impl FnOnce(&mut bool) -> (bool, U)) -> Option<U> {
        let part = self.part()?;
        if part.is_nested_edit() {
            return None;
        }
        let member = part.entry_access::<()>()?;
        let mut is_present = member.read().is_some();
        let (changed, result) = change(&mut is_present);
        if changed {
            member.write(is_present.then_some(()));
        }
        Some(result)
    }
}
