use std::marker::PhantomData;

use crate::{
    crdt::{Records, Root},
    doc::Tx,
    error::Error,
    storage::index::{IndexKey, RecordKey, bytes_of},
};

/// The key of a damaged record, and the reason.
pub(super) type Unreadable = (Vec<u8>, Error);

/// An open transaction on some records of a [`Collection`](super::Collection).
///
/// Reads see the transaction's own writes. An error is kept until the end of the transaction, which
/// then fails as a whole.
pub struct CollectionTx<'a, 'b, K, T> {
    tx: &'a mut Tx<'b, Records<T>>,
    /// The sorted keys of the transaction.
    keys: &'a [Vec<u8>],
    /// The records that could not be read.
    damaged: &'a [Unreadable],
    key: PhantomData<fn() -> K>,
}

impl<'a, 'b, K: RecordKey, T: Root> CollectionTx<'a, 'b, K, T> {
    pub(super) fn new(
        tx: &'a mut Tx<'b, Records<T>>,
        keys: &'a [Vec<u8>],
        damaged: &'a [Unreadable],
    ) -> Self {
        Self {
            tx,
            keys,
            damaged,
            key: PhantomData,
        }
    }

    /// Returns the record at `key`, if it exists.
    pub fn get(&self, key: &K) -> Option<&T> {
        self.tx.get(&bytes_of(key))
    }

    /// Inserts a record with default content, and returns it for writing. Replaces an existing
    /// record.
    pub fn insert(&mut self, key: &K) -> Tx<'_, T> {
        let key = self.known(key);
        self.tx.insert(&key)
    }

    /// Returns the record at `key` for writing, or `None` if it does not exist. If it is damaged,
    /// the transaction fails.
    pub fn update(&mut self, key: &K) -> Option<Tx<'_, T>> {
        let key = self.known(key);
        if let Some((_, error)) = self.damaged.iter().find(|(damaged, _)| *damaged == key) {
            self.tx.cancel(Error::corrupt(error.to_string()));
        }
        self.tx.get(&key)?;
        Some(self.tx.record(&key))
    }

    /// Removes the record at `key`. Returns whether it existed.
    pub fn remove(&mut self, key: &K) -> bool {
        let key = self.known(key);
        let was_there = self.tx.get(&key).is_some();
        self.tx.remove(&key);
        was_there
    }

    /// Rolls the transaction back when it ends. It then returns `error`.
    pub fn cancel(&mut self, error: Error) {
        self.tx.cancel(error);
    }

    /// Encodes a key. It must be one of the transaction's keys, since other records were not read.
    fn known(&mut self, key: &impl IndexKey) -> Vec<u8> {
        let key = bytes_of(key);
        if self.keys.binary_search(&key).is_err() {
            self.tx.cancel(Error::value(
                "a transaction used a key that it was not opened with; pass all keys when opening it",
            ));
        }
        key
    }
}
