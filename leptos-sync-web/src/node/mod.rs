//! Reactive nodes: a document and its parts as things that leptos can read, track and update.

mod counter;
mod entry;
mod guard;
mod keys;
mod map;
mod register;
mod source;

use std::{any::Any, marker::PhantomData, panic::Location, sync::Arc};

use crate::lock::Mutex;
use leptos::prelude::*;
use leptos_sync_core::{
    Crdt, Error, Tx,
    internal::{Field, Focus},
};

use self::source::FieldSource;
pub(crate) use self::source::Source;
pub use self::{
    entry::{Entry, EntryGuard},
    guard::{OwnGuard, ReadGuard},
    keys::Keys,
};
pub(crate) use crate::live::What;

/// A part of a document, or the whole of it, as a node of the reactive graph.
///
/// `Copy`, like leptos' signals, and like them it lives as long as the reactive owner under which
/// the document was opened. The methods that `#[derive(Crdt)]` makes narrow it to a field:
/// `doc.title()` is a `Node<LwwRegister<String>>`. What a node can do depends on what it stands
/// for:
///
/// | Node of | reads as | is changed by |
/// |---|---|---|
/// | [`LwwRegister<T>`](leptos_sync_core::LwwRegister) | `T`: `.get()`, `.with()`, `.read()` | `.set()`, `.update()`, `bind:value` |
/// | [`GCounter`](leptos_sync_core::GCounter), [`PnCounter`](leptos_sync_core::PnCounter) | its value | `.increment()`, `.decrement()` |
/// | [`LwwMap<K, V>`](leptos_sync_core::LwwMap) | the map: `.with(\|map\| …)` | `.insert()`, `.remove()`, `.insert_batch()`, `.remove_batch()` |
/// | … `.entry(key)` | `Option<V>` | `.set()`, `.update()` |
/// | … `.keys()` | the sorted keys | |
/// | a record | its fields | [`transact`](Node::transact): several changes as one |
///
/// Every change is on screen at once and is stored in the background. A change that the document
/// refuses, such as a value beyond its limit, is not made; its reason is in the status signals, or
/// returned by `transact`.
pub struct Node<T: 'static> {
    /// `None` in what was made of a node whose owner was gone already.
    point: Option<Place>,
    defined_at: &'static Location<'static>,
    kind: PhantomData<fn() -> T>,
}

type Place = StoredValue<Arc<Point>>;

/// What a node stands for, with the places of its fields' nodes: they live and end with it.
///
/// The same for nodes of all types, so that a page has its code once.
struct Point {
    /// An `Arc<dyn Source<T>>`.
    source: Box<dyn Any + Send + Sync>,
    fields: Mutex<Vec<(&'static str, Place)>>,
    owner: Option<Owner>,
}

impl Point {
    /// A point that belongs to the current owner.
    fn place(source: Box<dyn Any + Send + Sync>) -> Place {
        StoredValue::new(Arc::new(Self {
            source,
            fields: Mutex::new(Vec::new()),
            owner: Owner::current(),
        }))
    }

    /// The place of a field, made when it is first asked for.
    fn field(&self, name: &'static str, source: &dyn Fn() -> Box<dyn Any + Send + Sync>) -> Place {
        let mut fields = self.fields.lock();
        if let Some((_, known)) = fields.iter().find(|(known, _)| *known == name) {
            return *known;
        }
        let source = source();
        let place = match &self.owner {
            Some(owner) => owner.with(|| Self::place(source)),
            None => Self::place(source),
        };
        fields.push((name, place));
        place
    }

    fn source<T: 'static>(&self) -> Option<Arc<dyn Source<T>>> {
        self.source.downcast_ref().map(Arc::clone)
    }
}

impl<T: Crdt> Node<T> {
    #[track_caller]
    pub(crate) fn new(source: Arc<dyn Source<T>>) -> Self {
        Self::at_place(Some(Point::place(Box::new(source))))
    }

    #[track_caller]
    fn at_place(point: Option<Place>) -> Self {
        Self {
            point,
            defined_at: Location::caller(),
            kind: PhantomData,
        }
    }

