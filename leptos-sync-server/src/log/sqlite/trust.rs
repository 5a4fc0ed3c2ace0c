use std::{
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicBool, Ordering},
};

use parking_lot::Mutex;
use rusqlite::Connection;

use super::{
    bindings,
    record::{Checksum, Table, damaged},
    register,
};
use crate::error::Error;

/// The knowledge about the integrity of an open file.
pub(super) struct Trust {
    /// The damaged documents, with the error to return for each.
    damaged: Mutex<HashMap<String, Error>>,
    /// The checksums of the names of audited documents. Two names collide with a probability of
    /// 2⁻⁶⁴; then the second document would skip its audit.
    audited: Mutex<HashSet<i64>>,
    /// Whether a document without a record is known not to exist.
    register: AtomicBool,
    /// Whether an id without a record is known to be unbound.
    bindings: AtomicBool,
}

impl Trust {
    /// Checks the register and the bindings. O(documents + bindings).
    pub(super) fn of(connection: &Connection) -> Self {
        Self {
            damaged: Mutex::default(),
            audited: Mutex::default(),
            // If a table is damaged, the records that can be found are still served.
            register: AtomicBool::new(register::is_intact(connection).unwrap_or(false)),
            bindings: AtomicBool::new(bindings::is_intact(connection).unwrap_or(false)),
        }
    }

    /// Rejects a document that is known to be damaged.
    pub(super) fn check(&self, document: &str) -> Result<(), Error> {
        match self.damaged.lock().get(document) {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    /// Returns the number of a document, or `None` if it does not exist.
    pub(super) fn find(
        &self,
        connection: &Connection,
        document: &str,
    ) -> Result<Option<i64>, Error> {
        match register::find(connection, document)? {
            // The missing record may be the damaged one.
            None if !self.register.load(Ordering::Relaxed) => Err(damaged()),
            found => Ok(found),
        }
    }

    pub(super) fn bindings_are_intact(&self) -> bool {
        self.bindings.load(Ordering::Relaxed)
    }

    pub(super) fn is_audited(&self, document: &str) -> bool {
        self.audited.lock().contains(&key(document))
    }

    pub(super) fn audited(&self, document: &str) {
        self.audited.lock().insert(key(document));
    }

    /// Adds the name of a document to an error, and remembers damage.
    ///
    /// Damage is remembered only if the register has a record with that name. Other names would
    /// take unbounded memory. Their requests fail only until the damaged record is removed from the
    /// register.
    pub(super) fn of_document(
        &self,
        connection: &Connection,
        document: &str,
        error: Error,
    ) -> Error {
        if !error.is_damaged() {
            return error;
        }
        let error = Error::damaged(document, error);
        if !register::has(connection, document).unwrap_or(false) {
            return error;
        }
        let mut damaged = self.damaged.lock();
        let first = damaged.entry(document.to_owned()).or_insert(error);
        first.clone()
    }

    /// Records that a document was removed, together with its damage.
    pub(super) fn removed(&self, connection: &Connection, document: &str) {
        self.damaged.lock().remove(document);
        self.audited.lock().remove(&key(document));
        if !self.register.load(Ordering::Relaxed) {
            let intact = register::is_intact(connection).unwrap_or(false);
            self.register.store(intact, Ordering::Relaxed);
        }
    }
}

fn key(document: &str) -> i64 {
    Checksum::of(Table::Documents)
        .bytes(document.as_bytes())
        .finish()
}
