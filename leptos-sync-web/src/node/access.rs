use std::sync::Arc;

use leptos_sync_core::{Crdt, Error, Key, LwwMap, OrSet, Tx, Value, internal::Field};

use super::ReadGuard;
use crate::live::PathTable;

/// The document of a node, without its type.
pub(crate) trait NodeDocument: Send + Sync {
    fn table(&self) -> &Arc<PathTable>;
    /// Returns whether this thread is inside an edit of the document, and reports the nested edit
    /// if so.
    fn is_nested_edit(&self) -> bool;
}

/// Access to a part of a document for a node. It knows the type of the part but not that of the
/// document.
pub(crate) trait Access<T>: Send + Sync {
    fn read(&self) -> ReadGuard<T>;
    fn transact(&self, edit: &mut dyn FnMut(&mut Tx<'_, T>)) -> Result<(), Error>;
    /// Edits the part like `transact`. Reports a failure to the document's status.
    fn edit(&self, edit: &mut dyn FnMut(&mut Tx<'_, T>));
}

/// Access to a field of a record.
pub(super) struct FieldAccess<R, F> {
    pub(super) record: Arc<dyn Access<R>>,
    pub(super) field: Field<R, F>,
}

impl<R: Crdt, F: Crdt> Access<F> for FieldAccess<R, F> {
    fn read(&self) -> ReadGuard<F> {
        self.record.read().map(self.field.get)
    }

    fn transact(&self, edit: &mut dyn FnMut(&mut Tx<'_, F>)) -> Result<(), Error> {
        self.record
            .transact(&mut |tx| Tx::with_field(tx, self.field, &mut *edit))
    }

    fn edit(&self, edit: &mut dyn FnMut(&mut Tx<'_, F>)) {
        self.record
            .edit(&mut |tx| Tx::with_field(tx, self.field, &mut *edit));
    }
}

/// Access to the value of a map's entry for a node. Its type knows neither the map nor the key.
pub(super) trait EntryAccess<V>: Send + Sync {
    fn read(&self) -> ReadGuard<Option<V>>;
    /// Writes the value, or removes the key. A failure is reported to the document's status.
    fn write(&self, value: Option<V>);
}

/// Access to an entry of an [`LwwMap`].
pub(super) struct MapEntry<K: 'static, V: 'static> {
    pub(super) map: Arc<dyn Access<LwwMap<K, V>>>,
    pub(super) key: Arc<K>,
}

impl<K: Key, V: Value> EntryAccess<V> for MapEntry<K, V> {
    fn read(&self) -> ReadGuard<Option<V>> {
        let key = Arc::clone(&self.key);
        self.map
            .read()
            .map(move |map| map.cell(&*key).unwrap_or(&None))
    }

    fn write(&self, value: Option<V>) {
        let mut value = Some(value);
        self.map.edit(&mut |tx| match value.take() {
            Some(Some(value)) => tx.insert((*self.key).clone(), value),
            _ => tx.remove(&*self.key),
        });
    }
}

/// Access to the membership of an element in an [`OrSet`], whose value is `()`.
pub(super) struct Member<T: 'static> {
    pub(super) set: Arc<dyn Access<OrSet<T>>>,
    pub(super) element: Arc<T>,
}

impl<T: Value + Ord> EntryAccess<()> for Member<T> {
    fn read(&self) -> ReadGuard<Option<()>> {
        let element = Arc::clone(&self.element);
        self.set
            .read()
            .map(move |set| match set.contains(&*element) {
                true => &Some(()),
                false => &None,
            })
    }

    fn write(&self, value: Option<()>) {
        self.set.edit(&mut |tx| match value {
            Some(()) => tx.insert((*self.element).clone()),
            None => tx.remove(&*self.element),
        });
    }
}
