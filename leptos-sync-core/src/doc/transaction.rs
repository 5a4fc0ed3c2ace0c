use std::{ops::Deref, sync::Arc};

use super::{
    Doc,
    log::{Log, too_large},
    undo::Before,
};
use crate::{
    clock::Stamp,
    crdt::{Changes, Crdt, Field, Focus, OldCell, Root, SavedCell},
    delta::Delta,
    error::Error,
    limits,
    path::Path,
    version::VersionVector,
};

/// What a transaction did: to store, to send, to notify of.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// The stamp that all its cells carry.
    pub stamp: Stamp,
    /// Its cells, as the delta that follows this replica's operation before.
    pub delta: Delta,
    /// Which cells it changed.
    pub changes: Changes,
}

impl<S: Root> Doc<S> {
    /// Edits the document: everything that `edit` does happens under one stamp, and all of it or nothing.
    ///
    /// Costs what is written: the new values are encoded once for the delta, the values they replace once for taking
    /// the transaction back.
    ///
    /// # Errors
    ///
    /// [`Error::is_limit`] when a key, a value or the whole transaction is larger than its limit, a counter is full, or
    /// [`limits::REPLICAS`] others have written the document; [`Error::is_value`] when a value cannot be encoded; [`Error::is_clock`] when the clock's time source returns no
    /// milliseconds; or what was given to [`Tx::cancel`]. The document is
    /// then as it was before.
    ///
    /// # Panics
    ///
    /// Only when `edit` does; the document is then as it was before.
    pub fn transact(&mut self, edit: impl FnOnce(&mut Tx<'_, S>)) -> Result<Transaction, Error> {
        self.transact_noting(edit, ())
    }

    /// The same; `note` is told of each cell that was replaced, once it is sure that it stays so.
    pub(super) fn transact_noting(
        &mut self,
        edit: impl FnOnce(&mut Tx<'_, S>),
        note: impl Note,
    ) -> Result<Transaction, Error> {
        let stamp = self.clock.tick()?;
        let own = VersionVector::of(stamp.replica, stamp.time);
        self.check_replicas(&own, &own)?;
        let open = Open {
            doc: self,
            committed: false,
        };
        let doc = &mut *open.doc;
        let log = doc.log.get_or_insert_default();
        log.start(stamp);
        edit(&mut Tx {
            state: Arc::make_mut(&mut doc.state),
            log,
            depth: 0,
        });
        open.commit(note)
    }
}

/// Who wants to know which cells a transaction has replaced.
pub(super) trait Note {
    /// The transaction stays; `each` tells of its cells, the last first.
    fn replaced(&mut self, each: impl FnOnce(&mut dyn FnMut(Path<'_>, Option<OldCell<'_>>)));
}

/// Nobody: it costs nothing.
impl Note for () {
    #[inline(always)]
    fn replaced(&mut self, _: impl FnOnce(&mut dyn FnMut(Path<'_>, Option<OldCell<'_>>))) {}
}

/// A transaction that is taken back when it is dropped before it was committed.
struct Open<'a, S: Root> {
    doc: &'a mut Doc<S>,
    committed: bool,
}

impl<S: Root> Open<'_, S> {
    fn commit(mut self, mut note: impl Note) -> Result<Transaction, Error> {
        let doc = &mut *self.doc;
        let log = doc.log.get_or_insert_default();
        if let Some(error) = log.error.take() {
            return Err(error);
        }
        let stamp = log.stamp;
        let mut delta = Delta::default();
        if !log.changes.is_empty() {
            let after = VersionVector::of(stamp.replica, doc.version.get(stamp.replica));
            let upto = VersionVector::of(stamp.replica, stamp.time);
            let (cells, path) = (&mut log.cells, &mut log.path);
            path.truncate(0);
            // Whatever is present and is not this transaction's carries a stamp that was present before.
            delta = Delta::write(cells, after, upto, |out| {
                doc.state.write_cells(path, &doc.present, out);
            })?;
        }
        if delta.bytes() > limits::TRANSACTION_BYTES {
            return Err(too_large(delta.bytes()));
        }
        note.replaced(|note| {
            for (path, old) in log.undo.back(&log.changes) {
                note(path, old);
            }
        });
        let changes = log.take_changes();
        self.committed = true;
        if !doc.quarantine.is_empty() {
            for change in changes.iter() {
                doc.quarantine.remove(&change.path.to_owned());
            }
        }
        doc.version.join(delta.upto());
        doc.present.join(delta.upto());
        Ok(Transaction {
            stamp,
            delta,
            changes,
        })
    }

