use std::fmt;

use parking_lot::Mutex;

use super::{Collection, Meta, State, StoredRecord};
use crate::{
    clock::Clock,
    crdt::Root,
    error::Error,
    id::ReplicaId,
    limits,
    storage::{
        Damage, Storage,
        index::{Form, Index, IndexProgress, IndexedStorage, RecordKey, Schema},
    },
    stream::ChangeSender,
    version::VersionVector,
};

/// The name of the index by time. User indices cannot have this name.
const BY_TIME: &str = "";

/// The location of the collection's metadata among the extra keys of its [`IndexedStorage`].
pub(super) const META: &[u8] = b"version";

impl<S: Storage, K: RecordKey, T: Root> Collection<S, K, T> {
    /// Opens the collection called `name` with the indices of `schema`.
    ///
    /// `clock` stamps the operations; its replica id must not be used by any other handle. The
    /// number of reads does not depend on the number of records. Makes one commit if the schema is
    /// new.
    ///
    /// # Errors
    ///
    /// Those of [`IndexedStorage::open`].
    pub async fn open(
        storage: S,
        name: &str,
        schema: Schema<T>,
        clock: Clock,
    ) -> Result<Self, Error> {
        let by_time = Index::multi(BY_TIME, |kept: &StoredRecord<T>| {
            let times = kept.upto().iter();
            let times = times.map(|(replica, time)| (replica.get(), time.get()));
            times.collect::<Vec<_>>()
        })
        .max_keys(limits::REPLICAS);
        let schema = schema.within(StoredRecord::shown).index(&by_time);
        let form = Form {
            encode: StoredRecord::encode,
            decode: StoredRecord::decode,
            content: StoredRecord::content,
            shown: StoredRecord::is_present,
        };
        let records = IndexedStorage::open_as(storage, name, schema, form).await?;
        let this = Self {
            records,
            by_time,
            state: Mutex::new(State {
                clock,
                meta: Meta::default(),
            }),
            changes: ChangeSender::new(),
        };
        this.refresh().await?;
        Ok(this)
    }

    /// Reads the changes of other tabs and notifies [watchers](Collection::watch).
    ///
    /// Costs one read, and further reads of the changed records if there are watchers.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`] if the metadata or a record is damaged, or an error of the storage.
    pub async fn refresh(&self) -> Result<(), Error> {
        let meta = self.records.extra(META).await?;
        let meta = Meta::decode(meta.as_deref())?;
        let known = self.version();
        self.tell_since(&known, &meta).await?;
        self.know(meta, None);
        Ok(())
    }

    /// Updates the state to metadata that was committed or read.
    pub(super) fn know(&self, meta: Meta, clock: Option<&Clock>) {
        let mut state = self.state.lock();
        let latest = meta.present.latest().max(meta.version.latest());
        state.clock.resume(latest);
        if let Some(clock) = clock {
            state.clock.resume(clock.last());
        }
        state.meta = meta;
    }

    /// Returns the version of the collection as this handle knows it. Another tab may have added
    /// operations since.
    pub fn version(&self) -> VersionVector {
        self.state.lock().meta.version.clone()
    }

    /// Returns the replica id of this handle's operations.
    pub fn replica(&self) -> ReplicaId {
        self.state.lock().clock.replica()
    }

    /// Changes the replica id of later operations.
    pub fn set_replica(&self, replica: ReplicaId) {
        let mut state = self.state.lock();
        state.clock = state.clock.with_replica(replica);
    }

    /// Returns whether a newer build of the app has changed the indices, so that this build can
    /// only read.
    pub fn is_read_only(&self) -> bool {
        self.records.is_read_only()
    }

    /// Returns the damage found on opening. See [`IndexedStorage::damage`].
    pub fn damage(&self) -> &[Damage] {
        self.records.damage()
    }

    /// Returns the underlying storage.
    pub fn storage(&self) -> &S {
        self.records.store()
    }

    /// Builds new indices. See [`IndexedStorage::build`].
    ///
    /// # Errors
    ///
    /// Those of [`IndexedStorage::build`].
    pub async fn build(&self, progress: impl FnMut(IndexProgress)) -> Result<(), Error> {
        self.records.build(progress).await
    }

    /// Clears an index, so that the next [`build`](Collection::build) fills it again. See
    /// [`IndexedStorage::rebuild`].
    ///
    /// # Errors
    ///
    /// Those of [`IndexedStorage::rebuild`].
    pub async fn rebuild(&self, index: &str) -> Result<(), Error> {
        self.records.rebuild(index).await
    }
}

impl<S: fmt::Debug, K, T> fmt::Debug for Collection<S, K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collection")
            .field("records", &self.records)
            .field("version", &self.state.lock().meta.version)
            .finish_non_exhaustive()
    }
}
