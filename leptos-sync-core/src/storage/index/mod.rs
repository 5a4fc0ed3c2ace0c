//! Records with secondary indices, in any storage.
//!
//! An index is a set of ordered keys, written in the same batch as the record. So it never
//! disagrees with the records, and it works on every storage, like the layers of FoundationDB. The
//! keys below `"I" name`:
//!
//! ```text
//! 0                       →  the number of commits so far
//! 1                       →  the catalog: the indices and the progress of building them (an envelope)
//! 2 record                →  a record (an envelope)
//! 3 index  key  record    →  an entry of an index: the length of `record`
//! 3 index  key            →  an entry of a unique index: the keys of its records
//! 4 record                →  a damaged record that was overwritten
//! 5 …                     →  reserved for the layer on top of this storage
//! ```
//!
//! Every write first reads the records that it replaces, to remove their entries. It commits only
//! if the count of commits has not changed since. So tabs and tasks may write concurrently.

mod build;
mod catalog;
mod key;
mod layout;
mod matcher;
mod query;
mod read;
mod schema;
mod unique;
mod write;

use std::{fmt, marker::PhantomData, sync::Arc};

use parking_lot::RwLock;
use tokio::sync::Mutex;

use self::{
    catalog::{Access, Catalog},
    layout::Layout,
};
use super::{Batch, Damage, Expected, Scan, Storage};
use crate::{
    codec::{
        self,
        envelope::{self, Kind},
    },
    crdt::Value,
    error::Error,
    limits,
};

pub use build::IndexProgress;
pub use key::{IndexKey, RecordKey};
pub(crate) use key::{bytes_of, parse};
pub(crate) use matcher::Matcher;
pub use query::{Cursor, Page, Query};
pub use schema::{Index, Schema};
pub(crate) use write::{Origin, Slot, Stored};

/// Records of type `R` under keys of type `K` in a [`Storage`], with secondary indices.
///
/// Only the catalog of indices is held in memory. A get is one read. A write reads the records that
/// it replaces and commits once, including all index entries. A query reads its entries, then their
/// records. The cost of opening does not depend on the number of records.
///
/// If another tab writes at the same time, a write is retried on the new state, so the closure of
/// `update` may run more than once. A damaged record is reported with its key and does not affect
/// the others. Overwriting it preserves its bytes in quarantine.
///
/// This type knows neither replicas nor stamps. [`Collection`](crate::Collection) builds on it and
/// adds both.
///
/// ```
/// use leptos_sync_core::{Error, Id, index::{Index, IndexedStorage, Schema}, storage::MemoryStorage};
/// # use std::{pin::pin, task::{Context, Poll, Waker}};
///
/// async fn run() -> Result<(), Error> {
///     let by_length = Index::new("length", |word: &String| word.len() as u64);
///     let schema = Schema::new(1).index(&by_length);
///     let store = MemoryStorage::new();
///     let words = IndexedStorage::<_, Id, String>::open(store, "words", schema).await?;
///
///     let [honey, tea] = [Id::new(), Id::new()];
///     words.insert_batch([(Id::new(), "milk".to_owned()), (honey, "honey".to_owned())]).await?;
///     words.insert(&tea, "tea".to_owned()).await?;
///     words.update(&tea, |word| word.push_str("pot")).await?;
///
///     let long = words.query(by_length.range(5..).limit(10)).await?;
///     assert_eq!(long.records, [(honey, "honey".to_owned()), (tea, "teapot".to_owned())]);
///     Ok(())
/// }
/// # let run = pin!(run());
/// # assert!(matches!(run.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
/// ```
pub struct IndexedStorage<S, K, R> {
    store: S,
    layout: Layout,
    schema: Schema<R>,
    /// A lock that each write holds, since concurrent writes of one tab would only make each other
    /// retry.
    writer: Mutex<()>,
    known: RwLock<Arc<SharedState>>,
    damage: Vec<Damage>,
    form: Form<R>,
    key: PhantomData<fn() -> K>,
}

/// The encoding and visibility of records.
pub(crate) struct Form<R> {
    /// A function that appends the envelope of a record.
    pub(crate) encode: fn(&R, &mut Vec<u8>) -> Result<(), Error>,
    pub(crate) decode: fn(&[u8]) -> Result<R, Error>,
    /// A function that returns the number of bytes of a record that a user could remove.
    pub(crate) content: fn(&R) -> usize,
    /// A function that returns whether reads return a record.
    pub(crate) shown: fn(&R) -> bool,
}

/// The state that all handles share, as it was last read.
#[derive(Debug, Default, PartialEq, Eq)]
struct SharedState {
    commits: Option<Vec<u8>>,
    catalog_bytes: Option<Vec<u8>>,
    catalog: Catalog,
}

impl<S: Storage, K: RecordKey, R: Value> IndexedStorage<S, K, R> {
    /// Opens the records called `name` with the indices of `schema`. Costs one read, and a commit
    /// if the schema is new.
    ///
    /// A new index is incomplete until it is [built](IndexedStorage::build), but writes update it
    /// from now on. The build also deletes indices that are no longer declared.
    ///
    /// # Errors
    ///
    /// - [`Error::is_limit`] if the name is empty or too long, or if there are too many indices.
    /// - [`Error::is_value`] if this version of the schema was declared with other indices before.
    /// - An error of the storage.
    pub async fn open(store: S, name: &str, schema: Schema<R>) -> Result<Self, Error> {
        let form = Form {
            encode: |record, out| {
                let mut body = Vec::new();
                codec::encode_checked(record, &mut body)?;
                envelope::seal(Kind::Record, &body, out);
                Ok(())
            },
            decode: |bytes| codec::decode(&envelope::open(Kind::Record, bytes)?),
            content: |record| {
                let mut body = Vec::new();
                codec::encode(record, &mut body).map_or(0, |()| body.len())
            },
            shown: |_| true,
        };
        Self::open_as(store, name, schema, form).await
    }
}

