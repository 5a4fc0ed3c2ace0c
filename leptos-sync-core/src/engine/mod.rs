//! Keeping a document in a [`Storage`](crate::Storage): loading, logging, compacting, and deciding when to write.
//!
//! A document is a snapshot in chunks plus a log of transactions, under its name:
//!
//! ```text
//! "D" name  0  generation  chunk  chunks   →  a part of a snapshot (an envelope)
//! "D" name  1  time  replica               →  the transactions of one write (length and envelope, each)
//! "D" name  2                              →  what the relay has acknowledged: a delta of no cells up to there
//! "D" name  3  time  replica               →  what the relay has sent (length and envelope, each)
//! ```
//!
//! Several tabs may write to one name at once: log records are named by their writer's stamp, generations by a stamp
//! of their own, and compaction deletes only what its document was seen to contain. So there may be several
//! generations; loading joins whatever is there.

mod exchanged;
mod keys;
mod load;
mod log;
mod saver;

use crate::{
    clock::Stamp,
    crdt::Root,
    delta::{Delta, Snapshot},
    doc::Doc,
    error::Error,
    limits,
    storage::{Batch, Storage},
};

pub use load::Loaded;
pub use saver::Saver;

use keys::{Generation, Keys};

/// Where one document is kept.
///
/// It makes the batches that write the document; committing them is the caller's, who alone knows when.
pub struct DocStore<St> {
    storage: St,
    keys: Keys,
    contents: Contents,
}

/// What is in the storage and also in this document: what a compaction may delete.
#[derive(Default)]
struct Contents {
    snapshots: Vec<Vec<u8>>,
    snapshot_bytes: usize,
    log: Vec<Vec<u8>>,
    log_bytes: usize,
    /// How many records of the log the last compaction has written itself: they are no reason for another one.
    rewritten: usize,
    generations: usize,
}

impl<St: Storage> DocStore<St> {
    /// The place of the document `name` in `storage`. Reads nothing yet.
    ///
    /// # Errors
    ///
    /// [`Error::is_limit`] when the name is empty or longer than [`limits::NAME_BYTES`].
    pub fn new(storage: St, name: &str) -> Result<Self, Error> {
        Ok(Self {
            storage,
            keys: Keys::new(name)?,
            contents: Contents::default(),
        })
    }

    /// The storage.
    pub fn storage(&self) -> &St {
        &self.storage
    }

    /// The write that appends `deltas` to the log, as one record. O(bytes).
    pub fn log(&self, deltas: &[Delta]) -> StoreWrite {
        let mut write = StoreWrite::default();
        write.append(self.keys.log(deltas), deltas);
        write
    }

    /// The write that replaces everything `doc` was seen to contain by one snapshot of it. O(cells).
    ///
    /// # Errors
    ///
    /// None that what was accepted once could cause again.
    pub fn compact<S: Root>(&self, doc: &mut Doc<S>) -> Result<StoreWrite, Error> {
        let parts = doc.snapshot_parts(limits::CHUNK_BYTES)?;
        Ok(self.replace(&parts, doc.next_stamp()))
    }

    /// The write that replaces everything the document was seen to contain by a snapshot in these parts.
    fn replace(&self, parts: &[Snapshot], stamp: Stamp) -> StoreWrite {
        let mut write = StoreWrite::default();
        for key in self.contents.snapshots.iter().chain(&self.contents.log) {
            write.batch.delete(key.clone());
        }
        let generation = Generation::new(stamp, parts.len());
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
        write
    }

    /// Takes note that a write was committed.
    pub fn committed(&mut self, receipt: Receipt) {
        let Receipt { mut now, replaced } = receipt;
        let contents = &mut self.contents;
        if let Some(log) = replaced {
            // Records that were appended while the compaction was on its way stay.
            let later = contents.log.split_off(log.min(contents.log.len()));
            now.rewritten = now.log.len();
            now.log.extend(later);
            *contents = now;
            // What it has written to the log anew is no reason for another one.
            contents.log_bytes = 0;
        } else {
            contents.log.append(&mut now.log);
            contents.log_bytes += now.log_bytes;
        }
    }

    /// Whether a compaction pays: the log has more than [`limits::LOG_RECORDS`] records, or more bytes than the
    /// snapshot and [`limits::LOG_BYTES`], or two tabs have left a snapshot each.
    pub fn wants_compaction(&self) -> bool {
        let contents = &self.contents;
        contents.log.len() > limits::LOG_RECORDS + contents.rewritten
            || contents.log_bytes > contents.snapshot_bytes.max(limits::LOG_BYTES)
            || contents.generations > 1
    }
}

/// A batch to commit, and what to tell [`DocStore::committed`] when that succeeded.
#[derive(Default)]
pub struct StoreWrite {
    /// The batch.
    pub batch: Batch,
    /// What it does.
    pub receipt: Receipt,
}

impl StoreWrite {
    /// Adds a record to the log.
    fn append(&mut self, key: Vec<u8>, deltas: &[Delta]) {
        let record = log::encode(deltas);
        let now = &mut self.receipt.now;
        now.log.push(key.clone());
        now.log_bytes += record.len();
        self.batch.put(key, record);
    }
}

/// What a committed write has changed.
#[derive(Default)]
pub struct Receipt {
    /// What it has written.
    now: Contents,
    /// How many records of the log were there when it replaced everything, if it did.
    replaced: Option<usize>,
}
