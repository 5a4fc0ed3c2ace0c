//! Reactive nodes: the parts of a document as values that leptos can read, track and update.

mod access;
mod bind;
mod counter;
mod entry;
mod guard;
mod keys;
mod map;
mod part;
mod register;
mod set;
#[cfg(test)]
mod tests;
mod values;

use std::{fmt, marker::PhantomData, panic::Location, sync::Arc};

use leptos::prelude::*;
use leptos_sync_core::{
    Crdt, Error, Tx,
    internal::{Field, Focus},
};

pub(crate) use self::{
    access::{Access, NodeDocument},
    part::PartId,
};
use self::{
    access::{EntryAccess, FieldAccess},
    part::Part,
};
pub use self::{
    guard::{OwnedGuard, ReadGuard},
    keys::Keys,
};
use crate::live::TriggerKind;

/// A document, or a part of one, as a node of the reactive graph.
///
/// The methods that `#[derive(Crdt)]` generates narrow a node to a field: `doc.title()` is a
/// `Node<LwwRegister<String>>`. The methods of a node depend on the type that it represents:
///
/// | Node of | Reads as | Writes |
/// |---|---|---|
/// | [`LwwRegister<T>`] | `T` | `.set()`, `.update()`, `bind:` |
/// | `Option<V>`, a map's `.entry(key)` | `Option<V>` | `.set()`, `.update()`, `.remove()`, `bind:` |
/// | [`LwwMap<K, V>`] | the map | `.insert()`, `.remove()` and their `_batch` forms |
/// | [`Keys<K>`], a map's `.keys()` or a set's `.elements()` | the sorted `Vec<K>` | |
/// | [`OrSet<T>`] | the set, `.contains()` | `.insert()`, `.remove()`, `.toggle()` and `_batch` forms |
/// | `bool`, a set's `.member(element)` | `bool` | `.set()`, `.update()`, `bind:` |
/// | [`MvRegister<T>`] | `T`, the latest; `.values()`, `.is_conflicted()` | `.set()`, `.update()`, `bind:` |
/// | [`GCounter`], [`PnCounter`] | the sum | `.increment()`, `.decrement()` |
/// | a record | all of it: [`read_state`](Node::read_state) | its fields |
/// | any CRDT | | several changes as one: [`edit`](Node::edit), [`transact`](Node::transact) |
///
/// [`LwwRegister<T>`]: leptos_sync_core::LwwRegister
/// [`LwwMap<K, V>`]: leptos_sync_core::LwwMap
/// [`OrSet<T>`]: leptos_sync_core::OrSet
/// [`MvRegister<T>`]: leptos_sync_core::MvRegister
/// [`GCounter`]: leptos_sync_core::GCounter
/// [`PnCounter`]: leptos_sync_core::PnCounter
///
/// "Reads as" means leptos' traits: `.get()`, `.with()`, `.read()` and their `try_` and
/// `_untracked` forms.
///
/// # Edits and errors
///
/// An edit is visible immediately and is stored in the background. A document rejects some edits,
/// such as a value above its limit, and then remains unchanged.
///
/// | Edited by | A rejected edit |
/// |---|---|
/// | a write of the table above, or [`edit`](Node::edit) | is reported to the document's status |
/// | [`transact`](Node::transact) | is returned as an [`Error`] |
///
/// [`UseDocReturn`](crate::UseDocReturn) contains the status. As on leptos' signals, the results of
/// `.try_set()` and `.try_update()` say whether the node is disposed, and not whether the document
/// accepted the value.
///
/// # Ownership
///
/// A node is `Copy`, like leptos' signals, and like them it lives as long as the reactive owner
/// under which it was created. A document's node lives as long as the component that called
/// [`use_doc`](crate::use_doc). A field's node lives as long as that of its record, and an entry's
/// node as long as the row or component that called `.entry(key)`. A disposed node costs nothing.
///
/// # Inputs
///
/// `bind:value` works on nodes of `String` and `Option<String>`, `bind:checked` on those of `bool`
/// and `Option<bool>`, and on a set's members. An entry without a value shows as an empty field or
/// an unchecked box; the first input creates it. Emptying the field writes `Some("")` and does not
/// remove the key. When a remote edit arrives while the user types in a bound field, the caret and
/// the selection keep their place in the text, and an input method is not interrupted.
///
/// ```
/// use leptos::prelude::*;
/// use leptos_sync_web::{Crdt, LwwMap, LwwRegister, use_doc};
///
/// #[derive(Crdt, Clone, Default)]
/// struct Page {
///     title: LwwRegister<String>,
///     notes: LwwMap<u64, String>,
/// }
///
/// #[component]
/// fn Editor(note: u64) -> impl IntoView {
///     let doc = use_doc::<Page>("page").doc;
///     view! {
///         <input bind:value=doc.title() />
///         <textarea bind:value=doc.notes().entry(note) />
///     }
/// }
/// ```
pub struct Node<T: 'static> {
    /// `None` if the node was derived from one that was already disposed.
    part: Option<PartId>,
    defined_at: &'static Location<'static>,
    kind: PhantomData<fn() -> T>,
}

/// A type whose nodes are tracked as one value. Records are not, since their fields may have the
/// names of the methods that tracking adds.
pub trait Tracked: 'static {}

