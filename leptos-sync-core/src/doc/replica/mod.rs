//! A document that is exchanged with a relay by positions in the relay's history.

mod base_cells;
mod comparison;
mod copy;
mod exchange;
mod local;
mod path_steps;
mod pending;
mod progress;
mod read;
mod reject;
mod rename;
mod restamp;
mod saving;
mod sending;
mod session;
mod settle;
mod siblings;
mod steps;
mod tabs;
mod users;

use std::sync::Arc;

pub use self::{
    comparison::RangeDifference, pending::Pending, progress::Progress, sending::Readiness,
    siblings::OutboxChange, tabs::EntryJoin,
};

pub(super) use self::base_cells::BaseCells;
use self::exchange::Exchange;
pub(crate) use self::saving::Saved;
use super::{Doc, Tx, transaction::Setting};
use crate::{
    clock::{Clock, Time},
    crdt::{Changes, Quarantine, Root},
    delta::Delta,
    error::Error,
    history::Entry,
    id::ReplicaId,
};

/// A document with its outbox and its place in its relay's history.
///
/// The *base* is what the relay has sent. The *outbox* has the entries, one per transaction, that
/// the base does not contain yet. The document shows both, joined. A replica keeps no versions, so
/// that its cost does not depend on how many replicas ever wrote.
///
/// A replica does no IO. Its driver performs these steps, and each step is one call:
///
/// ```text
/// start ─▶ opened ─┬─▶ page … page ─────────────────────────┬─▶ settle ─▶ next_entries, acknowledged,
///                  │                                        │             restamp, reject, page …
///                  └─▶ range, offered … adopted, compared ─▶ page …
/// ```
///
/// An error of a step means that the relay's answer cannot be used; the driver ends the session and
/// opens the document again. Every step can be the last one before a crash.
pub struct Replica<S> {
    doc: Doc<S>,
    exchange: Exchange,
}

/// The result of a transaction.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReplicaTransaction {
    /// The entry of the outbox, or `None` if the transaction wrote nothing.
    pub entry: Option<Entry>,
    /// The cells, if the document [has versions](Replica::of_versioned). Else it is empty.
    pub delta: Delta,
    /// The paths of the changed cells.
    pub changes: Changes,
}

/// An entry that the relay has rejected, and that was rolled back.
#[derive(Clone)]
#[non_exhaustive]
pub struct RejectedEntry<S> {
    /// The entry.
    pub entry: Entry,
    /// The changes of the document that the rollback made.
    pub changes: Changes,
    /// The state that contained the entry. Later edits do not change it.
    pub before: Arc<S>,
}

impl<S: Root> Replica<S> {
    /// Creates an empty replica. `clock` stamps its transactions; its replica id is not used.
    pub fn new(clock: Clock) -> Self {
        Self::with_random(clock, || Ok(ReplicaId::random()?.get()))
    }

    /// Creates a replica with another source of the random numbers that identify writers and
    /// entries. For tests that are repeatable.
    pub fn with_random(mut clock: Clock, random: fn() -> Result<u64, Error>) -> Self {
        clock.set_random(random);
        Self {
            doc: Doc::without_versions(clock),
            exchange: Exchange::new(random),
        }
    }

    /// Sets the number of paths that are compared at a time. For tests.
    pub fn set_compared_paths(&mut self, most: usize) {
        self.exchange.compared_paths = most;
    }

    /// Creates the replica of a document with versions, which no relay exchanges. Transactions add
    /// nothing to the outbox.
    pub fn of_versioned(doc: Doc<S>) -> Self {
        Self {
            doc,
            exchange: Exchange::new(|| Err(Error::unavailable("there is no outbox"))),
        }
    }

    /// Returns the document, with the outbox.
    pub fn doc(&self) -> &Doc<S> {
        &self.doc
    }

    /// Returns the place in the relay's history.
    pub fn progress(&self) -> &Progress {
        &self.exchange.progress
    }

    /// Returns the outbox, in order.
    pub fn entries(&self) -> &[Pending] {
        &self.exchange.entries
    }

    /// Returns the id under which this page writes, once it has written.
    pub fn own_id(&self) -> Option<ReplicaId> {
        self.exchange.own.map(|(own, _)| own.replica)
    }

    /// Edits the document, and adds an entry to the outbox. O(cells written).
    ///
    /// # Errors
    ///
    /// Those of [`Doc::transact`]. An error changes nothing.
    pub fn transact(
        &mut self,
        edit: impl FnOnce(&mut Tx<'_, S>),
    ) -> Result<ReplicaTransaction, Error> {
        self.transact_in(Setting::default(), edit)
    }

    /// Edits a document whose state readers share while `edit` runs.
    ///
    /// `before_write` is called once, before the first write or the first use of a field's
    /// accessor. If readers release the state then, it is not copied. If the transaction fails,
    /// `rejected` receives the state that contains the edit, which costs a copy of the state.
    ///
    /// # Errors
    ///
    /// Those of [`Doc::transact`]. An error changes nothing.
    pub fn transact_shared(
        &mut self,
        before_write: &mut dyn FnMut(),
        rejected: Option<&mut Option<Arc<S>>>,
        edit: impl FnOnce(&mut Tx<'_, S>),
    ) -> Result<ReplicaTransaction, Error> {
        let setting = Setting {
            before_write: Some(before_write),
            rejected,
            ..Setting::default()
        };
        self.transact_in(setting, edit)
    }

    fn transact_in(
        &mut self,
        setting: Setting<'_, S>,
        edit: impl FnOnce(&mut Tx<'_, S>),
    ) -> Result<ReplicaTransaction, Error> {
        let is_versioned = self.doc.versioning.is_some();
        let (own, hash) = match is_versioned {
            true => Default::default(),
            false => self.exchange.next_names()?,
        };
        if !is_versioned {
            self.doc.set_replica(own);
        }
        let mut seen = Quarantine::default();
        let mut see = |path: crate::path::Path<'_>, old: crate::crdt::OldCell<'_>| {
            let value = old.value.filter(|_| old.is_count);
            if old.stamp.time > Time::ZERO {
                seen.put(path.to_owned(), old.stamp, value, None);
            }
        };
        let setting = Setting {
            base: (!is_versioned).then_some(&mut self.exchange.base),
            seen: (!is_versioned).then_some(&mut see),
            before_write: setting.before_write.map(|hook| hook as &mut dyn FnMut()),
            rejected: setting.rejected,
        };
        let mut done = self.doc.transact_in(setting, edit)?;
        let mut entry = None;
        if !is_versioned && !done.delta.is_empty() {
            let cells = std::mem::take(&mut done.delta).into_cells();
            let (exchange, time) = (&mut self.exchange, done.stamp.time);
            entry = Some(exchange.add_own(own, hash, time, cells, seen));
        }
        Ok(ReplicaTransaction {
            entry,
            delta: done.delta,
            changes: done.changes,
        })
    }
}
