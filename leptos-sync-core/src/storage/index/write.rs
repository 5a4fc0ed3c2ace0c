use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::MutexGuard;

use super::{
    IndexedStorage, SharedState,
    catalog::Access,
    key::{RecordKey, bytes_of},
    layout::own_entry,
    never_its_turn,
    unique::Claims,
};
use crate::{
    error::Error,
    limits,
    storage::{Batch, Storage},
};

/// The input of a write: the records at its keys, and the values reserved for the layer above.
pub(crate) struct Reading<R> {
    pub(crate) slots: Vec<Slot<R>>,
    pub(crate) extra: Vec<Option<Vec<u8>>>,
}

/// A record to be written.
pub(crate) struct Slot<R> {
    pub(crate) key: Vec<u8>,
    pub(crate) old: Stored<R>,
    /// The new content: `Some(None)` removes the record, and `None` leaves it unchanged.
    pub(crate) new: Option<Option<R>>,
}

/// The current content of a key.
pub(crate) enum Stored<R> {
    Nothing,
    Record(R),
    /// Bytes that do not decode, and the reason.
    Damaged(Vec<u8>, Error),
}

/// The origin of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A local edit. It is rejected if it takes another record's unique key, or exceeds a limit.
    Here,
    /// A merge. It is always accepted, because otherwise replicas would diverge.
    Elsewhere,
}

