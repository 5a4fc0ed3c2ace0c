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

/// What is known of the soundness of what is stored, as long as the file is open.
pub(super) struct Trust {
    /// Documents that are read and written no more, with the reason.
    damaged: Mutex<HashMap<String, Error>>,
    /// Checksums of the names of documents that were walked once. A name that shares another's would go unwalked, one in 2⁶⁴.
    audited: Mutex<HashSet<i64>>,
    /// Whether a document that is not found is not there.
    register: AtomicBool,
    /// Whether a binding that is not found is not there.
    bindings: AtomicBool,
}

impl Trust {
    /// Walks what belongs to no document. O(documents + bindings).
    pub(super) fn of(connection: &Connection) -> Self {
        Self {
            damaged: Mutex::default(),
            audited: Mutex::default(),
            // Whatever is wrong there, what can still be found is served.
            register: AtomicBool::new(register::is_intact(connection).unwrap_or(false)),
            bindings: AtomicBool::new(bindings::is_intact(connection).unwrap_or(false)),
        }
    }

    /// Refuses a document that was found to be damaged.
    pub(super) fn check(&self, document: &str) -> Result<(), Error> {
        match self.damaged.lock().get(document) {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    /// The number of a document, if there is such a one.
    pub(super) fn find(
        &self,
        connection: &Connection,
        document: &str,
    ) -> Result<Option<i64>, Error> {
        match register::find(connection, document)? {
            // It may be the one whose record is damaged.
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

    /// An error that came up with a document, with its name. Damage is remembered where there is a record of that name: of others
    /// there is no end, and they are sound again once the record is gone for which they are not said to be absent.
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

    /// Takes note that a document was removed, with whatever was wrong with it.
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
