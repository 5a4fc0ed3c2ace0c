use std::marker::PhantomData;

use crate::{
    crdt::{Records, Root},
    doc::Tx,
    error::Error,
    storage::{IndexKey, RecordKey, bytes_of},
};

/// The key of a record that could not be read, and why.
pub(super) type Unreadable = (Vec<u8>, Error);

/// An open transaction on records of a [`Collection`](super::Collection): those whose keys it was opened with.
///
/// It sees what was written before. An error is kept until the end of the transaction, which then fails as a whole.
pub struct CollectionTx<'a, 'b, K, T> {
    tx: &'a mut Tx<'b, Records<T>>,
    /// Sorted.
    keys: &'a [Vec<u8>],
    /// Those whose records could not be read.
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

    /// The record at `key`, if it is there.
    pub fn get(&self, key: &K) -> Option<&T> {
        self.tx.get(&bytes_of(key))
    }

    /// Inserts a record, in place of one that is there, and gives it to be written: it is as its type's default.
    pub fn insert(&mut self, key: &K) -> Tx<'_, T> {
        let key = self.known(key);
        self.tx.insert(&key)
    }

    /// The record at `key`, to be written; `None` where it is not there. Where it is damaged, the transaction fails.
    pub fn update(&mut self, key: &K) -> Option<Tx<'_, T>> {
        let key = self.known(key);
        if let Some((_, error)) = self.damaged.iter().find(|(damaged, _)| *damaged == key) {
            self.tx.cancel(Error::corrupt(error.to_string()));
        }
        self.tx.get(&key)?;
        Some(self.tx.record(&key))
    }

    /// Removes the record at `key`. Returns whether it was there.
    pub fn remove(&mut self, key: &K) -> bool {
        let key = self.known(key);
        let was_there = self.tx.get(&key).is_some();
        self.tx.remove(&key);
        was_there
    }

    /// Takes the transaction back when it ends, which then returns `error`.
    pub fn cancel(&mut self, error: Error) {
        self.tx.cancel(error);
    }

    /// The bytes of a key, of which the transaction must know: another record was not read.
    fn known(&mut self, key: &impl IndexKey) -> Vec<u8> {
        let key = bytes_of(key);
        if self.keys.binary_search(&key).is_err() {
            self.tx.cancel(Error::value(
                "a transaction wrote a record whose key it was not opened with: name all keys when it is opened",
            ));
        }
        key
    }
}
