use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::MutexGuard;

use super::{
    IndexedStorage, Known,
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

/// What a write works on: the records at its keys, and what stands in the places that its owner keeps besides.
pub(crate) struct Reading<R> {
    pub(crate) slots: Vec<Slot<R>>,
    pub(crate) extra: Vec<Option<Vec<u8>>>,
}

/// A record that is about to be written.
pub(crate) struct Slot<R> {
    pub(crate) key: Vec<u8>,
    pub(crate) old: Old<R>,
    /// What it is to become: nothing, or a record. `None` leaves it.
    pub(crate) new: Option<Option<R>>,
}

/// What stands at a key.
pub(crate) enum Old<R> {
    Nothing,
    Record(R),
    /// Bytes that are no record, and why.
    Damaged(Vec<u8>, Error),
}

/// Where a write was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It is to be accepted here, or refused: where a unique key is another record's, where something is too large.
    Here,
    /// What was accepted elsewhere is accepted here, or copies would never be equal.
    Elsewhere,
}

impl<S: Storage, K: RecordKey, R: Clone + 'static> IndexedStorage<S, K, R> {
    /// Writes `record` at `key`. One read and one commit.
    ///
    /// # Errors
    ///
    /// [`Error::is_conflict`] where another record has its key in a unique index; [`Error::is_limit`] and
    /// [`Error::is_value`] for a record or a key that cannot be kept; [`Error::is_unsupported`] where a newer build has
    /// declared the indices; or the store's. Nothing has changed then.
    pub async fn insert(&self, key: &K, record: R) -> Result<(), Error> {
        self.insert_batch([(key.clone(), record)]).await
    }

    /// Writes many records at once, all or none: of several at one key the last. One read and one commit.
    ///
    /// # Errors
    ///
    /// As for [`insert`](IndexedStorage::insert).
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

    /// Writes what `change` makes of the record at `key`. Returns whether there was one. `change` may be called again,
    /// where somebody else has written meanwhile.
    ///
    /// # Errors
    ///
    /// As for [`insert`](IndexedStorage::insert), and [`Error::is_corrupt`] for a record that cannot be read.
    pub async fn update(&self, key: &K, mut change: impl FnMut(&mut R)) -> Result<bool, Error> {
        let keys = vec![bytes_of(key)];
        self.edit(keys, Vec::new(), Origin::Here, |reading, _| {
            let Some(slot) = reading.slots.first_mut() else {
                return Ok(false);
            };
            match std::mem::replace(&mut slot.old, Old::Nothing) {
                Old::Nothing => Ok(false),
                Old::Record(old) => {
                    let mut record = old.clone();
                    change(&mut record);
                    slot.new = Some(Some(record));
                    slot.old = Old::Record(old);
                    Ok(true)
                }
                Old::Damaged(_, error) => Err(error),
            }
        })
        .await
        .map(|(done, _)| done)
    }

    /// Removes the record at `key`. Returns whether there was one.
    ///
    /// # Errors
    ///
    /// [`Error::is_unsupported`] where a newer build has declared the indices, or the store's.
    pub async fn remove(&self, key: &K) -> Result<bool, Error> {
        Ok(self.remove_batch([key]).await? > 0)
    }

    /// Removes many records at once, all or none. Returns how many there were.
    ///
    /// # Errors
    ///
    /// As for [`remove`](IndexedStorage::remove).
    pub async fn remove_batch<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k K>,
    ) -> Result<usize, Error> {
        let keys: BTreeSet<Vec<u8>> = keys.into_iter().map(bytes_of).collect();
        let keys = keys.into_iter().collect();
        self.edit(keys, Vec::new(), Origin::Here, |reading, _| {
            let mut removed = 0;
            for slot in &mut reading.slots {
                if !matches!(slot.old, Old::Nothing) {
                    slot.new = Some(None);
                    removed += 1;
                }
            }
            Ok(removed)
        })
        .await
        .map(|(done, _)| done)
    }

    /// What stands at a place that is left to whoever builds on this storage.
    pub(crate) async fn extra(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.store.get(&self.layout.extra(key)).await
    }

    /// The key in the store of such a place, to write to.
    pub(crate) fn extra_key(&self, key: &[u8]) -> Vec<u8> {
        self.layout.extra(key)
    }

    /// Reads the records at `keys`, which are sorted and each another, and what stands at the `extra` places, lets `edit`
    /// say what becomes of them, and commits that: all of it on one state of the store, so `edit` may be called again. Gives
    /// what `edit` gave, and a guard: nobody else writes through this handle while it is held.
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
                    "choose a shorter one",
                ));
            }
        }
        let writing = self.writer.lock().await;
        for _ in 0..limits::WRITE_ATTEMPTS {
            let known = self.known();
            if known.catalog.access(&self.schema) == Access::ReadOnly {
                return Err(Error::unsupported(
                    "a newer version of the app has changed the indices of this data: update the app, or reload the page",
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
                None => Old::Nothing,
                Some(bytes) => match self.decode(key, &bytes) {
                    Ok(record) => Old::Record(record),
                    Err(error) => Old::Damaged(bytes, error),
                },
            },
            new: None,
        });
        Ok(Reading {
            slots: slots.collect(),
            extra: found.collect(),
        })
    }

    /// Adds to the batch what becomes of the records and their entries. Returns `false` where a unique index has to be
    /// built first, to tell whether a key is free.
    async fn write(
        &self,
        known: &Known,
        slots: Vec<Slot<R>>,
        origin: Origin,
        batch: &mut Batch,
    ) -> Result<bool, Error> {
        let mut claims = Claims::default();
        for Slot { key, old, new } in slots {
            let Some(new) = new else { continue };
            if let Old::Damaged(bytes, _) = &old {
                batch.put(self.layout.aside(&key), bytes.clone());
            }
            let old = match &old {
                Old::Record(old) => Some(old),
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

    /// Adds to the batch how the entries of a record change, or to the claims where the index is unique.
    fn list(
        &self,
        known: &Known,
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

    /// Whether a record has that key in the index at that place of the schema.
    pub(super) fn is_listed(&self, index: usize, record: &R, key: &[u8]) -> bool {
        let keys = self
            .schema
            .indices
            .get(index)
            .map(|index| index.keys(record));
        keys.is_some_and(|keys| keys.iter().any(|own| own == key))
    }

    /// Encodes a record. One that is too large is rejected, unless a merge made it so and the edit does not make it
    /// larger still.
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

    /// The record that `bytes`, stored at `key`, spell.
    pub(super) fn decode(&self, key: &[u8], bytes: &[u8]) -> Result<R, Error> {
        (self.form.decode)(bytes)
            .map_err(|error| error.of(&format!("the record at \"{}\"", key.escape_ascii())))
    }
}
