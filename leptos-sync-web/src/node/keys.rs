use std::{fmt, panic::Location};

use leptos::prelude::*;
use leptos_sync_core::internal::heap_sort;

use super::{
    OwnedGuard,
    part::{self, Part, PartId},
};
use crate::live::TriggerKind;

/// The node of a map's keys that have a value, or of the elements of a set. They are sorted, so
/// that every replica shows the same order.
///
/// Reading costs O(n log n). A change of a value does not notify it.
///
/// ```
/// use leptos::prelude::*;
/// use leptos_sync_web::{LwwMap, use_doc};
///
/// #[component]
/// fn Stock() -> impl IntoView {
///     let stock = use_doc::<LwwMap<String, u32>>("stock").doc;
///     view! {
///         <For each=move || stock.keys().get() key=|name| name.clone() let:name>
///             <li>{name.clone()} ": " {move || stock.entry(name.clone()).get()}</li>
///         </For>
///     }
/// }
/// ```
pub struct Keys<K: 'static> {
    map: Option<PartId>,
    /// The function that reads the keys of the map. Only it knows the map's type.
    read: fn(&Part) -> Option<Vec<K>>,
    defined_at: &'static Location<'static>,
}

impl<K> Keys<K> {
    #[track_caller]
    pub(super) fn new(map: Option<PartId>, read: fn(&Part) -> Option<Vec<K>>) -> Self {
        Self {
            map,
            read,
            defined_at: Location::caller(),
        }
    }
}

impl<K> Track for Keys<K> {
    fn track(&self) {
        if let Some(map) = part::get(self.map) {
            map.track(TriggerKind::Keys);
        }
    }
}

impl<K: Clone + Ord> ReadUntracked for Keys<K> {
    type Value = OwnedGuard<Vec<K>>;

    fn try_read_untracked(&self) -> Option<OwnedGuard<Vec<K>>> {
        let mut keys = (self.read)(&*part::get(self.map)?)?;
        // The keys are usually sorted already.
        if !keys.is_sorted() {
            heap_sort(&mut keys, |one, two| one < two);
        }
        Some(OwnedGuard(keys))
    }
}

impl<K> DefinedAt for Keys<K> {
    fn defined_at(&self) -> Option<&'static Location<'static>> {
        Some(self.defined_at)
    }
}

impl<K> IsDisposed for Keys<K> {
    fn is_disposed(&self) -> bool {
        self.map.is_none_or(|map| map.is_disposed())
    }
}

impl<K> Clone for Keys<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Keys<K> {}

impl<K> fmt::Debug for Keys<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("defined_at", &self.defined_at)
            .finish_non_exhaustive()
    }
}
