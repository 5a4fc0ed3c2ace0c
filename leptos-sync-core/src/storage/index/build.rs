use std::collections::BTreeMap;

use super::{
    IndexedStorage, SharedState,
    catalog::{Access, BuildPosition, Catalog},
    key::RecordKey,
    layout::{own_entry, owners, read_owners},
    never_its_turn,
    schema::Declared,
};
use crate::{
    error::Error,
    limits,
    storage::{Batch, Scan, Storage},
};

/// The progress of building indices.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexProgress {
    /// The name of the index; empty while entries of a removed index are deleted.
    pub index: String,
    /// The number of records listed so far, or of entries deleted in this step.
    pub records: u64,
    /// Whether this index is done. Others may remain.
    pub done: bool,
}

impl<S: Storage, K: RecordKey, R: Clone + 'static> IndexedStorage<S, K, R> {
    /// Builds new indices and deletes the entries of removed ones, a few hundred records at a time.
    /// Calls `progress` after each step.
    ///
    /// Other reads and writes continue between the steps. The exception is a write that needs a new
    /// key in a unique index. It finishes building that index first.
    ///
    /// Each step is one commit that also records the progress, so an interrupted build continues
    /// where it stopped. Two tabs may build concurrently; each step is done by one of them.
    ///
    /// # Errors
    ///
    /// [`Error::is_unsupported`] if a newer build of the app has changed the indices, or an error
    /// of the storage. Finished steps stay finished. The build skips damaged records; queries by
    /// key report them.
    pub async fn build(&self, mut progress: impl FnMut(IndexProgress)) -> Result<(), Error> {
        while let Some(step) = self.build_step().await? {
            progress(step);
        }
        Ok(())
    }

    /// Runs one step of [`build`](IndexedStorage::build). Returns `None` if nothing is left to do.
    ///
    /// # Errors
    ///
    /// Those of [`build`](IndexedStorage::build).
    pub async fn build_step(&self) -> Result<Option<IndexProgress>, Error> {
        let _writing = self.writer.lock().await;
        self.step(false).await
    }

    /// Finishes building the unique indices, so that a write can determine whether a key is free.
    /// The caller must hold the writer's lock.
    pub(super) async fn finish_unique(&self) -> Result<(), Error> {
        while self.step(true).await?.is_some() {}
        Ok(())
    }

    /// Runs one step of a build. Builds only unique indices if `unique` is true. The caller must
    /// hold the writer's lock.
    async fn step(&self, unique: bool) -> Result<Option<IndexProgress>, Error> {
        for _ in 0..limits::WRITE_ATTEMPTS {
            let known = self.known();
            if known.catalog.access(&self.schema) == Access::ReadOnly {
                return Err(Error::unsupported(
                    "a newer version of the app has changed the indices of this data; update the app or reload the page",
                ));
            }
            let mut batch = Batch::new();
            let mut catalog = known.catalog.clone();
            let mut step = None;
            if !unique {
                step = self.sweep(&mut catalog, &mut batch).await?;
            }
            if step.is_none() {
                step = self.extend(&mut catalog, unique, &mut batch).await?;
            }
            let Some(step) = step else {
                match self.is_current(&known).await? {
                    true => return Ok(None),
                    false => continue,
                }
            };
            if self.commit(&known, batch, Some(catalog)).await? {
                return Ok(Some(step));
            }
        }
        Err(never_its_turn())
    }

    /// Clears an index, so that the next [`build`](IndexedStorage::build) fills it again.
    ///
    /// Use this if the index was damaged, or if the function that computes its keys has changed.
    ///
    /// # Errors
    ///
    /// [`Error::is_value`] if there is no index with this name, or an error of the storage.
    pub async fn rebuild(&self, index: &str) -> Result<(), Error> {
        let _writing = self.writer.lock().await;
        for _ in 0..limits::WRITE_ATTEMPTS {
            let known = self.known();
            let mut catalog = known.catalog.clone();
            catalog.rebuild(index)?;
            if self.commit(&known, Batch::new(), Some(catalog)).await? {
                return Ok(());
            }
        }
        Err(never_its_turn())
    }

    /// Returns whether the stored catalog is the known one. If not, updates the known one.
    async fn is_current(&self, known: &SharedState) -> Result<bool, Error> {
        Ok(self.look().await?.catalog == known.catalog)
    }

    /// Deletes some entries of a removed index.
    async fn sweep(
        &self,
        catalog: &mut Catalog,
        batch: &mut Batch,
    ) -> Result<Option<IndexProgress>, Error> {
        let Some(&id) = catalog.dropped.first() else {
            return Ok(None);
        };
        let entries = Scan::prefix(&self.layout.index(id)).limit(limits::READ_RECORDS);
        let entries = self.store.scan(entries).await?;
        let done = entries.len() < limits::READ_RECORDS;
        let records = entries.len() as u64;
        for (key, _) in entries {
            batch.delete(key);
        }
        if done {
            catalog.dropped.remove(0);
        }
        Ok(Some(IndexProgress {
            index: String::new(),
            records,
            done,
        }))
    }

    /// Lists further records in an index that is being built. Chooses only a unique one if `unique`
    /// is true.
    async fn extend(
        &self,
        catalog: &mut Catalog,
        unique: bool,
        batch: &mut Batch,
    ) -> Result<Option<IndexProgress>, Error> {
        let building = catalog.indices.iter_mut().find_map(|listed| {
            let declared = self.schema.indices.iter();
            let declared = declared.filter(|index| index.unique || !unique);
            let mut declared = declared.filter(|index| *index.name == listed.name);
            listed
                .building
                .is_some()
                .then_some((declared.next()?, listed))
        });
        let Some((declared, listed)) = building else {
            return Ok(None);
        };
        let BuildPosition { after, records } = listed.building.clone().unwrap_or_default();
        let prefix = self.layout.record(&[]);
        let mut scan = Scan::prefix(&prefix).limit(limits::READ_RECORDS);
        if let Some(after) = &after {
            scan.start = std::ops::Bound::Excluded(self.layout.record(after));
        }
        let found = self.store.scan(scan).await?;
        let done = found.len() < limits::READ_RECORDS;
        let progress = IndexProgress {
            index: listed.name.clone(),
            records: records + found.len() as u64,
            done,
        };
        let last = found.last().and_then(|(key, _)| key.get(prefix.len()..));
        listed.building = (!done).then(|| BuildPosition {
            after: last.map(<[u8]>::to_vec),
            records: progress.records,
        });
        let id = listed.id;
        self.list_all(declared, id, found, prefix.len(), batch)
            .await?;
        Ok(Some(progress))
    }

    /// Adds the entries of the given records to the batch. If several records have the same key in
    /// a unique index, the entry lists all of them.
    async fn list_all(
        &self,
        declared: &Declared<R>,
        id: u16,
        found: Vec<(Vec<u8>, Vec<u8>)>,
        prefix: usize,
        batch: &mut Batch,
    ) -> Result<(), Error> {
        let mut unique = BTreeMap::<Vec<u8>, Vec<Vec<u8>>>::new();
        for (place, bytes) in found {
            let key = place.get(prefix..).unwrap_or_default();
            let Ok(record) = self.decode(key, &bytes) else {
                continue;
            };
            for own in declared.keys(&record) {
                if declared.unique {
                    let records = unique.entry(self.layout.unique(id, &own)).or_default();
                    records.push(key.to_vec());
                } else {
                    batch.put(self.layout.entry(id, &own, key), own_entry(key));
                }
            }
        }
        let places: Vec<&[u8]> = unique.keys().map(Vec::as_slice).collect();
        let listed = self.store.get_many(&places).await?;
        for ((place, mut records), listed) in unique.clone().into_iter().zip(listed) {
            // Records written since the build began are already listed.
            let listed = listed.map(|value| read_owners(&value).unwrap_or_default());
            records.extend(listed.into_iter().flatten());
            records.sort_unstable();
            records.dedup();
            batch.put(place, owners(&records));
        }
        Ok(())
    }
}
