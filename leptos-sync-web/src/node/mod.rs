//! Reactive nodes: a document and its parts as things that leptos can read, track and update.

mod counter;
mod entry;
mod guard;
mod keys;
mod map;
mod register;
mod source;

use std::{any::Any, panic::Location, sync::Arc};

use leptos::prelude::*;
use leptos_sync_core::{Crdt, Error, Field, Focus, Tx};
use parking_lot::Mutex;

use self::source::FieldSource;
pub(crate) use self::source::Source;
pub use self::{
    entry::{Entry, EntryGuard},
    guard::ReadGuard,
    keys::Keys,
};
pub(crate) use crate::live::What;

/// A part of a document, or the whole of it, as a node of the reactive graph.
///
/// `Copy`, like leptos' signals, and like them it lives as long as the reactive owner under which the document was
/// opened. The methods that `#[derive(Crdt)]` makes narrow it to a field: `doc.title()` is a
/// `Node<LwwRegister<String>>`. What a node can do depends on what it stands for:
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
/// Every change is on screen at once and is stored in the background. A change that the document refuses, such as a
/// value beyond its limit, is not made; its reason is in the status signals, or returned by `transact`.
pub struct Node<T: 'static> {
    /// `None` in what was made of a node whose owner was gone already.
    point: Option<StoredValue<Arc<Point<T>>>>,
    defined_at: &'static Location<'static>,
}

/// What a node stands for, with the nodes that were made of its fields: they live and end with it.
struct Point<T> {
    source: Arc<dyn Source<T>>,
    fields: Mutex<Vec<(&'static str, Box<dyn Any + Send>)>>,
    owner: Option<Owner>,
}

impl<T: Crdt> Node<T> {
    #[track_caller]
    pub(crate) fn new(source: Arc<dyn Source<T>>) -> Self {
        Self {
            point: Some(StoredValue::new(Arc::new(Point {
                source,
                fields: Mutex::new(Vec::new()),
                owner: Owner::current(),
            }))),
            defined_at: Location::caller(),
        }
    }

    /// Makes several changes as one transaction: they are shown, stored and sent together or not at all.
    ///
    /// # Errors
    ///
    /// As for [`Doc::transact`](leptos_sync_core::Doc::transact), and [`Error::is_unavailable`] when the node's owner
    /// is gone. Nothing has changed then.
    pub fn transact(&self, edit: impl FnOnce(&mut Tx<'_, T>)) -> Result<(), Error> {
        let source = self
            .source()
            .ok_or_else(|| Error::unavailable("the reactive owner of this document is gone"))?;
        let mut edit = Some(edit);
        source.edit(&mut |tx| {
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
    pub fn state(&self) -> ReadGuard<T> {
        self.track_whole();
        match self.source() {
            Some(source) => source.read(),
            None => panic!(
                "the reactive owner of the document used at {} is gone",
                Location::caller()
            ),
        }
    }

    /// As [`transact`](Node::transact), for event handlers: a failure goes into the status signals.
    pub fn edit(&self, edit: impl FnOnce(&mut Tx<'_, T>)) {
        if let Some(source) = self.source()
            && let Err(error) = self.transact(edit)
        {
            source.failed(error);
        }
    }

    pub(crate) fn source(&self) -> Option<Arc<dyn Source<T>>> {
        self.point?
            .try_with_value(|point| Arc::clone(&point.source))
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
    fn at<F: Crdt>(self, field: Field<T, F>) -> Node<F> {
        let Some(point) = self.point.and_then(|point| point.try_get_value()) else {
            return Node {
                point: None,
                defined_at: Location::caller(),
            };
        };
        let mut fields = point.fields.lock();
        let known = fields
            .iter()
            .find(|(name, _)| *name == field.name)
            .and_then(|(_, node)| node.downcast_ref::<Node<F>>());
        if let Some(node) = known {
            return *node;
        }
        let source: Arc<dyn Source<F>> =
            Arc::new(FieldSource::new(Arc::clone(&point.source), field));
        let node = match &point.owner {
            Some(owner) => owner.with(|| Node::new(source)),
            None => Node::new(source),
        };
        fields.push((field.name, Box::new(node)));
        node
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
