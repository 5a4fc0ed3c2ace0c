use std::{ops::Deref, sync::Arc};

use super::{
    Doc,
    access::{Access, SharedField, SharedState},
    log::{Log, too_large},
    packing::packed_cell,
    replica::BaseCells,
    undo::Before,
};
use crate::{
    clock::Stamp,
    crdt::{Changes, Crdt, Field, Focus, OldCell, Root, SavedCell},
    delta::{Delta, Patch},
    error::Error,
    id::Id,
    limits,
    path::{Path, PathBuf},
};

/// The result of a transaction: what to store and send, and which cells changed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Transaction {
    /// The stamp that all its cells carry.
    pub stamp: Stamp,
    /// The cells of the transaction, as a delta that follows this replica's previous operation.
    pub delta: Delta,
    /// The paths of the changed cells.
    pub changes: Changes,
}

/// The settings of a transaction whose caller shares the document's state with readers or a relay.
pub(super) struct Setting<'a, S> {
    /// The collection that receives the cells that the transaction replaces.
    pub(super) base: Option<&'a mut BaseCells>,
    /// The callback for each cell that the transaction has replaced.
    pub(super) seen: Option<Seen<'a>>,
    /// The callback before the state is written. Called at most once. The state is copied only if a
    /// reader still shares it afterwards.
    pub(super) before_write: Option<&'a mut dyn FnMut()>,
    /// The place for the state that contains the edit, if the transaction fails.
    pub(super) rejected: Option<&'a mut Option<Arc<S>>>,
}

/// A callback for a replaced cell and its path.
pub(super) type Seen<'a> = &'a mut dyn FnMut(Path<'_>, OldCell<'_>);

impl<S> Default for Setting<'_, S> {
    fn default() -> Self {
        Self {
            base: None,
            seen: None,
            before_write: None,
            rejected: None,
        }
    }
}

impl<S: Root> Doc<S> {
    /// Runs `edit` as one transaction: all its writes carry one stamp, and either all of them or
    /// none take effect.
    ///
    /// The cost is proportional to what is written. Each new value is encoded once for the delta,
    /// and each replaced value once for a rollback.
    ///
    /// # Errors
    ///
    /// - [`Error::is_limit`] if a key, a value or the whole transaction exceeds its limit, a
    ///   counter is full, or this replica would exceed the [`limits::REPLICAS`] that may write the
    ///   document.
    /// - [`Error::is_value`] if a value cannot be encoded.
    /// - [`Error::is_clock`] if the clock's time source does not count milliseconds.
    /// - The error passed to [`Tx::cancel`].
    ///
    /// An error changes nothing.
    ///
    /// # Panics
    ///
    /// If `edit` panics. In that case, the document is unchanged.
    pub fn transact(&mut self, edit: impl FnOnce(&mut Tx<'_, S>)) -> Result<Transaction, Error> {
        self.transact_in(Setting::default(), edit)
    }

    /// Runs a transaction with settings. The delta of a document without versions has no versions.
    pub(super) fn transact_in(
        &mut self,
        setting: Setting<'_, S>,
        edit: impl FnOnce(&mut Tx<'_, S>),
    ) -> Result<Transaction, Error> {
        let stamp = self.clock.tick()?;
        if let Some(versioning) = self.versioning {
            (versioning.check)(self, stamp)?;
        }
        let mut open = OpenTransaction {
            doc: self,
            committed: false,
        };
        let doc = &mut *open.doc;
        let log = doc.log.get_or_insert_default();
        log.start(stamp);
        log.ids = doc.clock.ids().take();
        log.has_others = !doc.quarantine.is_empty() || !doc.packed.is_empty();
        let mut shared;
        let access = match setting.before_write {
            None => Access::Own(Arc::make_mut(&mut doc.state)),
            Some(before_write) => {
                shared = SharedState {
                    state: &mut doc.state,
                    before_write: Some(before_write),
                };
                Access::Shared(&mut shared)
            }
        };
        edit(&mut Tx {
            access,
            log,
            depth: 0,
        });
        let done = open.commit(setting.base, setting.seen);
        if open.committed {
            open.doc.pack_many();
        }
        if let (Err(_), Some(rejected)) = (&done, setting.rejected) {
            *rejected = Some(open.doc.shared_state());
        }
        done
    }
}

/// A transaction that is rolled back if it is dropped before the commit.
struct OpenTransaction<'a, S: Root> {
    doc: &'a mut Doc<S>,
    committed: bool,
}

impl<S: Root> OpenTransaction<'_, S> {
    fn commit(
        &mut self,
        mut base: Option<&mut BaseCells>,
        mut seen: Option<Seen<'_>>,
    ) -> Result<Transaction, Error> {
        let doc = &mut *self.doc;
        let log = doc.log.get_or_insert_default();
        if let Some(error) = log.error.take() {
            return Err(error);
        }
        let stamp = log.stamp;
        let mut delta = Delta::default();
        if !log.changes.is_empty() {
            let (parts, changes, count) = (&log.parts, &log.changes, log.undo.cells());
            let cells = Patch::write(&mut log.cells, stamp.time, |out| {
                // The reservation assumes cells of average size. A single cell may take more, so
                // reserve for at least four.
                out.reserve(count.max(4));
                let state = &doc.state;
                parts.for_each(changes, &mut |part| {
                    state.write_stamped(part.segments(), part, stamp, out);
                });
            })?;
            delta = Delta::of_cells(cells);
        }
        if delta.bytes() > limits::TRANSACTION_BYTES {
            return Err(too_large(delta.bytes()));
        }
        if let Some(end_records) = log.end_records {
            end_records(log, &mut doc.quarantine);
        }
        if base.is_some() || seen.is_some() {
            for (path, old) in log.undo.old_cells(&log.changes) {
                let path = path.to_owned();
                let old = old.or_else(|| packed_cell(&doc.packed, &path));
                if let (Some(seen), Some(old)) = (&mut seen, old) {
                    seen(path.as_path(), old);
                }
                if let Some(base) = &mut base {
                    base.cover(&path, || old);
                }
            }
        }
        let changes = log.take_changes();
        self.committed = true;
        if !doc.quarantine.is_empty() {
            for change in changes.iter() {
                doc.quarantine.remove(&change.path.to_owned());
            }
        }
        if let Some(versioning) = doc.versioning
            && !delta.is_empty()
        {
            (versioning.commit)(doc, stamp, &mut delta);
        }
        Ok(Transaction {
            stamp,
            delta,
            changes,
        })
    }