    /// Makes several changes as one transaction: they are shown, stored and sent together or not at
    /// all.
    ///
    /// # Errors
    ///
    /// As for [`Doc::transact`](leptos_sync_core::Doc::transact), and [`Error::is_unavailable`]
    /// when the node's owner is gone. Nothing has changed then.
    pub fn transact(&self, edit: impl FnOnce(&mut Tx<'_, T>)) -> Result<(), Error> {
        let source = self
            .source()
            .ok_or_else(|| Error::unavailable("the reactive owner of this document is gone"))?;
        let mut edit = Some(edit);
        source.transact(&mut |tx| {
            if let Some(edit) = edit.take() {
                edit(tx);
            }
        })
    }

    /// The state, tracked as a whole: whoever reads it runs again when anything in it changes.
    ///
    /// # Panics
    ///
    /// When the node's owner is gone, as leptos' signals do.
    #[track_caller]
    pub fn read_state(&self) -> ReadGuard<T> {
        self.track_whole();
        match self.source() {
            Some(source) => source.read(),
            None => panic!(
                "the reactive owner of the document used at {} is gone",
                Location::caller()
            ),
        }
    }

    /// Edits as [`transact`](Node::transact) does, for event handlers. A failure is reported to the
    /// document's status.
    ///
    /// ```
    /// # use leptos::prelude::*;
    /// # use leptos_sync_web::{Clock, Crdt, Doc, LiveDoc, LwwMap, LwwRegister, ReplicaId};
    /// #[derive(Crdt, Clone, Default)]
    /// struct List {
    ///     items: LwwMap<u64, String>,
    ///     last: LwwRegister<u64>,
    /// }
    ///
    /// # let owner = Owner::new();
    /// # owner.set();
    /// # let doc = LiveDoc::<List>::new(Doc::new(Clock::system(ReplicaId::new(1)))).node();
    /// doc.items().insert(1, "Milk".to_owned());
    /// doc.edit(|tx| {
    ///     // Before the first use of `tx`, nodes can be read: they give the state before the edit.
    ///     let first = doc.items().keys().get_untracked().first().copied();
    ///     // From then on, read through `tx`, which sees what was written.
    ///     if let Some(first) = first {
    ///         let item = tx.items().get(&first).cloned().unwrap_or_default();
    ///         tx.items().insert(first, item + " and eggs");
    ///         tx.last().set(first);
    ///     }
    ///     assert_eq!(tx.items().len(), 1);
    /// });
    /// assert_eq!(doc.items().entry(1).get_untracked().as_deref(), Some("Milk and eggs"));
    /// ```
    pub fn edit(&self, edit: impl FnOnce(&mut Tx<'_, T>)) {
        let mut edit = Some(edit);
        if let Some(source) = self.source() {
            source.edit(&mut |tx| {
                if let Some(edit) = edit.take() {
                    edit(tx);
                }
            });
        }
    }

    pub(crate) fn source(&self) -> Option<Arc<dyn Source<T>>> {
        self.point?.try_get_value()?.source()
    }

    pub(crate) fn track_whole(&self) {
        if let Some(source) = self.source() {
            source
                .triggers()
                .track(What::Whole, source.path().as_path());
        }
    }
}

impl<T: Crdt> Focus for Node<T> {
    type Record = T;
    type At<F: Crdt> = Node<F>;

    #[track_caller]
    fn focus_field<F: Crdt>(self, field: Field<T, F>) -> Node<F> {
        let place = self.point.and_then(|point| {
            let point = point.try_get_value()?;
            let record = point.source::<T>()?;
            Some(point.field(field.name, &|| {
                let source = FieldSource::new(Arc::clone(&record), field);
                Box::new(Arc::new(source) as Arc<dyn Source<F>>)
            }))
        });
        Node::at_place(place)
    }
}

impl<T> Clone for Node<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Node<T> {}

impl<T> std::fmt::Debug for Node<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node")
            .field("defined_at", &self.defined_at)
            .finish_non_exhaustive()
    }
}

impl<T> PartialEq for Node<T> {
    fn eq(&self, other: &Self) -> bool {
        self.point == other.point
    }
}

impl<T> DefinedAt for Node<T> {
    fn defined_at(&self) -> Option<&'static Location<'static>> {
        Some(self.defined_at)
    }
}

impl<T> IsDisposed for Node<T> {
    fn is_disposed(&self) -> bool {
        self.point.is_none_or(|point| point.is_disposed())
    }
}
