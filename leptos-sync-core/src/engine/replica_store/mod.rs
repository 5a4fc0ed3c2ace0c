//! A replica in a storage: its base, its outbox and its place in the relay's history.
//!
//! ```text
//! "R" name  0                               →  the marker: what the other records are
//! "R" name  0 1                             →  the progress: cursor, epochs, flags
//! "R" name  0 2  replica  number            →  an entry of the outbox
//! "R" name  1  generation  chunk            →  a part of the base (an envelope of cells or tombstones)
//! "R" name  2  generation  sequence  nonce  →  cells joined with the base since (count; length and envelope, each)
//! ```
//!
//! Cells and cursor are written in one batch, so the stored base is always exactly what the relay
//! had sent up to the stored cursor. A base that did not only grow, as after a comparison, is
//! written as a whole under a new generation. Records of other generations are ignored.
//!
//! The tabs of a browser share the records. Each write expects the marker that its tab has seen
//! last. So a tab that slept learns that another one has rewritten the base, moved the cursor, or
//! changed the outbox.

mod discard;
mod keys;
mod load;
mod record;
mod refresh;
mod unacknowledged;
mod write;

use crate::{error::Error, replica::Progress, storage::Storage};

pub use load::LoadedReplica;
pub use refresh::RefreshOutcome;
pub use unacknowledged::has_unacknowledged;
pub use write::ReplicaWrite;

use keys::Keys;
use record::Marker;
use write::Write;

/// The storage of one replica.
///
/// Creates the conditional batches that write the replica, and loads it. The caller commits them
/// with [`Storage::commit_if`], and then calls [`committed`](ReplicaStore::committed) if the
/// condition held. If it did not, or the outcome is unknown, the caller calls
/// [`refresh`](ReplicaStore::refresh) until that succeeds, before it creates the next batch.
pub struct ReplicaStore<St> {
    storage: St,
    keys: Keys,
    /// The stored marker, as far as this tab knows. `None` if nothing is stored.
    marker: Option<Marker>,
    /// The stored marker as it is, even if it is damaged.
    stored_marker: Option<Vec<u8>>,
    contents: Contents,
    /// The stored progress, if another tab has written it.
    theirs: Option<Progress>,
    /// The last write, until its outcome is known.
    pending: Option<Write>,
}

/// The stored records of the base.
#[derive(Default)]
struct Contents {
    /// The keys of the base, which a compaction replaces.
    keys: Vec<Vec<u8>>,
    chunk_bytes: usize,
    /// The records since the last compaction.
    log_records: usize,
    log_bytes: usize,
}

impl<St: Storage> ReplicaStore<St> {
    /// Returns the store of the document `name` in `storage`. Reads nothing yet.
    ///
    /// # Errors
    ///
    /// [`Error::is_limit`] if the name is empty or longer than
    /// [`limits::NAME_BYTES`](crate::limits::NAME_BYTES).
    pub fn new(storage: St, name: &str) -> Result<Self, Error> {
        Ok(Self {
            storage,
            keys: Keys::new(name)?,
            marker: None,
            stored_marker: None,
            contents: Contents::default(),
            theirs: None,
            pending: None,
        })
    }

    /// Returns the underlying storage.
    pub fn storage(&self) -> &St {
        &self.storage
    }

    /// Returns the key prefix of the records that show what another tab has changed: the marker,
    /// the progress and the entries.
    pub fn shared_prefix(&self) -> Vec<u8> {
        self.keys.marker()
    }

    /// Returns the key prefix of the replica's records.
    pub fn prefix(&self) -> &[u8] {
        self.keys.prefix()
    }
}
