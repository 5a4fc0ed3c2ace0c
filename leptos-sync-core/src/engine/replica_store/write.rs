use super::{
    Contents, ReplicaStore,
    record::{self, Marker},
};
use crate::{
    crdt::Root,
    error::Error,
    id::ReplicaId,
    limits,
    replica::{Replica, Saved},
    storage::{Batch, Expected, Storage},
};

/// A conditional batch, and the receipt to pass to [`ReplicaStore::committed`] if it was applied.
#[non_exhaustive]
pub struct ReplicaWrite {
    /// The condition: no other tab has changed the records since they were read.
    pub expected: Expected,
    /// The batch.
    pub batch: Batch,
    /// The effect of the batch.
    pub receipt: ReplicaReceipt,
}

/// The effect of a write.
#[derive(Clone, Debug)]
pub struct ReplicaReceipt {
    pub(super) marker: Marker,
    contents: Contents,
    /// The parts of the replica that the write stores.
    saved: Saved,
}

impl<St: Storage> ReplicaStore<St> {
    /// Returns the write of all that is not stored yet. O(bytes), or O(cells) if the base has to be
    /// rewritten.
    ///
    /// Before entries are sent, they must be stored.
    ///
    /// # Errors
    ///
    /// If a limit is exceeded, which cannot happen for cells of a document.
    pub fn save<S: Root>(&mut self, replica: &Replica<S>) -> Result<ReplicaWrite, Error> {
        match self.marker.filter(|_| !replica.must_rewrite()) {
            Some(marker) => self.append(replica, marker),
            None => self.compact(replica),
        }
    }

    /// Returns the write of the entries that were never stored. It has no condition, so that a page
    /// that ends, or has not read the replica yet, can issue it at once. O(bytes).
    ///
    /// # Errors
    ///
    /// Those of [`save`](ReplicaStore::save).
    pub fn new_entries<S: Root>(&self, replica: &Replica<S>) -> Result<Batch, Error> {
        let mut batch = Batch::new();
        for one in replica.entries() {
            let id = one.entry().id;
            if Some(id.replica) == replica.own() && one.is_unsaved() {
                batch.put(self.keys.entry(id), record::encode_entry(one)?);
            }
        }
        Ok(batch)
    }

    /// Returns the write that also replaces all stored records of the base. O(cells).
    ///
    /// # Errors
    ///
    /// Those of [`save`](ReplicaStore::save).
    pub fn compact<S: Root>(&mut self, replica: &Replica<S>) -> Result<ReplicaWrite, Error> {
        let generation = ReplicaId::random()?.get();
        let mut batch = Batch::new();
        for key in &self.contents.keys {
            batch.delete(key.clone());
        }
        let mut contents = Contents::default();
        let mut chunks = 0;
        for (index, part) in replica.base_parts(limits::CHUNK_BYTES)?.iter().enumerate() {
            let key = self.keys.chunk(generation, index);
            let envelope = part.encode();
            contents.chunk_bytes += envelope.len();
            chunks += 1;
            contents.keys.push(key.clone());
            batch.put(key, envelope);
        }
        let position = replica.progress().cursor.position;
        let marker = Marker {
            generation,
            outbox: 0,
            position,
            chunks,
        };
        self.finish(replica, batch, marker, contents)
    }

    fn append<S: Root>(
        &mut self,
        replica: &Replica<S>,
        mut marker: Marker,
    ) -> Result<ReplicaWrite, Error> {
        let (mut batch, mut contents) = (Batch::new(), self.contents.clone());
        if let Some((position, _)) = replica.unsaved_patches().last() {
            let nonce = ReplicaId::random()?.get();
            let key = self.keys.log(marker.generation, position.sequence, nonce);
            let patches = replica.unsaved_patches().iter().map(|(_, patch)| patch);
            let log = record::encode_log(patches);
            contents.log_records += 1;
            contents.log_bytes += log.len();
            contents.keys.push(key.clone());
            batch.put(key, log);
        }
        let progress = replica.progress();
        // A tab that has read less than another one adds its cells, but not its position.
        let position = progress.cursor.position;
        if position.sequence >= marker.position.sequence || progress.comparing {
            marker.position = position;
        }
        self.finish(replica, batch, marker, contents)
    }

    /// Adds the outbox, the progress and the marker.
    fn finish<S: Root>(
        &mut self,
        replica: &Replica<S>,
        mut batch: Batch,
        mut marker: Marker,
        contents: Contents,
    ) -> Result<ReplicaWrite, Error> {
        let saved = replica.unsaved();
        for id in &saved.removed {
            batch.delete(self.keys.entry(*id));
        }
        for one in replica.entries().iter().filter(|one| one.is_unsaved()) {
            let key = self.keys.entry(one.entry().id);
            batch.put(key, record::encode_entry(one)?);
        }
        let outbox = self.marker.map_or(0, |known| known.outbox);
        let changes = saved.has_changed || !saved.removed.is_empty();
        marker.outbox = outbox + u64::from(changes);
        let progress = replica.progress();
        if marker.position == progress.cursor.position {
            batch.put(self.keys.progress(), record::encode_progress(progress));
        }
        batch.put(self.keys.marker(), marker.encode());
        let receipt = ReplicaReceipt {
            marker,
            contents,
            saved,
        };
        self.pending = Some(receipt.clone());
        let expected = Expected {
            key: self.keys.marker(),
            value: self.stored_marker.clone(),
        };
        Ok(ReplicaWrite {
            expected,
            batch,
            receipt,
        })
    }

    /// Records that a write was applied.
    pub fn committed<S: Root>(&mut self, replica: &mut Replica<S>, receipt: ReplicaReceipt) {
        self.pending = None;
        self.marker = Some(receipt.marker);
        self.stored_marker = Some(receipt.marker.encode());
        self.contents = receipt.contents;
        replica.note_saved(&receipt.saved);
    }

    /// Returns whether a compaction pays off: the log has more than [`limits::LOG_RECORDS`]
    /// records, or more bytes than both the base and [`limits::LOG_BYTES`].
    pub fn wants_compaction(&self) -> bool {
        let contents = &self.contents;
        contents.log_records > limits::LOG_RECORDS
            || contents.log_bytes > contents.chunk_bytes.max(limits::LOG_BYTES)
    }
    /// Returns whether the outbox of a document without a relay should
    /// [move to the base](Replica::absorb_entries), followed by a compaction: it has more than
    /// [`limits::LOG_RECORDS`] entries, or more bytes than both the base and
    /// [`limits::LOG_BYTES`]. O(outbox).
    pub fn wants_absorption<S: Root>(&self, replica: &Replica<S>) -> bool {
        let entries = replica.entries();
        let bytes = entries.iter().map(|one| one.entry().cells.envelope_bytes());
        entries.len() > limits::LOG_RECORDS
            || bytes.sum::<usize>() > self.contents.chunk_bytes.max(limits::LOG_BYTES)
    }
}
