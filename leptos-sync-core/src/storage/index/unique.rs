use std::collections::{BTreeMap, BTreeSet};

use super::{
    IndexedStorage,
    key::RecordKey,
    layout::{owners, read_owners},
    write::Origin,
};
use crate::{
    error::Error,
    storage::{Batch, Storage},
};

/// The changes to entries of unique indices: for each key, the records that release it and those
/// that take it.
#[derive(Default)]
pub(super) struct Claims {
    of: BTreeMap<Vec<u8>, Claim>,
    /// Whether an index that is not built yet must accept a key. A record that it does not list yet
    /// may have that key.
    pub(super) needs_build: bool,
}

#[derive(Default)]
pub(super) struct Claim {
    /// The index, by its position in the schema.
    index: usize,
    key: Vec<u8>,
    pub(super) left: BTreeSet<Vec<u8>>,
    pub(super) taken: BTreeSet<Vec<u8>>,
}

impl<S: Storage, K: RecordKey, R: Clone + 'static> IndexedStorage<S, K, R> {
    /// Adds the changed entries of unique indices to the batch.
    pub(super) async fn settle(
        &self,
        claims: Claims,
        origin: Origin,
        batch: &mut Batch,
    ) -> Result<(), Error> {
        let places: Vec<&[u8]> = claims.of.keys().map(Vec::as_slice).collect();
        if places.is_empty() {
            return Ok(());
        }
        let found = self.store.get_many(&places).await?;
        for ((place, claim), found) in claims.of.iter().zip(found) {
            // Replace an entry that cannot be read by one with the known changes.
            let found = found.map(|value| read_owners(&value).unwrap_or_default());
            let mut records: BTreeSet<Vec<u8>> = found.into_iter().flatten().collect();
            records.retain(|record| !claim.left.contains(record));
            records.extend(claim.taken.iter().cloned());
            if records.len() > 1 && origin == Origin::Here && !claim.taken.is_empty() {
                self.drop_stale(claim, &mut records).await?;
                if records.len() > 1 {
                    let name = self
                        .schema
                        .indices
                        .get(claim.index)
                        .map(|index| &*index.name);
                    return Err(Error::conflict(format!(
                        "another record has the same key in the unique index \"{}\"",
                        name.unwrap_or_default()
                    )));
                }
            }
            let records: Vec<Vec<u8>> = records.into_iter().collect();
            if records.is_empty() {
                batch.delete(place.clone());
            } else {
                batch.put(place.clone(), owners(&records));
            }
        }
        Ok(())
    }

    /// Removes the records that no longer have the key. An entry can still list such a record if
    /// the record's old content was damaged.
    async fn drop_stale(
        &self,
        claim: &Claim,
        records: &mut BTreeSet<Vec<u8>>,
    ) -> Result<(), Error> {
        for record in records.clone() {
            if claim.taken.contains(&record) {
                continue;
            }
            let stored = self.store.get(&self.layout.record(&record)).await?;
            let has_key = stored
                .and_then(|bytes| self.decode(&record, &bytes).ok())
                .is_some_and(|stored| self.is_listed(claim.index, &stored, &claim.key));
            if !has_key {
                records.remove(&record);
            }
        }
        Ok(())
    }
}

impl Claims {
    /// Returns the claim on `key` in the index at this position in the schema.
    pub(super) fn of<S, K, R>(
        &mut self,
        storage: &IndexedStorage<S, K, R>,
        index: usize,
        id: u16,
        key: &[u8],
    ) -> &mut Claim {
        let claim = self.of.entry(storage.layout.unique(id, key)).or_default();
        claim.index = index;
        claim.key = key.to_vec();
        claim
    }
}
