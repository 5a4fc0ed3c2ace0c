use std::sync::{Arc, RwLockWriteGuard};

use leptos_sync_core::{Doc, Error, Root, Tx, history::Entry};

use super::{
    AnyState, DocState, LiveDoc, Outgoing, PathTable,
    editing::{EditScope, nested_edit},
};
use crate::node::{Access, NodeDocument, ReadGuard};

impl<S: Root> LiveDoc<S> {
    /// Edits the document in one transaction; see [`Doc::transact`]. The change is visible
    /// immediately and is stored in the background.
    ///
    /// Inside `edit`, read the document through `tx`, which sees the edit's own writes. The
    /// document's nodes and the methods of this handle show the document before the edit, until the
    /// edit writes or selects a field of `tx`.
    ///
    /// # Errors
    ///
    /// - As for [`Doc::transact`].
    /// - [`Error::is_nested`] if `edit` reads the document other than through `tx` after it has
    ///   begun to write.
    /// - [`Error::is_nested`] inside another edit of the same document. The other edit continues.
    ///
    /// After an error, the document is unchanged.
    ///
    /// # Panics
    ///
    /// If `edit` panics. On a server, the document is unchanged. In a browser, where a panic does
    /// not unwind, this document rejects all edits until the page is reloaded. Other documents
    /// stay usable.
    pub fn transact(&self, edit: impl FnOnce(&mut Tx<'_, S>)) -> Result<(), Error> {
        let mut edit = Some(edit);
        self.run(None, &mut |tx| {
            if let Some(edit) = edit.take() {
                edit(tx);
            }
        })
    }

    /// Edits the document as [`transact`](LiveDoc::transact) does. A failure is reported to the
    /// document's status.
    pub fn edit(&self, edit: impl FnOnce(&mut Tx<'_, S>)) {
        let mut edit = Some(edit);
        self.run_reporting(&mut |tx| {
            if let Some(edit) = edit.take() {
                edit(tx);
            }
        });
    }

    fn run_reporting(&self, edit: &mut dyn FnMut(&mut Tx<'_, S>)) {
        let mut state = None;
        if let Err(error) = self.run(Some(&mut state), edit) {
            let state = state.map(|state| state as AnyState);
            self.inner.status.reject(&error, state);
        }
    }

    /// Runs an edit. If it fails, `rejected` receives the state with the edit.
    fn run(
        &self,
        rejected: Option<&mut Option<Arc<S>>>,
        edit: &mut dyn FnMut(&mut Tx<'_, S>),
    ) -> Result<(), Error> {
        let scope = EditScope::enter();
        let mut state = self.write()?;
        let DocState { replica, has_relay } = &mut *state;
        let inside = self.inner.editing.begin(replica.doc());
        let mut before_write = || inside.begin_to_write();
        let done = replica.transact_shared(&mut before_write, rejected, |tx| {
            edit(tx);
            if let Some(error) = inside.misread() {
                tx.cancel(error);
            }
        });
        drop(inside);
        let waits = *has_relay;
        drop(state);
        drop(scope);
        let done = done?;
        if !done.delta.is_empty() {
            self.inner.feed.send(&done.delta);
        }
        if let Some(entry) = &done.entry {
            self.wrote(entry, waits);
        }
        self.notify(&done.changes);
        Ok(())
    }

    /// Writes everything that `from` shows into this document.
    pub(crate) fn copy_from(&self, from: &Self) -> Result<(), Error> {
        let from = from.fork()?;
        let mut state = self.write()?;
        let (entries, changes) = state.replica.copy_from(&from)?;
        let waits = state.has_relay;
        drop(state);
        entries.iter().for_each(|entry| self.wrote(entry, waits));
        self.notify(&changes);
        Ok(())
    }

    /// Reports a new entry of the outbox. `waits` is true if a relay has to store it.
    fn wrote(&self, entry: &Entry, waits: bool) {
        self.inner.feed.send_cells(&entry.cells);
        self.inner.status.change(&mut |status| {
            status.unsaved += 1;
            status.pending += usize::from(waits);
            status.is_current = false;
        });
        // The actor may withdraw the edit.
        self.inner.status.outgoing.push(Outgoing::Edit(entry.id));
    }

    /// Returns the current document or, inside an edit, the document before the edit.
    pub(super) fn fork(&self) -> Result<Doc<S>, Error> {
        if let Some(state) = self.inner.state.try_read() {
            return Ok(fork(state.replica.doc()));
        }
        match self.inner.editing.before() {
            Some(before) => before,
            None => {
                let state = self.inner.state.read();
                Ok(fork(state.replica.doc()))
            }
        }
    }

    /// Locks the document to change it.
    ///
    /// # Errors
    ///
    /// [`Error::is_nested`] inside an edit of the document.
    pub(super) fn write(&self) -> Result<RwLockWriteGuard<'_, DocState<S>>, Error> {
        match self.inner.state.try_write() {
            Some(state) => Ok(state),
            None if self.inner.editing.is_inside() => Err(nested_edit()),
            None => Ok(self.inner.state.write()),
        }
    }
}

/// Returns a copy that shares the state.
fn fork<S: Root>(doc: &Doc<S>) -> Doc<S> {
    doc.fork(doc.replica())
}

impl<S: Root> Access<S> for LiveDoc<S> {
    fn read(&self) -> ReadGuard<S> {
        if let Some(state) = self.inner.state.try_read() {
            return ReadGuard::new(state.replica.doc().shared_state());
        }
        // Inside an edit that has begun to write, return the default. The edit is cancelled, so
        // nobody else sees it.
        ReadGuard::new(match self.fork() {
            Ok(doc) => doc.shared_state(),
            Err(_) => Arc::default(),
        })
    }

    fn transact(&self, edit: &mut dyn FnMut(&mut Tx<'_, S>)) -> Result<(), Error> {
        self.run(None, edit)
    }

    fn edit(&self, edit: &mut dyn FnMut(&mut Tx<'_, S>)) {
        self.run_reporting(edit);
    }
}

impl<S: Root> NodeDocument for LiveDoc<S> {
    fn is_nested_edit(&self) -> bool {
        let is_nested = self.inner.editing.is_inside();
        if is_nested {
            self.run_reporting(&mut |_| {});
        }
        is_nested
    }

    fn table(&self) -> &Arc<PathTable> {
        &self.inner.table
    }
}
