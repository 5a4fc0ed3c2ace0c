use super::{Collection, Kept};
use crate::{
    crdt::Root,
    error::Error,
    storage::{Page, Query, RecordKey, Storage},
};

impl<S: Storage, K: RecordKey, T: Root> Collection<S, K, T> {
    /// The record at `key`. One read.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`] where it is damaged, or the store's.
    pub async fn get(&self, key: &K) -> Result<Option<T>, Error> {
        Ok(self.records.get(key).await?.map(|kept| kept.record))
    }

    /// The records at `keys`, in their order, read from one state of the store.
    ///
    /// # Errors
    ///
    /// As for [`get`](Collection::get).
    pub async fn get_batch<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k K>,
    ) -> Result<Vec<Option<T>>, Error> {
        let found = self.records.get_batch(keys).await?.into_iter();
        Ok(found.map(|kept| Some(kept?.record)).collect())
    }

    /// The records that `query` asks for: by their own keys, or by an index. Reads some hundred at a time, also those that
    /// were removed and not forgotten.
    ///
    /// # Errors
    ///
    /// As for [`IndexedStorage::query`](crate::IndexedStorage::query).
    pub async fn query(&self, query: Query) -> Result<Page<K, T>, Error> {
        let page = self.records.query(query).await?;
        Ok(page.map(|kept: Kept<T>| kept.record))
    }
}