    #[cold]
    #[inline(never)]
    fn take_back(&mut self) {
        if let Some(log) = &self.doc.log {
            for (path, old) in log.undo.back(&log.changes) {
                // Nobody else has it any more: the first write took it over.
                Arc::make_mut(&mut self.doc.state).restore(path.segments(), old);
            }
        }
    }
}

impl<S: Root> Drop for Open<'_, S> {
    fn drop(&mut self) {
        if !self.committed {
            self.take_back();
        }
        if let Some(log) = &mut self.doc.log
            && !log.clear()
        {
            self.doc.log = None;
        }
    }
}

/// An open transaction on a `T`: the whole document, or, by the methods that `#[derive(Crdt)]` makes, one field of it.
///
/// It reads as a `&T` does, and sees what was written before. An error is kept until the end of the transaction, which
/// then fails as a whole; what is written after it is not done.
pub struct Tx<'a, T> {
    pub(super) state: &'a mut T,
    log: &'a mut Log,
    /// How much of the log's path is this value's.
    depth: usize,
}

impl<T> Tx<'_, T> {
    /// The stamp that everything written in this transaction carries: unique to it, so it can serve as an id.
    pub fn stamp(&self) -> Stamp {
        self.log.stamp
    }

    /// Takes the transaction back when it ends: [`Doc::transact`] returns `error`, or one that came up before.
    pub fn cancel(&mut self, error: Error) {
        self.log.error.get_or_insert(error);
    }

    /// The part of the value that stands at `key`.
    pub(super) fn below<F>(
        &mut self,
        key: &[u8],
        part: impl FnOnce(&mut T) -> &mut F,
    ) -> Tx<'_, F> {
        Tx {
            depth: self.log.enter(self.depth, key),
            state: part(self.state),
            log: self.log,
        }
    }

    /// Looks at a cell that is about to be written, as [`Undo::look`](super::undo::Undo::look) does. `None` where
    /// something went wrong, now or before.
    pub(super) fn look(
        &mut self,
        key: impl FnOnce(&mut Vec<u8>) -> Result<(), Error>,
        old: impl FnOnce(&T, &mut Vec<u8>) -> Option<SavedCell>,
    ) -> Option<Before> {
        if self.log.error.is_some() {
            return None;
        }
        let looked = self.log.undo.look(key, |value| old(self.state, value));
        looked.map_err(|error| self.cancel(error)).ok()
    }

    /// Takes note that the one cell at this value's own path was written.
    pub(super) fn changed(&mut self, before: Before) {
        self.log.note_own(self.depth, before);
    }

    /// Takes note that a cell below this value's path was written.
    pub(super) fn changed_child(&mut self, before: Before, existence: bool) {
        self.log.note(self.depth, before, existence);
    }
}

impl<T> Deref for Tx<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.state
    }
}

impl<'b, T: Crdt> Focus for &'b mut Tx<'_, T> {
    type Record = T;
    type At<F: Crdt> = Tx<'b, F>;

    fn focus_field<F: Crdt>(self, field: Field<T, F>) -> Tx<'b, F> {
        Tx {
            state: (field.get_mut)(self.state),
            depth: self.log.enter(self.depth, field.name.as_bytes()),
            log: self.log,
        }
    }
}

impl<'b, T: Crdt> Focus for Tx<'b, T> {
    type Record = T;
    type At<F: Crdt> = Tx<'b, F>;

    fn focus_field<F: Crdt>(self, field: Field<T, F>) -> Tx<'b, F> {
        Tx {
            state: (field.get_mut)(self.state),
            depth: self.log.enter(self.depth, field.name.as_bytes()),
            log: self.log,
        }
    }
}