impl<S: Storage, K: RecordKey, R: Clone + 'static> IndexedStorage<S, K, R> {
    /// Opens records with another encoding. See [`open`](IndexedStorage::open).
    pub(crate) async fn open_as(
        store: S,
        name: &str,
        schema: Schema<R>,
        form: Form<R>,
    ) -> Result<Self, Error> {
        schema.check()?;
        let mut this = Self {
            store,
            layout: Layout::new(name)?,
            schema,
            writer: Mutex::new(()),
            known: RwLock::default(),
            damage: Vec::new(),
            form,
            key: PhantomData,
        };
        this.declare().await?;
        Ok(this)
    }

    /// Returns whether a newer build of the app has changed the indices, so that this build can
    /// only read.
    pub fn is_read_only(&self) -> bool {
        self.known().catalog.access(&self.schema) == Access::ReadOnly
    }

    /// Returns the damage found on opening: a damaged catalog. All its indices must be built again.
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// Returns the underlying storage.
    pub fn store(&self) -> &S {
        &self.store
    }

    fn known(&self) -> Arc<SharedState> {
        Arc::clone(&self.known.read())
    }

    /// Reads the state that all handles share.
    async fn look(&self) -> Result<Arc<SharedState>, Error> {
        let (commits, catalog) = (self.layout.commits(), self.layout.catalog());
        let found = self.store.get_many(&[&commits, &catalog]).await?;
        let mut found = found.into_iter();
        let (commits, catalog_bytes) = (found.next().flatten(), found.next().flatten());
        let known = Arc::new(SharedState {
            catalog: catalog_bytes
                .as_deref()
                .map(Catalog::decode)
                .transpose()?
                .unwrap_or_default(),
            commits,
            catalog_bytes,
        });
        *self.known.write() = Arc::clone(&known);
        Ok(known)
    }

    /// Updates the catalog to the schema.
    async fn declare(&mut self) -> Result<(), Error> {
        for _ in 0..limits::WRITE_ATTEMPTS {
            let known = match self.look().await {
                Ok(known) => known,
                Err(error) if error.is_corrupt() => self.restart(error).await?,
                Err(error) => return Err(error),
            };
            let records = Scan::prefix(&self.layout.record(&[])).limit(1);
            let has_records = !self.store.scan(records).await?.is_empty();
            let Some(next) = known.catalog.declare(&self.schema, has_records)? else {
                return Ok(());
            };
            if self.commit(&known, Batch::new(), Some(next)).await? {
                return Ok(());
            }
        }
        Err(never_its_turn())
    }

    /// Replaces a catalog that cannot be read. Drops all its indices, and does not reuse their ids.
    async fn restart(&mut self, error: Error) -> Result<Arc<SharedState>, Error> {
        let key = self.layout.catalog();
        let mut catalog = Catalog::default();
        let entries = self.layout.entries();
        while let Some(id) = catalog.next_to_find() {
            let mut rest = Scan::prefix(&entries);
            rest.start = std::ops::Bound::Included(self.layout.index(id));
            let found = self.store.scan(rest.limit(1)).await?;
            let Some(id) = found.first().and_then(|(key, _)| self.layout.id_of(key)) else {
                break;
            };
            catalog.found(id);
        }
        let commits = self.store.get(&self.layout.commits()).await?;
        self.damage.push(Damage { key, error });
        Ok(Arc::new(SharedState {
            commits,
            catalog_bytes: None,
            catalog,
        }))
    }

    /// Commits a batch and a changed catalog, unless another handle has written since `known` was
    /// read. Returns whether the batch was applied. If not, updates the known state.
    async fn commit(
        &self,
        known: &SharedState,
        mut batch: Batch,
        catalog: Option<Catalog>,
    ) -> Result<bool, Error> {
        let commits = known.commits.as_deref().and_then(<[u8]>::first_chunk);
        let next = commits.map_or(0, |commits| u64::from_be_bytes(*commits)) + 1;
        let next = next.to_be_bytes().to_vec();
        batch.put(self.layout.commits(), next.clone());
        let (catalog, catalog_bytes) = match catalog {
            Some(catalog) => {
                let bytes = catalog.encode()?;
                batch.put(self.layout.catalog(), bytes.clone());
                (catalog, Some(bytes))
            }
            None => (known.catalog.clone(), known.catalog_bytes.clone()),
        };
        let expected = Expected {
            key: self.layout.commits(),
            value: known.commits.clone(),
        };
        let applied = self.store.commit_if(expected, batch).await?;
        if applied {
            *self.known.write() = Arc::new(SharedState {
                commits: Some(next),
                catalog_bytes,
                catalog,
            });
        } else {
            self.look().await?;
        }
        Ok(applied)
    }
}

fn never_its_turn() -> Error {
    Error::conflict("the data changed during every attempt to write them; try again later")
}

impl<S: fmt::Debug, K, R> fmt::Debug for IndexedStorage<S, K, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexedStorage")
            .field("store", &self.store)
            .field("schema", &self.schema)
            .field("catalog", &self.known.read().catalog)
            .finish_non_exhaustive()
    }
}
