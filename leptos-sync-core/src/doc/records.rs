//! Writes to records in a transaction.
//!
//! The cells that an insertion or a removal ends are not kept for a rollback, because these
//! documents are created for one transaction and dropped if it fails.

use super::transaction::Tx;
use crate::crdt::{PRESENT, Records, Root};

impl<T: Root> Tx<'_, Records<T>> {
    /// Inserts a record at `key`, and replaces an existing one.
    pub(crate) fn insert(&mut self, key: &[u8]) -> Tx<'_, T> {
        let mut present = self.at_key(PRESENT, |records| &mut records.present);
        present.insert(key.to_vec(), ());
        self.at_key(key, |records| records.inserted(key))
    }

    /// Returns the record at `key`, whether it exists or not.
    pub(crate) fn record(&mut self, key: &[u8]) -> Tx<'_, T> {
        self.at_key(key, |records| {
            records.records.entry(key.to_vec()).or_default()
        })
    }

    /// Removes the record at `key`, if it exists.
    pub(crate) fn remove(&mut self, key: &[u8]) {
        let key = key.to_vec();
        self.at_key(PRESENT, |records| &mut records.present)
            .remove(&key);
        self.state().end(&key);
    }
}