impl<S: Storage, K: RecordKey, R: Clone + 'static> IndexedStorage<S, K, R> {
    /// Writes `record` at `key`. Costs one read and one commit.
    ///
    /// # Errors
    ///
    /// - [`Error::is_conflict`] if another record has the same key in a unique index.
    /// - [`Error::is_limit`] or [`Error::is_value`] if the record or key cannot be stored.
    /// - [`Error::is_unsupported`] if a newer build of the app has changed the indices.
    /// - An error of the storage.
    ///
    /// An error changes nothing.
    pub async fn insert(&self, key: &K, record: R) -> Result<(), Error> {
        self.insert_batch([(key.clone(), record)]).await
    }

    /// Writes many records, all or none. The last one wins if a key is repeated. Costs one read and
    /// one commit.
    ///
    /// # Errors
    ///
    /// Those of [`insert`](IndexedStorage::insert).
    pub async fn insert_batch(
        &self,
        records: impl IntoIterator<Item = (K, R)>,
    ) -> Result<(), Error> {
        let records: BTreeMap<Vec<u8>, R> = records
            .into_iter()
            .map(|(key, record)| (bytes_of(&key), record))
            .collect();
        let keys = records.keys().cloned().collect();
        self.edit(keys, Vec::new(), Origin::Here, |reading, _| {
            for (slot, record) in reading.slots.iter_mut().zip(records.values()) {
                slot.new = Some(Some(record.clone()));
            }
            Ok(())
        })
        .await
        .map(|(done, _)| done)
    }

    /// Applies `change` to the record at `key`. Returns whether the record exists. `change` runs
    /// again if another handle writes at the same time.
    ///
    /// # Errors
    ///
    /// Those of [`insert`](IndexedStorage::insert), and [`Error::is_corrupt`] if the record is
    /// damaged.
    pub async fn update(&self, key: &K, mut change: impl FnMut(&mut R)) -> Result<bool, Error> {
        let keys = vec![bytes_of(key)];
        self.edit(keys, Vec::new(), Origin::Here, |reading, _| {
            let Some(slot) = reading.slots.first_mut() else {
                return Ok(false);
            };
            match std::mem::replace(&mut slot.old, Stored::Nothing) {
                Stored::Nothing => Ok(false),
                Stored::Record(old) => {
                    let mut record = old.clone();
                    change(&mut record);
                    slot.new = Some(Some(record));
                    slot.old = Stored::Record(old);
                    Ok(true)
                }
                Stored::Damaged(_, error) => Err(error),
            }
        })
        .await
        .map(|(done, _)| done)
    }

    /// Removes the record at `key`. Returns whether it existed.
    ///
    /// # Errors
    ///
    /// [`Error::is_unsupported`] if a newer build of the app has changed the indices, or an error
    /// of the storage.
    pub async fn remove(&self, key: &K) -> Result<bool, Error> {
        Ok(self.remove_batch([key]).await? > 0)
    }

    /// Removes many records, all or none. Returns how many existed.
    ///
    /// # Errors
    ///
    /// Those of [`remove`](IndexedStorage::remove).
    pub async fn remove_batch<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k K>,
    ) -> Result<usize, Error> {
        let keys: BTreeSet<Vec<u8>> = keys.into_iter().map(bytes_of).collect();
        let keys = keys.into_iter().collect();
        self.edit(keys, Vec::new(), Origin::Here, |reading, _| {
            let mut removed = 0;
            for slot in &mut reading.slots {
                if !matches!(slot.old, Stored::Nothing) {
                    slot.new = Some(None);
                    removed += 1;
                }
            }
            Ok(removed)
        })
        .await
        .map(|(done, _)| done)
    }

    /// Reads a value that the layer above, such as `Collection`, stores beside the records.
    pub(crate) async fn extra(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.store.get(&self.layout.extra(key)).await
    }

    /// Returns the storage key of a value of the layer above.
    pub(crate) fn extra_key(&self, key: &[u8]) -> Vec<u8> {
        self.layout.extra(key)
    }

    /// Reads the records at `keys` and the values at `extra`, lets `edit` change them, and commits
    /// the result.
    ///
    /// `keys` must be sorted and distinct. All of this happens on one state of the storage, so
    /// `edit` may run again. Returns the result of `edit` and a guard. While the guard is held, no
    /// other task writes through this handle.
    pub(crate) async fn edit<T>(
        &self,
        keys: Vec<Vec<u8>>,
        extra: Vec<Vec<u8>>,
        origin: Origin,
        mut edit: impl FnMut(&mut Reading<R>, &mut Batch) -> Result<T, Error>,
    ) -> Result<(T, MutexGuard<'_, ()>), Error> {
        for key in &keys {
            if key.len() > limits::INDEX_KEY_BYTES {
                let (bytes, what) = (key.len() as u64, "key of a record");
                return Err(Error::too_large(
                    what,
                    bytes,
                    limits::INDEX_KEY_BYTES,
                    "use a shorter key",
                ));
            }
        }
        let writing = self.writer.lock().await;
        for _ in 0..limits::WRITE_ATTEMPTS {
            let known = self.known();
            if known.catalog.access(&self.schema) == Access::ReadOnly {
                return Err(Error::unsupported(
                    "a newer version of the app has changed the indices of this data; update the app or reload the page",
                ));
            }
            let mut reading = self.reading(&keys, &extra).await?;
            let mut batch = Batch::new();
            let done = edit(&mut reading, &mut batch)?;
            let written = self.write(&known, reading.slots, origin, &mut batch);
            if !written.await? {
                self.finish_unique().await?;
                continue;
            }
            if batch.is_empty() || self.commit(&known, batch, None).await? {
                return Ok((done, writing));
            }
        }
        Err(never_its_turn())
    }

    async fn reading(&self, keys: &[Vec<u8>], extra: &[Vec<u8>]) -> Result<Reading<R>, Error> {
        let places: Vec<Vec<u8>> = (keys.iter().map(|key| self.layout.record(key)))
            .chain(extra.iter().map(|key| self.layout.extra(key)))
            .collect();
        let places: Vec<&[u8]> = places.iter().map(Vec::as_slice).collect();
        let mut found = self.store.get_many(&places).await?.into_iter();
        let slots = keys.iter().zip(&mut found).map(|(key, found)| Slot {
            key: key.clone(),
            old: match found {
                None => Stored::Nothing,
                Some(bytes) => match self.decode(key, &bytes) {
                    Ok(record) => Stored::Record(record),
                    Err(error) => Stored::Damaged(bytes, error),
                },
            },
            new: None,
        });
        Ok(Reading {
            slots: slots.collect(),
            extra: found.collect(),
        })
    }

    /// Adds the changed records and their index entries to the batch. Returns `false` if a unique
    /// index must be built first to determine whether a key is free.
    async fn write(
        &self,
        known: &SharedState,
        slots: Vec<Slot<R>>,
        origin: Origin,
        batch: &mut Batch,
    ) -> Result<bool, Error> {
        let mut claims = Claims::default();
        for Slot { key, old, new } in slots {
            let Some(new) = new else { continue };
            if let Stored::Damaged(bytes, _) = &old {
                batch.put(self.layout.aside(&key), bytes.clone());
            }
            let old = match &old {
                Stored::Record(old) => Some(old),
                _ => None,
            };
            if let (Origin::Here, Some(new)) = (origin, &new) {
                let mut indices = self.schema.indices.iter();
                indices.try_for_each(|index| index.check(old, new))?;
            }
            self.list(known, &key, old, new.as_ref(), &mut claims, batch);
            match new {
                Some(new) => batch.put(self.layout.record(&key), self.encode(old, &new, origin)?),
                None => batch.delete(self.layout.record(&key)),
            };
        }
        if claims.needs_build && origin == Origin::Here {
            return Ok(false);
        }
        self.settle(claims, origin, batch).await?;
        Ok(true)
    }

    /// Adds the changed index entries of a record to the batch, or to the claims if the index is
    /// unique.
    fn list(
        &self,
        known: &SharedState,
        record: &[u8],
        old: Option<&R>,
        new: Option<&R>,
        claims: &mut Claims,
        batch: &mut Batch,
    ) {
        for (index, declared) in self.schema.indices.iter().enumerate() {
            let Some(listed) = known.catalog.find(&declared.name) else {
                continue;
            };
            let keys = |of: Option<&R>| of.map(|of| declared.keys(of)).unwrap_or_default();
            let (old, new) = (keys(old), keys(new));
            let gone = old.iter().filter(|key| new.binary_search(key).is_err());
            let mut added = new
                .iter()
                .filter(|key| old.binary_search(key).is_err())
                .peekable();
            if declared.unique {
                claims.needs_build |= listed.building.is_some() && added.peek().is_some();
                gone.for_each(|key| {
                    claims
                        .of(self, index, listed.id, key)
                        .left
                        .insert(record.to_vec());
                });
                added.for_each(|key| {
                    claims
                        .of(self, index, listed.id, key)
                        .taken
                        .insert(record.to_vec());
                });
                continue;
            }
            gone.for_each(|key| {
                batch.delete(self.layout.entry(listed.id, key, record));
            });
            added.for_each(|key| {
                batch.put(self.layout.entry(listed.id, key, record), own_entry(record));
            });
        }
    }

    /// Returns whether a record has this key in the index at this position in the schema.
    pub(super) fn is_listed(&self, index: usize, record: &R, key: &[u8]) -> bool {
        let keys = self
            .schema
            .indices
            .get(index)
            .map(|index| index.keys(record));
        keys.is_some_and(|keys| keys.iter().any(|own| own == key))
    }

    /// Encodes a record. Rejects a record that is too large, unless a merge has made it too large
    /// and the edit does not enlarge it further.
    fn encode(&self, old: Option<&R>, new: &R, origin: Origin) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        (self.form.encode)(new, &mut bytes)?;
        let too_large = bytes.len() > limits::RECORD_BYTES && origin == Origin::Here;
        if too_large && (self.form.content)(new) > old.map_or(0, self.form.content) {
            let (bytes, advice) = (bytes.len() as u64, "split it into several records");
            return Err(Error::too_large(
                "record",
                bytes,
                limits::RECORD_BYTES,
                advice,
            ));
        }
        Ok(bytes)
    }

    /// Decodes the record stored at `key`.
    pub(super) fn decode(&self, key: &[u8], bytes: &[u8]) -> Result<R, Error> {
        (self.form.decode)(bytes)
            .map_err(|error| error.of(&format!("the record at \"{}\"", key.escape_ascii())))
    }
}
