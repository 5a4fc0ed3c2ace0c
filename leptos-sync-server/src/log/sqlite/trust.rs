use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;

use super::{bindings, register::DOCUMENTS};
use crate::{
    error::Error,
    log::database::{Damage, damaged},
};

/// The knowledge about the integrity of an open file.
pub(super) struct Trust {
    pub(super) damage: Damage,
    /// Whether a document without a record is known not to exist.
    register: AtomicBool,
    /// Whether an id without a record is known to be unbound.
    bindings: AtomicBool,
}

impl Trust {
    /// Checks the register and the bindings. O(documents + bindings).
    pub(super) fn of(connection: &Connection) -> Self {
        Self {
            damage: Damage::default(),
            // If a table is damaged, the records that can be found are still served.
            register: AtomicBool::new(DOCUMENTS.is_intact(connection).unwrap_or(false)),
            bindings: AtomicBool::new(bindings::is_intact(connection).unwrap_or(false)),
        }
    }

    /// Returns the number of a document, or `None` if it does not exist.
    pub(super) fn find(
        &self,
        connection: &Connection,
        document: &str,
    ) -> Result<Option<i64>, Error> {
        match DOCUMENTS.find(connection, document)? {
            // The missing record may be the damaged one.
            None if !self.register.load(Ordering::Relaxed) => Err(damaged()),
            found => Ok(found),
        }
    }

    pub(super) fn bindings_are_intact(&self) -> bool {
        self.bindings.load(Ordering::Relaxed)
    }

    /// Records that a document was removed, together with its damage.
    pub(super) fn removed(&self, connection: &Connection, document: &str) {
        self.damage.removed(document);
        if !self.register.load(Ordering::Relaxed) {
            let intact = DOCUMENTS.is_intact(connection).unwrap_or(false);
            self.register.store(intact, Ordering::Relaxed);
        }
    }
}
