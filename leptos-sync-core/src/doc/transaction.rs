use std::{ops::Deref, sync::Arc};

use super::{
    Doc,
    undo::{Before, Undo},
};
use crate::{
    clock::Stamp,
    crdt::{Changes, Crdt, Field, Focus, Root, SavedCell},
    delta::Delta,
    error::Error,
    limits,
    path::PathBuf,
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
    /// [`limits::REPLICAS`] others have written the document; [`Error::is_value`] when a value cannot be encoded; or what was given to [`Tx::cancel`]. The document is
    /// then as it was before.
    ///
    /// # Panics
    ///
    /// Only when `edit` does; the document is then as it was before.
    pub fn transact(&mut self, edit: impl FnOnce(&mut Tx<'_, S>)) -> Result<Transaction, Error> {
        let stamp = self.clock.tick();
        let own = VersionVector::of(stamp.replica, stamp.time);
        self.check_replicas(&own, &own)?;
        let mut open = Open {
            log: Log::new(stamp),
            doc: self,
            committed: false,
        };
        edit(&mut Tx {
            state: Arc::make_mut(&mut open.doc.state),
            log: &mut open.log,
            path: PathBuf::new(),
        });
        open.commit()
    }
}

/// A transaction that is taken back when it is dropped before it was committed.
struct Open<'a, S: Root> {
    doc: &'a mut Doc<S>,
    log: Log,
    committed: bool,
}

impl<S: Root> Open<'_, S> {
    fn commit(mut self) -> Result<Transaction, Error> {
        if let Some(error) = self.log.error.take() {
            return Err(error);
        }
        let stamp = self.log.stamp;
        let delta = self.delta(stamp)?;
        if delta.bytes() > limits::TRANSACTION_BYTES {
            return Err(too_large(delta.bytes()));
        }
        let changes = std::mem::take(&mut self.log.changes);
        self.committed = true;
        let doc = &mut *self.doc;
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

    fn delta(&self, stamp: Stamp) -> Result<Delta, Error> {
        if self.log.changes.is_empty() {
            return Ok(Delta::default());
        }
        let doc = &*self.doc;
        let after = VersionVector::of(stamp.replica, doc.version.get(stamp.replica));
        let upto = VersionVector::of(stamp.replica, stamp.time);
        // Whatever is present and is not this transaction's carries a stamp that was present before.
        Delta::write(after, upto, |out| {
            doc.state
                .write_cells(&mut PathBuf::new(), &doc.present, out);
        })
    }
}

fn too_large(bytes: usize) -> Error {
    let advice = "split it into several";
    Error::too_large(
        "transaction",
        bytes as u64,
        limits::TRANSACTION_BYTES,
        advice,
    )
}

impl<S: Root> Drop for Open<'_, S> {
    fn drop(&mut self) {
        if !self.committed && !self.log.undo.is_empty() {
            self.take_back();
        }
    }
}

impl<S: Root> Open<'_, S> {
    #[cold]
    #[inline(never)]
    fn take_back(&mut self) {
        let state = Arc::make_mut(&mut self.doc.state);
        for (path, old) in self.log.undo.back(&self.log.changes) {
            state.restore(path.segments(), old);
        }
    }
}

/// What a transaction has done so far, and how to take it back.
pub(super) struct Log {
    pub(super) stamp: Stamp,
    changes: Changes,
    undo: Undo,
    /// The bytes of the key that is being written.
    key: Vec<u8>,
    error: Option<Error>,
}

impl Log {
    /// Keeps what was replaced for the first time.
    fn settle(&mut self, before: Before, first: bool) {
        if first {
            self.undo.keep(before, self.changes.len() - 1);
        } else {
            self.undo.forget(before);
        }
        // No cell takes less than a byte. It ends here, before the places of so many paths are too many to count.
        if self.changes.len() > limits::TRANSACTION_BYTES {
            let cells = self.changes.len();
            self.error.get_or_insert_with(|| too_large(cells));
        }
    }

    fn new(stamp: Stamp) -> Self {
        Self {
            stamp,
            changes: Changes::new(),
            undo: Undo::default(),
            key: Vec::new(),
            error: None,
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
    path: PathBuf,
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

    /// Whether nothing went wrong so far.
    pub(super) fn is_sound(&self) -> bool {
        self.log.error.is_none()
    }

    /// Looks at a cell that is about to be written, as [`Undo::look`] does.
    pub(super) fn look(
        &mut self,
        old: impl FnOnce(&T, &mut Vec<u8>) -> Option<SavedCell>,
    ) -> Before {
        self.log.undo.look(|value| old(self.state, value))
    }

    /// Takes note of a change at this value's own path.
    pub(super) fn changed(&mut self, before: Before) {
        let first = self.is_first(before);
        if first {
            self.log.changes.push(self.path.as_path(), false);
        }
        self.log.settle(before, first);
    }

    /// Takes note of a change at `key` below this value's path.
    pub(super) fn changed_child(&mut self, key: &[u8], existence: bool, before: Before) {
        let first = self.is_first(before);
        if first || existence {
            self.log
                .changes
                .push_child(self.path.as_path(), key, existence);
        }
        self.log.settle(before, first);
    }

    /// Lends the buffer for a key's bytes; it is given back with [`return_key`](Tx::return_key).
    pub(super) fn take_key(&mut self) -> Vec<u8> {
        let mut key = std::mem::take(&mut self.log.key);
        key.clear();
        key
    }

    pub(super) fn return_key(&mut self, key: Vec<u8>) {
        self.log.key = key;
    }

    /// Whether a cell is replaced that this transaction had not written itself.
    fn is_first(&self, before: Before) -> bool {
        before.old.is_none_or(|old| old.stamp != self.log.stamp)
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

    fn at<F: Crdt>(self, field: Field<T, F>) -> Tx<'b, F> {
        Tx {
            state: (field.get_mut)(self.state),
            log: self.log,
            path: self.path.child(field.name.as_bytes()),
        }
    }
}

impl<'b, T: Crdt> Focus for Tx<'b, T> {
    type Record = T;
    type At<F: Crdt> = Tx<'b, F>;

    fn at<F: Crdt>(self, field: Field<T, F>) -> Tx<'b, F> {
        Tx {
            state: (field.get_mut)(self.state),
            log: self.log,
            path: self.path.child(field.name.as_bytes()),
        }
    }
}
