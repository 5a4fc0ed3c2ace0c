use super::{Collection, Meta, open::META, watch::Written};
use crate::{
    crdt::{Quarantine, Records, Root, keys_of},
    delta::Delta,
    doc::{Doc, Parts},
    error::Error,
    limits,
    storage::{
        Storage,
        index::{Origin, Query, RecordKey},
    },
    version::VersionVector,
};

impl<S: Storage, K: RecordKey, T: Root> Collection<S, K, T> {
    /// Returns the cells beyond `version`.
    ///
    /// An index finds the records written since `version`; no others are read. All of them are in
    /// memory at the same time. To fill an empty copy, use [`export`](Collection::export), which
    /// works in chunks.
    ///
    /// # Errors
    ///
    /// - [`Error::is_snapshot_needed`] if tombstones beyond `version` were forgotten.
    /// - [`Error::is_corrupt`] if one of the records is damaged.
    /// - An error of the storage.
    pub async fn delta_since(&self, version: &VersionVector) -> Result<Delta, Error> {
        let (meta, written) = self.state_since(version).await?;
        let (mut state, mut quarantine) = (Records::default(), Quarantine::default());
        for (key, kept) in written {
            kept.join_into(&key, &mut state, &mut quarantine);
        }
        let parts = Parts {
            state,
            version: meta.version,
            horizon: meta.horizon,
            present: meta.present,
            quarantine,
        };
        let clock = self.state.lock().clock.clone();
        Doc::from_parts(parts, clock).delta_since(version)
    }

    /// Returns the metadata and the records written beyond `version`, from one state of the
    /// storage. Reads again if the collection changed in between. Otherwise the delta's version
    /// would include cells that were overwritten meanwhile and that the delta lacks.
    async fn state_since(&self, version: &VersionVector) -> Result<(Meta, Written<T>), Error> {
        for _ in 0..limits::WRITE_ATTEMPTS {
            let before = self.records.extra(META).await?;
            let meta = Meta::decode(before.as_deref())?;
            let written = self.written_since(version, &meta.version).await?;
            if self.records.extra(META).await? == before {
                return Ok((meta, written));
            }
        }
        Err(Error::conflict(
            "the data changed during every attempt to read them; try again later",
        ))
    }

    /// Joins a delta. Cells that the collection contains already change nothing. Reads the records
    /// that the delta contains, and makes one commit.
    ///
    /// # Errors
    ///
    /// - [`Error::is_gap`], [`Error::is_drift`], [`Error::is_replica_reused`] and
    ///   [`Error::is_limit`] as for [`Doc::apply`](crate::Doc::apply).
    /// - [`Error::is_unsupported`] if a newer build of the app has changed the indices.
    /// - An error of the storage.
    ///
    /// An error changes nothing.
    pub async fn apply(&self, delta: &Delta) -> Result<(), Error> {
        let keys = keys_of(delta.cells());
        self.write(keys, Origin::Elsewhere, |doc, _| doc.apply(delta).map(drop))
            .await
    }

    /// Forgets the tombstones that `stable` contains, like
    /// [`Doc::forget_tombstones`](crate::Doc::forget_tombstones). Reads every record, a few hundred
    /// at a time.
    ///
    /// # Errors
    ///
    /// An error of the storage. Tombstones forgotten before the error stay forgotten.
    pub async fn forget_tombstones(&self, stable: &VersionVector) -> Result<(), Error> {
        let mut query = Query::all().limit(limits::READ_RECORDS);
        loop {
            let found = self.records.find(query.clone(), |_| true).await?;
            let keys = found.records.into_iter().map(|(key, _)| key).collect();
            self.write(keys, Origin::Elsewhere, |doc, _| {
                doc.forget_tombstones(stable);
                Ok(())
            })
            .await?;
            match found.next {
                Some(next) => query = query.after(next),
                None => return Ok(()),
            }
        }
    }
}
