use super::{Collection, Meta, open::META, watch::Written};
use crate::{
    crdt::{Quarantine, Records, Root, keys_of},
    delta::Delta,
    doc::{Doc, Parts},
    error::Error,
    limits,
    storage::{Origin, Query, RecordKey, Storage},
    version::VersionVector,
};

impl<S: Storage, K: RecordKey, T: Root> Collection<S, K, T> {
    /// The cells that are beyond `version`. Reads the records that were written since, by an index, and none besides; all
    /// of them are in memory then. For a copy that has nothing, [`export`](Collection::export) is made in pieces.
    ///
    /// # Errors
    ///
    /// [`Error::is_snapshot_needed`] where tombstones beyond `version` were forgotten; [`Error::is_corrupt`] where a record
    /// is damaged that belongs to it; or the store's.
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

    /// What is contained, and the records that were written beyond `version`, as they were together: what is overwritten
    /// while they are read would be claimed and be missing, so they are read again.
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
            "others have written all the time; try again later",
        ))
    }

    /// Joins a delta. Cells that were seen before change nothing. Reads the records that it is about, and commits once.
    ///
    /// # Errors
    ///
    /// [`Error::is_gap`], [`Error::is_drift`], [`Error::is_replica_reused`] and [`Error::is_limit`] as for
    /// [`Doc::apply`](crate::Doc::apply); [`Error::is_unsupported`] where a newer build of the app has declared the
    /// indices; or the store's. Nothing has changed then.
    pub async fn apply(&self, delta: &Delta) -> Result<(), Error> {
        let keys = keys_of(delta.cells());
        self.write(keys, Origin::Elsewhere, |doc, _| doc.apply(delta).map(drop))
            .await
    }

    /// Forgets the tombstones that `stable` contains, as [`Doc::forget_tombstones`](crate::Doc::forget_tombstones) does.
    /// Reads every record, some hundred at a time.
    ///
    /// # Errors
    ///
    /// The store's. What was forgotten by then stays so.
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
