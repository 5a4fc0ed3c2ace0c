use std::fmt;

use parking_lot::Mutex;

use super::{Collection, Kept, Meta, State};
use crate::{
    clock::Clock,
    crdt::Root,
    error::Error,
    id::ReplicaId,
    limits,
    storage::{Damage, Form, Index, IndexProgress, IndexedStorage, RecordKey, Schema, Storage},
    stream::ChangeSender,
    version::VersionVector,
};

/// The index by time, whose name no user's index has.
const BY_TIME: &str = "";

/// The place of the collection's version, among those that an indexed storage leaves to whoever builds on it.
pub(super) const META: &[u8] = b"version";

impl<S: Storage, K: RecordKey, T: Root> Collection<S, K, T> {
    /// Opens the collection called `name`, with the indices of `schema`; its operations are stamped by `clock`, under a
    /// replica id that nobody else uses. Some reads, however many records there are; a commit where the schema is new.
    ///
    /// # Errors
    ///
    /// As for [`IndexedStorage::open`].
    pub async fn open(
        storage: S,
        name: &str,
        schema: Schema<T>,
        clock: Clock,
    ) -> Result<Self, Error> {
        let by_time = Index::multi(BY_TIME, |kept: &Kept<T>| {
            let times = kept.upto().iter();
            let times = times.map(|(replica, time)| (replica.get(), time.get()));
            times.collect::<Vec<_>>()
        })
        .of_up_to(limits::REPLICAS);
        let schema = schema.within(Kept::shown).index(&by_time);
        let form = Form {
            encode: Kept::encode,
            decode: Kept::decode,
            content: Kept::content,
            shown: Kept::is_present,
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

    /// Looks what other tabs have written meanwhile, and tells those who [watch](Collection::watch). One read, and those
    /// of the records that were written, if anybody watches.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`] where the version or a record is damaged, or the store's.
    pub async fn refresh(&self) -> Result<(), Error> {
        let meta = self.records.extra(META).await?;
        let meta = Meta::decode(meta.as_deref())?;
        let known = self.version();
        self.tell_since(&known, &meta).await?;
        self.know(meta, None);
        Ok(())
    }

    /// Takes note of what was committed or read.
    pub(super) fn know(&self, meta: Meta, clock: Option<&Clock>) {
        let mut state = self.state.lock();
        let latest = meta.present.latest().max(meta.version.latest());
        state.clock.resume(latest);
        if let Some(clock) = clock {
            state.clock.resume(clock.last());
        }
        state.meta = meta;
    }

    /// Which operations are contained, as far as this handle knows: another tab may have added some.
    pub fn version(&self) -> VersionVector {
        self.state.lock().meta.version.clone()
    }

    /// Whose operations this handle makes.
    pub fn replica(&self) -> ReplicaId {
        self.state.lock().clock.replica()
    }

    /// Continues under another replica id.
    pub fn set_replica(&self, replica: ReplicaId) {
        let mut state = self.state.lock();
        state.clock = state.clock.with_replica(replica);
    }

    /// Whether a newer build of the app has declared its indices: this one then reads, and does not write.
    pub fn is_read_only(&self) -> bool {
        self.records.is_read_only()
    }

    /// What was found damaged when this was opened; see [`IndexedStorage::damage`].
    pub fn damage(&self) -> &[Damage] {
        self.records.damage()
    }

    /// The storage below.
    pub fn storage(&self) -> &S {
        self.records.store()
    }

    /// Builds what indices are new, as [`IndexedStorage::build`] does.
    ///
    /// # Errors
    ///
    /// As for [`IndexedStorage::build`].
    pub async fn build(&self, progress: impl FnMut(IndexProgress)) -> Result<(), Error> {
        self.records.build(progress).await
    }

    /// Lets an index be built anew, as [`IndexedStorage::rebuild`] does.
    ///
    /// # Errors
    ///
    /// As for [`IndexedStorage::rebuild`].
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
