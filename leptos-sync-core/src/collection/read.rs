use super::{Collection, StoredRecord};
use crate::{
    crdt::Root,
    error::Error,
    storage::{
        Storage,
        index::{Page, Query, RecordKey},
    },
};

impl<S: Storage, K: RecordKey, T: Root> Collection<S, K, T> {
    /// Returns the record at `key`. Costs one read.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`] if it is damaged, or an error of the storage.
    pub async fn get(&self, key: &K) -> Result<Option<T>, Error> {
        Ok(self.records.get(key).await?.map(|kept| kept.record))
    }

    /// Returns the records at `keys`, in order, from one state of the storage.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Collection::get).
    pub async fn get_batch<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k K>,
    ) -> Result<Vec<Option<T>>, Error> {
        let found = self.records.get_batch(keys).await?.into_iter();
        Ok(found.map(|kept| Some(kept?.record)).collect())
    }

    /// Returns the records that match `query`, which uses their own keys or an index.
    ///
    /// Reads a few hundred records at a time, including removed ones whose tombstones are not
    /// forgotten.
    ///
    /// # Errors
    ///
    /// Those of [`IndexedStorage::query`](crate::index::IndexedStorage::query).
    pub async fn query(&self, query: Query) -> Result<Page<K, T>, Error> {
        let page = self.records.query(query).await?;
        Ok(page.map(|kept: StoredRecord<T>| kept.record))
    }
}