    #[cold]
    #[inline(never)]
    fn roll_back(&mut self) {
        if let Some(log) = &self.doc.log {
            for (path, old) in log.undo.old_cells(&log.changes) {
                Arc::make_mut(&mut self.doc.state).restore(path.segments(), old);
            }
        }
    }
}

impl<S: Root> Drop for OpenTransaction<'_, S> {
    fn drop(&mut self) {
        if !self.committed {
            self.roll_back();
        }
        if let Some(log) = &mut self.doc.log {
            *self.doc.clock.ids() = log.ids.take();
            if !log.clear() {
                self.doc.log = None;
            }
        }
    }
}

/// An open transaction on a `T`: the whole document, or a field that an accessor generated by
/// `#[derive(Crdt)]` selects.
///
/// `Tx<T>` dereferences to `T`, so a transaction reads with the methods of the type, and it sees
/// its own writes:
///
/// | `T` | reads | writes |
/// |---|---|---|
/// | [`LwwRegister`](crate::LwwRegister) | `get` | `set`, `update` |
/// | [`LwwMap`](crate::LwwMap) | `get`, `contains`, `len`, `keys`, `iter` | `insert`, `update`, `remove` |
/// | [`OrSet`](crate::OrSet) | `contains`, `len`, `iter` | `insert`, `remove`, `toggle` |
/// | [`MvRegister`](crate::MvRegister) | `get`, `values`, `is_conflicted` | `set` |
/// | [`GCounter`](crate::GCounter) | `value` | `increment` |
/// | [`PnCounter`](crate::PnCounter) | `value` | `increment`, `decrement` |
/// | a record | its fields | its fields |
///
/// A read borrows from the transaction. Copy or clone what you need beyond the next write.
///
/// An error is kept until the end of the transaction, which then fails as a whole. Writes after the
/// error are skipped.
///
/// ```
/// use leptos_sync_core::{Clock, Crdt, Doc, LwwMap, LwwRegister, PnCounter, ReplicaId};
///
/// #[derive(Crdt, Clone, Default)]
/// struct Shop {
///     name: LwwRegister<String>,
///     stock: LwwMap<String, u32>,
///     sold: PnCounter,
/// }
///
/// let mut shop = Doc::<Shop>::new(Clock::system(ReplicaId::new(1)));
/// shop.transact(|tx| {
///     tx.name().set("Corner shop".to_owned());
///     tx.stock().insert("apples".to_owned(), 3);
///     tx.stock().insert("pears".to_owned(), 0);
///     assert_eq!(tx.stock().len(), 2, "a transaction reads what it wrote");
///
///     let apples = tx.stock().get("apples").copied().unwrap_or_default();
///     if apples > 0 {
///         tx.stock().insert("apples".to_owned(), apples - 1);
///         tx.sold().increment(1);
///     }
///     let names: Vec<String> = tx.stock().keys().cloned().collect();
///     for name in names {
///         if tx.stock().get(&name) == Some(&0) {
///             tx.stock().remove(&name);
///         }
///     }
///     assert!(!tx.stock().contains("pears"));
///     assert_eq!(tx.sold().value(), 1);
/// })?;
/// assert_eq!(shop.state().stock.get("apples"), Some(&2));
/// # Ok::<(), leptos_sync_core::Error>(())
/// ```
pub struct Tx<'a, T> {
    access: Access<'a, T>,
    pub(super) log: &'a mut Log,
    /// The length of this value's path in bytes, within the log's path.
    depth: usize,
}

