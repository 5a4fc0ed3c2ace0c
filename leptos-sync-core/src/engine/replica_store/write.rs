use super::{
    Contents, ReplicaStore,
    record::{self, Marker},
    refresh::{end, has_compared, has_same_history},
};
use crate::{
    crdt::Root,
    delta::Patch,
    error::Error,
    id::ReplicaId,
    limits,
    replica::{Pending, Progress, Replica, Saved},
    storage::{Batch, Expected, Storage},
};

/// A conditional batch. If it was applied, call [`ReplicaStore::committed`].
#[non_exhaustive]
pub struct ReplicaWrite {
    /// The condition: no other tab has changed the records since they were read.
    pub expected: Expected,
    /// The batch.
    pub batch: Batch,
}

/// The effect of a write.
pub(super) struct Write {
    pub(super) marker: Marker,
    /// The records of the base that the write adds.
    contents: Contents,
    /// Whether they replace the others.
    is_whole: bool,
    writes_progress: bool,
    /// Whether only entries of the outbox are written.
    is_of_entries: bool,
    /// The parts of the replica that the write stores.
    saved: Saved,
}

impl Write {
    fn new(marker: Marker, contents: Contents, writes_progress: bool) -> Self {
        Self {
            marker,
            contents,
            is_whole: false,
            writes_progress,
            is_of_entries: false,
            saved: Saved::default(),
        }
    }
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
    pub fn save<S: Root>(&mut self, replica: &mut Replica<S>) -> Result<ReplicaWrite, Error> {
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
            if Some(id.replica) == replica.own_id() && one.is_unsaved() {
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
    pub fn compact<S: Root>(&mut self, replica: &mut Replica<S>) -> Result<ReplicaWrite, Error> {
        let keeps = |marker: &Marker| {
            self.has_another_history(replica)
                || !replica.must_rewrite() && self.is_behind(replica.progress(), marker)
        };
        if let Some(marker) = self.marker.filter(keeps) {
            return self.append(replica, marker);
        }
        let generation = ReplicaId::random()?.get();
        let mut batch = Batch::new();
        for key in &self.contents.keys {
            batch.delete(key.clone());
        }
        let mut contents = Contents::default();
        let mut chunks = 0;
        let (parts, packed) = replica.base(limits::CHUNK_BYTES)?;
        for index in 0..=parts.len() {
            // The packed tombstones are the last chunk.
            let part = parts.get(index).map(Patch::encode);
            let Some(envelope) = part.or_else(|| packed.encode()) else {
                break;
            };
            let key = self.keys.chunk(generation, index);
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
            discarded: self.marker.map_or(0, |known| known.discarded),
        };
        let mut write = Write::new(marker, contents, true);
        write.is_whole = true;
        self.finish(replica, batch, write)
    }

    fn append<S: Root>(
        &mut self,
        replica: &mut Replica<S>,
        mut marker: Marker,
    ) -> Result<ReplicaWrite, Error> {
        let is_other = self.has_another_history(replica);
        let (mut batch, mut contents) = (Batch::new(), Contents::default());
        if let Some((position, _)) = replica.unsaved_patches().last()
            && !is_other
        {
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
        let writes_progress = !is_other && !self.is_behind(progress, &marker);
        if writes_progress {
            marker.position = progress.cursor.position;
        }
        let mut write = Write::new(marker, contents, writes_progress);
        write.is_of_entries = is_other;
        self.finish(replica, batch, write)
    }

    /// Returns whether another tab has stored a base that has more. It must stay: entries have left
    /// the outbox because it has them, and the relay may have lost them since.
    fn is_behind(&self, progress: &Progress, marker: &Marker) -> bool {
        let theirs = self.theirs.as_ref();
        progress.cursor.position.sequence < marker.position.sequence
            || theirs.is_some_and(|theirs| end(theirs) > end(progress))
    }

    /// Returns whether the storage has the base of another history. Do not store cells of this
    /// history with that base until they have been compared with the relay.
    fn has_another_history<S: Root>(&self, replica: &Replica<S>) -> bool {
        let is_other = |theirs| {
            !has_same_history(replica.progress(), theirs) && !has_compared(replica, theirs)
        };
        self.theirs.as_ref().is_some_and(is_other)
    }

    /// Adds the outbox, the progress and the marker.
    fn finish<S: Root>(
        &mut self,
        replica: &mut Replica<S>,
        mut batch: Batch,
        mut write: Write,
    ) -> Result<ReplicaWrite, Error> {
        for id in replica.removed().iter().filter(|_| !write.is_of_entries) {
            batch.delete(self.keys.entry(*id));
        }
        for one in replica.entries().iter().filter(|one| one.is_unsaved()) {
            let key = self.keys.entry(one.entry().id);
            batch.put(key, record::encode_entry(one)?);
        }
        let outbox = match self.marker {
            Some(known) => known.outbox,
            None => ReplicaId::random()?.get(),
        };
        write.saved = replica.write(write.is_of_entries);
        write.marker.outbox = outbox.wrapping_add(write.saved.has_changed.into());
        let progress = replica.progress();
        if write.writes_progress {
            batch.put(self.keys.progress(), record::encode_progress(progress));
        }
        batch.put(self.keys.marker(), write.marker.encode());
        // The relay was not offered what the stored base has. So the write has no effect, and the
        // replica is loaded again.
        let is_refused = write.is_of_entries && !replica.before_comparisons().is_empty();
        self.pending = Some(write);
        let expected = Expected {
            key: self.keys.marker(),
            value: match is_refused {
                true => Some(Vec::new()),
                false => self.stored_marker.clone(),
            },
        };
        Ok(ReplicaWrite { expected, batch })
    }

    /// Records that the last write was applied.
    pub fn committed<S: Root>(&mut self, replica: &mut Replica<S>) {
        let Some(mut write) = self.pending.take() else {
            return;
        };
        self.marker = Some(write.marker);
        self.stored_marker = Some(write.marker.encode());
        if write.writes_progress {
            self.theirs = None;
        }
        if write.is_whole {
            self.contents = Contents::default();
        }
        let (known, added) = (&mut self.contents, &mut write.contents);
        known.keys.append(&mut added.keys);
        known.chunk_bytes += added.chunk_bytes;
        known.log_records += added.log_records;
        known.log_bytes += added.log_bytes;
        replica.note_saved(write.saved);
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
    /// [`limits::LOG_BYTES`]. Never before all of them are stored, since
    /// [`new_entries`](ReplicaStore::new_entries) has only those of the outbox. O(outbox).
    pub fn wants_absorption<S: Root>(&self, replica: &Replica<S>) -> bool {
        let entries = replica.entries();
        if entries.iter().any(Pending::is_unsaved) {
            return false;
        }
        let bytes = entries.iter().map(|one| one.entry().cells.envelope_bytes());
        entries.len() > limits::LOG_RECORDS
            || bytes.sum::<usize>() > self.contents.chunk_bytes.max(limits::LOG_BYTES)
    }
}
