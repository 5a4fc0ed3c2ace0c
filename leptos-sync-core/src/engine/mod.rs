//! Persistence of a document in a [`Storage`]: loading, logging, compaction, and when to write.
//!
//! A document is a snapshot in chunks and a log of transactions:
//!
//! ```text
//! "D" name  0  generation  chunk  chunks   →  a part of a snapshot (an envelope)
//! "D" name  1  time  replica               →  the transactions of one write (length and envelope, each)
//! ```
//!
//! Several tabs may write to one document concurrently. A log record is named by its writer's
//! stamp, and a generation by its own stamp. Compaction deletes only records that its document is
//! known to contain. So several generations may exist; loading joins all of them.

mod keys;
mod load;
mod log;
mod replica_store;
mod saver;

use crate::{
    crdt::Root,
    delta::Delta,
    doc::Doc,
    error::Error,
    limits,
    storage::{Batch, Storage},
};

pub use load::Loaded;
#[doc(hidden)]
pub use replica_store::{
    LoadedReplica, RefreshOutcome, ReplicaStore, ReplicaWrite, has_unacknowledged,
};
pub use saver::Saver;

use keys::{Generation, Keys};

/// Returns the key prefix of a document that an older version of this library has stored.
///
/// # Errors
///
/// [`Error::is_limit`] if the name is empty or longer than [`limits::NAME_BYTES`].
#[doc(hidden)]
pub fn old_prefix(name: &str) -> Result<Vec<u8>, Error> {
    Ok(Keys::new(name)?.prefix().to_vec())
}

/// The storage of one document.
///
/// Creates the batches that write the document. The caller decides when to commit them.
///
/// ```
/// use leptos_sync_core::{
///     Clock, Error, LwwMap, ReplicaId,
///     engine::DocStore,
///     storage::{MemoryStorage, Storage},
/// };
///
/// async fn count_opens(storage: MemoryStorage) -> Result<u32, Error> {
///     let mut store = DocStore::new(storage, "counts")?;
///     let clock = Clock::system(ReplicaId::random()?);
///     let mut doc = store.load::<LwwMap<String, u32>>(clock).await?.doc;
///
///     let opens = doc.state().get("opens").copied().unwrap_or(0) + 1;
///     let written = doc.transact(|tx| tx.insert("opens".to_owned(), opens))?;
///
///     let write = store.log(&[written.delta]);
///     store.storage().commit(write.batch).await?;
///     store.committed(write.receipt);
///     Ok(opens)
/// }
/// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
/// # let storage = MemoryStorage::new();
/// # for opens in 1..4 {
/// #     let run = pin!(count_opens(storage.clone()));
/// #     let counted = run.poll(&mut Context::from_waker(Waker::noop()));
/// #     assert!(matches!(counted, Poll::Ready(Ok(count)) if count == opens));
/// # }
/// ```
pub struct DocStore<St> {
    storage: St,
    keys: Keys,
    contents: Contents,
}

/// The stored records that the document contains, which a compaction may delete.
#[derive(Default)]
struct Contents {
    snapshots: Vec<Vec<u8>>,
    snapshot_bytes: usize,
    log: Vec<Vec<u8>>,
    log_bytes: usize,
    generations: usize,
}

impl<St: Storage> DocStore<St> {
    /// Returns the store of the document `name` in `storage`. Reads nothing yet.
    ///
    /// # Errors
    ///
    /// [`Error::is_limit`] if the name is empty or longer than [`limits::NAME_BYTES`].
    pub fn new(storage: St, name: &str) -> Result<Self, Error> {
        Ok(Self {
            storage,
            keys: Keys::new(name)?,
            contents: Contents::default(),
        })
    }

    /// Returns the underlying storage.
    pub fn storage(&self) -> &St {
        &self.storage
    }

    /// Returns the write that appends `deltas` to the log as one record. O(bytes).
    pub fn log(&self, deltas: &[Delta]) -> StoreWrite {
        let mut write = StoreWrite::default();
        let (key, record) = (self.keys.log(deltas), log::encode(deltas));
        let now = &mut write.receipt.now;
        now.log_bytes = record.len();
        now.log.push(key.clone());
        write.batch.put(key, record);
        write
    }

    /// Returns the write that replaces all stored records that `doc` is known to contain with one
    /// snapshot of it. O(cells).
    ///
    /// # Errors
    ///
    /// If a limit is exceeded, which cannot happen for data that was accepted before.
    pub fn compact<S: Root>(&self, doc: &mut Doc<S>) -> Result<StoreWrite, Error> {
        let parts = doc.snapshot_parts(limits::CHUNK_BYTES)?;
        let mut write = StoreWrite::default();
        for key in self.contents.snapshots.iter().chain(&self.contents.log) {
            write.batch.delete(key.clone());
        }
        let generation = Generation::new(doc.next_stamp(), parts.len());
        let now = &mut write.receipt.now;
        for (index, part) in parts.iter().enumerate() {
            let key = self.keys.chunk(generation, index);
            let envelope = part.encode();
            now.snapshot_bytes += envelope.len();
            now.snapshots.push(key.clone());
            write.batch.put(key, envelope);
        }
        now.generations = 1;
        write.receipt.replaced = Some(self.contents.log.len());
        Ok(write)
    }

    /// Records that a write was committed.
    pub fn committed(&mut self, receipt: Receipt) {
        let Receipt { mut now, replaced } = receipt;
        let contents = &mut self.contents;
        if let Some(log) = replaced {
            // Keep the records that were logged during the compaction.
            let later = contents.log.split_off(log.min(contents.log.len()));
            now.log = later;
            *contents = now;
        } else {
            contents.log.append(&mut now.log);
            contents.log_bytes += now.log_bytes;
        }
    }

    /// Returns whether a compaction pays off.
    ///
    /// That is the case if the log has more than [`limits::LOG_RECORDS`] records, or more bytes
    /// than both the snapshot and [`limits::LOG_BYTES`], or if there are two generations.
    pub fn wants_compaction(&self) -> bool {
        let contents = &self.contents;
        contents.log.len() > limits::LOG_RECORDS
            || contents.log_bytes > contents.snapshot_bytes.max(limits::LOG_BYTES)
            || contents.generations > 1
    }
}

/// A batch to commit, and the receipt to pass to [`DocStore::committed`] afterwards.
#[derive(Default)]
#[non_exhaustive]
pub struct StoreWrite {
    /// The batch.
    pub batch: Batch,
    /// The effect of the batch.
    pub receipt: Receipt,
}

/// The effect of a committed write.
#[derive(Default)]
#[non_exhaustive]
pub struct Receipt {
    /// The records that the batch writes.
    now: Contents,
    /// The number of log records that the batch replaces, if it is a compaction.
    replaced: Option<usize>,
}
