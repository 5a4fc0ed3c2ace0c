use std::{collections::BTreeMap, fmt, future::ready, sync::Arc};

use parking_lot::RwLock;

use super::{Batch, Expected, Record, Scan, Storage, Write};
use crate::error::Error;

type Records = BTreeMap<Vec<u8>, Vec<u8>>;

/// A [`Storage`] in memory, for tests, server caches and documents that need no disk.
///
/// The data lives as long as the last handle. A clone is another handle to the same data, and can
/// be sent to another thread. A get costs `O(log n)`, and a scan `O(log n)` plus its records;
/// both return copies. Writers wait for readers and for each other. No future is ever pending, so
/// none holds the lock while it waits. There is no quota.
///
/// # Example
///
/// ```
/// use leptos_sync_core::storage::{Batch, MemoryStorage, Storage};
///
/// let store = MemoryStorage::new();
/// let mut batch = Batch::new();
/// batch.put(*b"list", *b"milk");
/// drop(store.commit(batch)); // The call issues the batch; dropping the future does not undo it.
///
/// assert_eq!(store.len(), 1);
/// ```
#[derive(Clone, Default)]
pub struct MemoryStorage {
    records: Arc<RwLock<Records>>,
}

impl MemoryStorage {
    /// Returns an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the number of records.
    pub fn len(&self) -> usize {
        self.records.read().len()
    }

    /// Returns whether the storage is empty.
    pub fn is_empty(&self) -> bool {
        self.records.read().is_empty()
    }
}

impl Storage for MemoryStorage {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.records.read().get(key).cloned())
    }

    async fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let records = self.records.read();
        Ok(keys.iter().map(|&key| records.get(key).cloned()).collect())
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Record>, Error> {
        if scan.is_empty() {
            return Ok(Vec::new());
        }
        let owned = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
        let limit = scan.limit.unwrap_or(usize::MAX);
        let records = self.records.read();
        let range = records.range((scan.start, scan.end));
        Ok(if scan.reverse {
            range.rev().take(limit).map(owned).collect()
        } else {
            range.take(limit).map(owned).collect()
        })
    }

    fn commit(&self, batch: Batch) -> impl Future<Output = Result<(), Error>> + 'static {
        apply(&mut self.records.write(), batch);
        ready(Ok(()))
    }

    fn commit_if(
        &self,
        expected: Expected,
        batch: Batch,
    ) -> impl Future<Output = Result<bool, Error>> + 'static {
        let mut records = self.records.write();
        let as_expected = records.get(&expected.key) == expected.value.as_ref();
        if as_expected {
            apply(&mut records, batch);
        }
        ready(Ok(as_expected))
    }
}

fn apply(records: &mut Records, batch: Batch) {
    for write in batch.into_writes() {
        match write {
            Write::Put(key, value) => {
                records.insert(key, value);
            }
            Write::Delete(key) => {
                records.remove(&key);
            }
        }
    }
}

impl fmt::Debug for MemoryStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStorage")
            .field("records", &self.len())
            .finish_non_exhaustive()
    }
}
