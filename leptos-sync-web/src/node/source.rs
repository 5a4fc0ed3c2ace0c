use std::sync::Arc;

use leptos_sync_core::{Crdt, Error, Tx, cells::PathBuf, internal::Field};

use super::ReadGuard;
use crate::live::Triggers;

/// Where a node's value comes from and goes to: a document, or a field of something that has a
/// source.
///
/// The node knows only its own type by it, not the document's.
pub(crate) trait Source<T>: Send + Sync {
    fn read(&self) -> ReadGuard<T>;
    fn transact(&self, edit: &mut dyn FnMut(&mut Tx<'_, T>)) -> Result<(), Error>;
    /// As `transact`; a failure is reported to the document's status.
    fn edit(&self, edit: &mut dyn FnMut(&mut Tx<'_, T>));
    /// Reports an edit inside an edit. Returns whether this is one.
    fn is_nested_edit(&self) -> bool;
    fn triggers(&self) -> &Triggers;
    fn path(&self) -> PathBuf;
}

/// A field of a record.
pub(super) struct FieldSource<R, F> {
    record: Arc<dyn Source<R>>,
    field: Field<R, F>,
    path: PathBuf,
}

impl<R, F> FieldSource<R, F> {
    pub(super) fn new(record: Arc<dyn Source<R>>, field: Field<R, F>) -> Self {
        let path = record.path().child(field.name.as_bytes());
        Self {
            record,
            field,
            path,
        }
    }
}

impl<R: Crdt, F: Crdt> Source<F> for FieldSource<R, F> {
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

    fn is_nested_edit(&self) -> bool {
        self.record.is_nested_edit()
    }

    fn triggers(&self) -> &Triggers {
        self.record.triggers()
    }

    fn path(&self) -> PathBuf {
        self.path.clone()
    }
}
