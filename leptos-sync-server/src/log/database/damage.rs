use std::collections::{HashMap, HashSet};

use parking_lot::Mutex;

use super::record::Checksum;
use crate::error::Error;

/// The documents of an open file that are known to be damaged, or known to be intact.
#[derive(Default)]
pub(in crate::log) struct Damage {
    /// The damaged documents, with the error to return for each.
    damaged: Mutex<HashMap<String, Error>>,
    /// The checksums of the names of audited documents. Two names collide with a probability of
    /// 2⁻⁶⁴; then the second document would skip its audit.
    audited: Mutex<HashSet<i64>>,
}

impl Damage {
    /// Rejects a document that is known to be damaged.
    pub(in crate::log) fn check(&self, document: &str) -> Result<(), Error> {
        match self.damaged.lock().get(document) {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    pub(in crate::log) fn is_audited(&self, document: &str) -> bool {
        self.audited.lock().contains(&key(document))
    }

    pub(in crate::log) fn audited(&self, document: &str) {
        self.audited.lock().insert(key(document));
    }

    /// Adds the name of a document to an error, and remembers damage.
    ///
    /// Damage is remembered only if `is_listed` returns that there is a record with that name.
    /// Other names would take unbounded memory. Their requests fail only until the damaged record
    /// is removed from the register.
    pub(in crate::log) fn of_document(
        &self,
        document: &str,
        error: Error,
        is_listed: impl FnOnce() -> bool,
    ) -> Error {
        if !error.is_damaged() {
            return error;
        }
        let error = Error::damaged(document, error);
        if !is_listed() {
            return error;
        }
        let mut damaged = self.damaged.lock();
        let first = damaged.entry(document.to_owned()).or_insert(error);
        first.clone()
    }

    /// Forgets the damage and the audit of a removed document.
    pub(in crate::log) fn removed(&self, document: &str) {
        self.damaged.lock().remove(document);
        self.audited.lock().remove(&key(document));
    }
}

fn key(document: &str) -> i64 {
    Checksum::of(0).bytes(document.as_bytes()).finish()
}
