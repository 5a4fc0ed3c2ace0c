use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use leptos_sync_core::history::Epoch;
use parking_lot::Mutex;
use rusqlite::Connection;

use super::{heads, record::Table};
use crate::{
    error::Error,
    log::database::{Damage, Names, Removal, damaged, fault, names},
};

/// The names of all documents.
pub(super) const DOCUMENTS: Names = names!("documents", Table::Documents as u64);

/// The names of removed documents, with their numbers, under which their epochs remain.
const REMOVED: Names = names!("removed", Table::Removed as u64);

/// The names of users.
const USERS: Names = names!("users", Table::Users as u64);

/// The number of a removed document whose record was damaged.
const UNKNOWN: i64 = -1;

/// The state of an open file: which tables and documents are intact, and the current epoch.
pub(super) struct Tables {
    pub(super) damage: Damage,
    epoch: AtomicU64,
    /// Whether a document that is not listed is known not to exist.
    documents: AtomicBool,
    /// Whether a user that is not listed is known to have no ids.
    users: AtomicBool,
    /// The documents that may have enders, of those that were audited.
    with_enders: Mutex<BTreeSet<i64>>,
}

impl Tables {
    /// Checks the tables of names, and starts an epoch. O(documents + users).
    pub(super) fn of(connection: &Connection) -> Result<Self, Error> {
        Ok(Self {
            damage: Damage::default(),
            epoch: AtomicU64::new(Epoch::random()?.get()),
            // If a table is damaged, the records that can be found are still served.
            documents: AtomicBool::new(are_intact(connection)),
            users: AtomicBool::new(USERS.is_intact(connection).unwrap_or(false)),
            with_enders: Mutex::default(),
        })
    }

    pub(super) fn epoch(&self) -> Epoch {
        Epoch::new(self.epoch.load(Ordering::Relaxed))
    }

    /// Records that a document has an ender, or may have one.
    pub(super) fn note_ender(&self, document: i64) {
        self.with_enders.lock().insert(document);
    }

    /// Returns whether a document may have enders. If not, nothing is searched for them.
    pub(super) fn has_enders(&self, document: i64) -> bool {
        self.with_enders.lock().contains(&document)
    }

    pub(super) fn new_epoch(&self) -> Result<(), Error> {
        self.epoch.store(Epoch::random()?.get(), Ordering::Relaxed);
        Ok(())
    }

    /// Returns the number of a document, or `None` if it was never written.
    pub(super) fn find(
        &self,
        connection: &Connection,
        document: &str,
    ) -> Result<Option<i64>, Error> {
        if let Some(id) = DOCUMENTS.find(connection, document)? {
            return Ok(Some(id));
        }
        if REMOVED.find(connection, document)?.is_some() {
            return Err(Error::removed(document));
        }
        match self.documents.load(Ordering::Relaxed) {
            true => Ok(None),
            // The missing record may be the damaged one.
            false => Err(damaged()),
        }
    }

    /// Returns whether there is a record with this name, intact or damaged.
    pub(super) fn is_listed(connection: &Connection, document: &str) -> bool {
        let is_in = |names: &Names| names.has(connection, document).unwrap_or(false);
        is_in(&DOCUMENTS) || is_in(&REMOVED)
    }

    /// Creates a document without cells. The name must be unused.
    pub(super) fn create(connection: &Connection, document: &str) -> Result<i64, Error> {
        let id = DOCUMENTS.add(connection, document)?;
        heads::create(connection, id)?;
        Ok(id)
    }

    /// Removes a document, even if it is damaged. Its head and its epochs stay, and its cells and
    /// ids until they are cleared. Does nothing if it was removed before or never written.
    pub(super) fn remove(&self, connection: &Connection, document: &str) -> Result<(), Error> {
        let id = match DOCUMENTS.remove(connection, document)? {
            Removal::Removed(id) => id,
            Removal::Absent => match self.find(connection, document) {
                Err(error) if !error.is_removed() => return Err(error),
                _ => return Ok(()),
            },
        };
        if let Some(id) = id {
            connection
                .prepare_cached("INSERT INTO cleared VALUES (?1)")
                .and_then(|mut insert| insert.execute([id]))
                .map_err(fault)?;
        }
        // A damaged number may be that of another document, so keep the records with this number.
        REMOVED.add_as(connection, document, id.unwrap_or(UNKNOWN))
    }

    /// Records that a document was removed, together with its damage.
    pub(super) fn removed(&self, connection: &Connection, document: &str) {
        self.damage.removed(document);
        if !self.documents.load(Ordering::Relaxed) {
            let intact = are_intact(connection);
            self.documents.store(intact, Ordering::Relaxed);
        }
    }

    /// Returns the number of a user, or `None` if the user has no ids.
    pub(super) fn user(&self, connection: &Connection, user: &str) -> Result<Option<i64>, Error> {
        match USERS.find(connection, user)? {
            None if !self.users.load(Ordering::Relaxed) => Err(damaged()),
            found => Ok(found),
        }
    }

    pub(super) fn add_user(connection: &Connection, user: &str) -> Result<i64, Error> {
        USERS.add(connection, user)
    }
}

fn are_intact(connection: &Connection) -> bool {
    let mut all = [&DOCUMENTS, &REMOVED].into_iter();
    all.all(|names| names.is_intact(connection).unwrap_or(false))
}
