use std::collections::BTreeMap;

use super::{
    Collection, CollectionTx, Meta, StoredRecord,
    meta::Advance,
    open::META,
    transaction::Unreadable,
    watch::{Before, Changed, ChangedRecord},
};
use crate::{
    clock::Clock,
    codec::CellWriter,
    crdt::{Quarantine, Records, Root},
    doc::{Doc, Parts, Transaction, Tx},
    error::Error,
    storage::{
        Storage,
        index::{Origin, RecordKey, Slot, Stored, bytes_of},
    },
};

impl<S: Storage, K: RecordKey, T: Root> Collection<S, K, T> {
    /// Inserts a record at `key` and passes it to `write` with default content. Replaces an
    /// existing record.
    ///
    /// One read and one commit.
    ///
    /// # Errors
    ///
    /// Those of [`transact`](Collection::transact).
    pub async fn insert(
        &self,
        key: &K,
        mut write: impl FnMut(&mut Tx<'_, T>),
    ) -> Result<Transaction, Error> {
        self.transact([key], |tx| write(&mut tx.insert(key))).await
    }

    /// Inserts many records in one transaction. Passes each to `write` with its value. If a key is
    /// repeated, the last one wins.
    ///
    /// One read and one commit.
    ///
    /// # Errors
    ///
    /// Those of [`transact`](Collection::transact).
    pub async fn insert_batch<V>(
        &self,
        records: impl IntoIterator<Item = (K, V)>,
        mut write: impl FnMut(&mut Tx<'_, T>, &V),
    ) -> Result<Transaction, Error> {
        let records: BTreeMap<Vec<u8>, (K, V)> = records
            .into_iter()
            .map(|(key, value)| (bytes_of(&key), (key, value)))
            .collect();
        let keys = records.values().map(|(key, _)| key);
        self.transact(keys, |tx| {
            for (key, value) in records.values() {
                write(&mut tx.insert(key), value);
            }
        })
        .await
    }

    /// Applies `change` to the record at `key`. Returns `None` and changes nothing if there is no
    /// record.
    ///
    /// One read and one commit.
    ///
    /// # Errors
    ///
    /// Those of [`transact`](Collection::transact).
    pub async fn update(
        &self,
        key: &K,
        mut change: impl FnMut(&mut Tx<'_, T>),
    ) -> Result<Option<Transaction>, Error> {
        let mut found = false;
        let done = self
            .transact([key], |tx| {
                let record = tx.update(key);
                found = record.is_some();
                if let Some(mut record) = record {
                    change(&mut record);
                }
            })
            .await?;
        Ok(found.then_some(done))
    }

    /// Removes the record at `key`. Returns whether it existed.
    ///
    /// One read and one commit.
    ///
    /// # Errors
    ///
    /// Those of [`transact`](Collection::transact).
    pub async fn remove(&self, key: &K) -> Result<bool, Error> {
        Ok(self.remove_batch([key]).await? > 0)
    }

    /// Removes many records in one transaction. Returns how many existed.
    ///
    /// One read and one commit.
    ///
    /// # Errors
    ///
    /// Those of [`transact`](Collection::transact).
    pub async fn remove_batch<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k K>,
    ) -> Result<usize, Error> {
        let keys: Vec<&K> = keys.into_iter().collect();
        let mut removed = 0;
        self.transact(keys.iter().copied(), |tx| {
            removed = keys.iter().filter(|key| tx.remove(key)).count();
        })
        .await?;
        Ok(removed)
    }

    /// Edits the records at `keys` in one transaction: all changes share one stamp and are applied
    /// together or not at all.
    ///
    /// `edit` may read and write these records only. It runs again if another tab writes at the
    /// same time.
    ///
    /// One read and one commit. A transaction that changes nothing commits nothing.
    ///
    /// # Errors
    ///
    /// - [`Error::is_limit`] and [`Error::is_value`] as for
    ///   [`Doc::transact`](crate::Doc::transact).
    /// - [`Error::is_conflict`] if another record has the same key in a unique index.
    /// - [`Error::is_corrupt`] if a record is damaged.
    /// - [`Error::is_unsupported`] if a newer build of the app has changed the indices.
    /// - An error of the storage.
    ///
    /// An error changes nothing.
    ///
    /// # Panics
    ///
    /// If `edit` panics. In that case, nothing has changed.
    pub async fn transact<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k K>,
        mut edit: impl FnMut(&mut CollectionTx<'_, '_, K, T>),
    ) -> Result<Transaction, Error> {
        let mut keys: Vec<Vec<u8>> = keys.into_iter().map(bytes_of).collect();
        keys.sort_unstable();
        keys.dedup();
        self.write(keys.clone(), Origin::Here, |doc, damaged| {
            doc.transact(|tx| edit(&mut CollectionTx::new(tx, &keys, damaged)))
        })
        .await
    }

    /// Assembles a document of the records at `keys`, lets `work` change it, and commits the
    /// result.
    ///
    /// `keys` must be sorted and distinct. `work` also receives the damaged records. The document
    /// does not contain them. Writing over a damaged record preserves its bytes in quarantine.
    pub(super) async fn write<O>(
        &self,
        keys: Vec<Vec<u8>>,
        origin: Origin,
        work: impl FnMut(&mut Doc<Records<T>>, &[Unreadable]) -> Result<O, Error>,
    ) -> Result<O, Error> {
        self.write_noting(keys, origin, None, work).await
    }

    /// Commits changes like [`write`](Collection::write), and records the progress of an import.
    pub(super) async fn write_importing<O>(
        &self,
        keys: Vec<Vec<u8>>,
        import: Advance,
        work: impl FnMut(&mut Doc<Records<T>>, &[Unreadable]) -> Result<O, Error>,
    ) -> Result<O, Error> {
        self.write_noting(keys, Origin::Elsewhere, Some(import), work)
            .await
    }

    async fn write_noting<O>(
        &self,
        keys: Vec<Vec<u8>>,
        origin: Origin,
        import: Option<Advance>,
        mut work: impl FnMut(&mut Doc<Records<T>>, &[Unreadable]) -> Result<O, Error>,
    ) -> Result<O, Error> {
        let watched = self.is_watched();
        let (done, _writing) = self
            .records
            .edit(keys, vec![META.to_vec()], origin, |reading, batch| {
                let before = reading.extra.first().and_then(Option::as_deref);
                let before = Meta::decode(before)?;
                let known = self.state.lock().meta.clone();
                let (mut doc, damaged) = self.assemble(&mut reading.slots, &before);
                let out = work(&mut doc, &damaged)?;
                let (mut meta, clock) = take_apart(doc, &mut reading.slots)?;
                meta.import = match &import {
                    None => before.import.clone(),
                    Some(step) if step.from == before.import => Some(step.to.clone()),
                    Some(_) => {
                        return Err(Error::conflict("another tab has imported at the same time"));
                    }
                };
                if meta != before {
                    batch.put(self.records.extra_key(META), meta.encode()?);
                }
                let changed = watched.then(|| changed(&reading.slots));
                Ok((out, (known, before, meta), clock, changed))
            })
            .await?;
        let (out, (known, before, meta), clock, changed) = done;
        // Writes through this handle wait until watchers are notified, so notifications follow the
        // order of commits.
        if before == known {
            self.tell(changed.unwrap_or_default());
        } else if self.tell_since(&known.version, &meta).await.is_err() {
            // The commit remains valid. The next notification starts where this one would have
            // started.
            return Ok(out);
        }
        self.know(meta, Some(&clock));
        Ok(out)
    }

    fn assemble(
        &self,
        slots: &mut [Slot<StoredRecord<T>>],
        meta: &Meta,
    ) -> (Doc<Records<T>>, Vec<Unreadable>) {
        let (mut state, mut quarantine) = (Records::default(), Quarantine::default());
        let mut damaged = Vec::new();
        for Slot { key, old, .. } in slots {
            match old {
                Stored::Nothing => {}
                Stored::Record(kept) => kept.clone().join_into(key, &mut state, &mut quarantine),
                Stored::Damaged(_, error) => {
                    damaged.push((key.clone(), Error::corrupt(error.to_string())));
                }
            }
        }
        let parts = Parts {
            state,
            version: meta.version.clone(),
            horizon: meta.horizon.clone(),
            present: meta.present.clone(),
            quarantine,
        };
        let clock = self.state.lock().clock.clone();
        (Doc::from_parts(parts, clock), damaged)
    }
}

/// Extracts the records and the metadata from an assembled document.
fn take_apart<T: Root>(
    doc: Doc<Records<T>>,
    slots: &mut [Slot<StoredRecord<T>>],
) -> Result<(Meta, Clock), Error> {
    let (mut parts, clock) = doc.into_parts();
    let mut cells = CellWriter::default();
    for slot in slots {
        let kept = StoredRecord::take(&slot.key, &mut parts.state, &parts.quarantine, &mut cells)?;
        let same = match (&slot.old, &kept) {
            (Stored::Nothing | Stored::Damaged(..), None) => true,
            (Stored::Record(old), Some(kept)) => old.is_same_as(kept),
            _ => false,
        };
        if !same {
            slot.new = Some(kept);
        }
    }
    let meta = Meta {
        import: None,
        version: parts.version,
        horizon: parts.horizon,
        present: parts.present,
    };
    Ok((meta, clock))
}

/// Returns the changes of the records that are about to be written.
fn changed<T: Clone>(slots: &[Slot<StoredRecord<T>>]) -> Changed<T> {
    let written = slots
        .iter()
        .filter_map(|slot| Some((slot, slot.new.clone()?)));
    let changed = written.map(|(slot, after)| ChangedRecord {
        key: slot.key.clone(),
        before: match &slot.old {
            Stored::Record(kept) => Before::Record(kept.clone()),
            Stored::Nothing | Stored::Damaged(..) => Before::Nothing,
        },
        after,
    });
    changed.collect()
}