impl<T: Crdt> Node<T> {
    /// Creates the node of a whole document.
    #[track_caller]
    pub(crate) fn of_document<D>(document: Arc<D>) -> Self
    where
        D: NodeDocument + Access<T> + 'static,
    {
        let access = Arc::clone(&document) as Arc<dyn Access<T>>;
        Self::of_part(Some(Part::root(document, Box::new(access))))
    }

    /// Makes several changes in one transaction: all of them are shown, stored and sent together,
    /// or none.
    ///
    /// # Errors
    ///
    /// As for [`LiveDoc::transact`](crate::LiveDoc::transact), and [`Error::is_unavailable`] if the
    /// node's owner is gone. Nothing has changed in that case.
    pub fn transact(&self, edit: impl FnOnce(&mut Tx<'_, T>)) -> Result<(), Error> {
        let access = self.access().ok_or_else(disposed)?;
        let mut edit = Some(edit);
        access.transact(&mut |tx| {
            if let Some(edit) = edit.take() {
                edit(tx);
            }
        })
    }

    /// Makes several changes like [`transact`](Node::transact), but reports a failure to the
    /// document's status. Use it in event handlers.
    ///
    /// ```
    /// # use leptos::prelude::*;
    /// # use leptos_sync_web::{Clock, Crdt, Doc, Id, LiveDoc, LwwMap, LwwRegister, ReplicaId};
    /// #[derive(Crdt, Clone, Default)]
    /// struct List {
    ///     items: LwwMap<Id, String>,
    ///     last: LwwRegister<Option<Id>>,
    /// }
    ///
    /// # let owner = Owner::new();
    /// # owner.set();
    /// # let doc = LiveDoc::<List>::new(Doc::new(Clock::system(ReplicaId::new(1)))).node();
    /// let milk = Id::new();
    /// doc.items().insert(milk, "Milk".to_owned());
    /// doc.edit(|tx| {
    ///     // Before the first use of `tx`, nodes can be read: they give the state before the edit.
    ///     let first = doc.items().keys().get_untracked().first().copied();
    ///     // From then on, read through `tx`, which sees what was written.
    ///     if let Some(first) = first {
    ///         let item = tx.items().get(&first).cloned().unwrap_or_default();
    ///         tx.items().insert(first, item + " and eggs");
    ///         tx.last().set(Some(first));
    ///     }
    ///     assert_eq!(tx.items().len(), 1);
    /// });
    /// assert_eq!(doc.items().entry(milk).get_untracked().as_deref(), Some("Milk and eggs"));
    /// ```
    pub fn edit(&self, edit: impl FnOnce(&mut Tx<'_, T>)) {
        let mut edit = Some(edit);
        if let Some(access) = self.access() {
            access.edit(&mut |tx| {
                if let Some(edit) = edit.take() {
                    edit(tx);
                }
            });
        }
    }

    /// Returns the state of this part, and tracks everything in it.
    ///
    /// # Panics
    ///
    /// If the node's owner is gone, like leptos' signals.
    #[track_caller]
    pub fn read_state(&self) -> ReadGuard<T> {
        let part = self.part();
        if let Some(part) = &part {
            part.track(TriggerKind::Value);
        }
        match part.and_then(|part| part.access()) {
            Some(access) => access.read(),
            None => panic!(
                "the node read at {} was dropped with its reactive owner",
                Location::caller()
            ),
        }
    }

    fn access(&self) -> Option<Arc<dyn Access<T>>> {
        self.part()?.access()
    }
}

#[cold]
fn disposed() -> Error {
    Error::unavailable(
        "the node was dropped with its reactive owner; edit through a `LiveDoc`, which has none",
    )
}

impl<T> Node<T> {
    #[track_caller]
    fn of_part(part: Option<PartId>) -> Self {
        Self {
            part,
            defined_at: Location::caller(),
            kind: PhantomData,
        }
    }

    fn part(&self) -> Option<Arc<Part>> {
        part::get(self.part)
    }
}

impl<T: Crdt> Focus for Node<T> {
    type Record = T;
    type At<F: Crdt> = Node<F>;

    #[track_caller]
    fn focus_field<F: Crdt>(self, field: Field<T, F>) -> Node<F> {
        let part = self.part().and_then(|part| {
            let record = part.access::<T>()?;
            Some(part.field(field.name, &|| {
                let record = Arc::clone(&record);
                let access = FieldAccess { record, field };
                Box::new(Arc::new(access) as Arc<dyn Access<F>>)
            }))
        });
        Node::of_part(part)
    }
}

impl<T: Tracked> Track for Node<T> {
    fn track(&self) {
        if let Some(part) = self.part() {
            part.track(TriggerKind::Value);
        }
    }
}

impl<T: Tracked> Notify for Node<T> {
    fn notify(&self) {
        if let Some(part) = self.part() {
            part.notify(TriggerKind::Value);
        }
    }
}

impl<T> Clone for Node<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Node<T> {}

impl<T> fmt::Debug for Node<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("defined_at", &self.defined_at)
            .finish_non_exhaustive()
    }
}

impl<T> PartialEq for Node<T> {
    fn eq(&self, other: &Self) -> bool {
        self.part == other.part
    }
}

impl<T> DefinedAt for Node<T> {
    fn defined_at(&self) -> Option<&'static Location<'static>> {
        Some(self.defined_at)
    }
}

impl<T> IsDisposed for Node<T> {
    fn is_disposed(&self) -> bool {
        self.part.is_none_or(|part| part.is_disposed())
    }
}