impl<T> Tx<'_, T> {
    /// Returns the stamp of this transaction, which all its cells carry.
    ///
    /// No other transaction has it, so it can serve as the key of one item. For several items in
    /// one transaction, use `(tx.stamp(), n)` or an [`Id`](crate::Id).
    pub fn stamp(&self) -> Stamp {
        self.log.stamp
    }

    /// Rolls the transaction back when it ends. [`Doc::transact`] then returns `error`, or an
    /// earlier error if there was one.
    pub fn cancel(&mut self, error: Error) {
        self.log.error.get_or_insert(error);
    }

    /// Returns an id that nothing else in the document has, and that no other writer creates.
    pub(super) fn new_id(&mut self) -> Id {
        self.log.ids.next()
    }

    /// Saves a cell before it is written, like [`Undo::look`](super::undo::Undo::look). Returns
    /// `None` if the transaction has failed.
    pub(super) fn look(
        &mut self,
        key: impl FnOnce(&mut Vec<u8>) -> Result<(), Error>,
        old: impl FnOnce(&T, &mut Vec<u8>) -> Option<SavedCell>,
    ) -> Option<Before> {
        if self.log.error.is_some() {
            return None;
        }
        let state = self.access.get();
        let looked = self.log.undo.look(key, |value| old(state, value));
        looked.map_err(|error| self.cancel(error)).ok()
    }

    /// Runs a check of a value that is about to be written. Returns whether the transaction may
    /// continue; it fails with the first error. The check may append to the buffer and must restore
    /// it.
    pub(super) fn allows(&mut self, check: impl FnOnce(&mut Vec<u8>) -> Result<(), Error>) -> bool {
        if self.log.error.is_some() {
            return false;
        }
        let checked = check(self.log.undo.scratch());
        checked.map_err(|error| self.cancel(error)).is_ok()
    }

    /// Returns the path of this value.
    pub(super) fn path(&mut self) -> PathBuf {
        self.log.path.truncate(self.depth);
        self.log.path.clone()
    }

    /// Records a write to the cell at this value's own path.
    pub(super) fn changed(&mut self, before: Before) {
        self.log.note_own(self.depth, before);
    }

    /// Records a write to one cell below this value's path. The transaction's delta does not visit
    /// the value's other cells.
    pub(super) fn changed_cell(&mut self, before: Before, existence: bool) {
        self.log.note_cell(self.depth, before, existence);
    }

    /// Records a write to a cell below this value's path.
    pub(super) fn changed_child(&mut self, before: Before, existence: bool) {
        self.log.note(self.depth, before, existence);
    }
}

impl<T> Tx<'_, T> {
    /// Returns the value for writing.
    #[inline]
    pub(super) fn state(&mut self) -> &mut T {
        self.access.get_mut()
    }

    /// Returns the same transaction with exclusive access to the value, so that many writes acquire
    /// it only once.
    pub(super) fn owned(&mut self) -> Tx<'_, T> {
        Tx {
            access: Access::Own(self.access.get_mut()),
            log: self.log,
            depth: self.depth,
        }
    }

    /// Narrows the transaction to the part at `key`.
    pub(super) fn at_key<F>(
        &mut self,
        key: &[u8],
        part: impl FnOnce(&mut T) -> &mut F,
    ) -> Tx<'_, F> {
        Tx {
            depth: self.log.enter(self.depth, key),
            access: Access::Own(part(self.access.get_mut())),
            log: self.log,
        }
    }
}

impl<R: Crdt> Tx<'_, R> {
    /// Runs `edit` on a field. Unlike the accessors of `#[derive(Crdt)]`, it leaves the state
    /// shared with readers until `edit` writes.
    #[doc(hidden)]
    pub fn with_field<F: Crdt>(
        tx: &mut Self,
        field: Field<R, F>,
        edit: impl FnOnce(&mut Tx<'_, F>),
    ) {
        let depth = tx.log.enter(tx.depth, field.name.as_bytes());
        let mut shared;
        let access = match &mut tx.access {
            Access::Own(record) => Access::Own((field.get_mut)(record)),
            Access::Shared(record) => {
                shared = SharedField {
                    record: &mut **record,
                    field,
                };
                Access::Shared(&mut shared)
            }
        };
        edit(&mut Tx {
            access,
            log: tx.log,
            depth,
        });
    }
}

impl<T> Deref for Tx<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.access.get()
    }
}

impl<'b, T: Crdt> Focus for &'b mut Tx<'_, T> {
    type Record = T;
    type At<F: Crdt> = Tx<'b, F>;

    fn focus_field<F: Crdt>(self, field: Field<T, F>) -> Tx<'b, F> {
        self.at_key(field.name.as_bytes(), field.get_mut)
    }
}

impl<'b, T: Crdt> Focus for Tx<'b, T> {
    type Record = T;
    type At<F: Crdt> = Tx<'b, F>;

    fn focus_field<F: Crdt>(self, field: Field<T, F>) -> Tx<'b, F> {
        Tx {
            depth: self.log.enter(self.depth, field.name.as_bytes()),
            access: Access::Own((field.get_mut)(self.access.into_mut())),
            log: self.log,
        }
    }
}
