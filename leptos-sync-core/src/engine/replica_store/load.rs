use super::{
    Contents, ReplicaStore,
    keys::Named,
    record::{self, Marker, StoredEntry},
};
use crate::{
    clock::Clock,
    crdt::Root,
    error::Error,
    history::{Position, Sequence},
    order::heap_sort,
    replica::Replica,
    storage::{Damage, Record, Storage},
};

/// A loaded replica.
#[non_exhaustive]
pub struct LoadedReplica<S> {
    /// The replica, with all readable data.
    pub replica: Replica<S>,
    /// The records that could not be read. They stay in the storage.
    pub damage: Vec<Damage>,
}

impl<St: Storage> ReplicaStore<St> {
    /// Loads the replica, whose later entries `clock` will stamp. Costs one scan. O(cells).
    ///
    /// Damage is confined to its record. If the base or the position is damaged, the replica reads
    /// the relay's document from its beginning.
    ///
    /// # Errors
    ///
    /// If the storage cannot be read at all.
    pub async fn load<S: Root>(&mut self, clock: Clock) -> Result<LoadedReplica<S>, Error> {
        let records = self.storage.scan_prefix(self.prefix()).await?;
        let mut replica = Replica::new(clock);
        let damage = self.read(records, &mut replica);
        Ok(LoadedReplica { replica, damage })
    }

    /// Loads the replica into an empty one, from the records that a scan of
    /// [`prefix`](ReplicaStore::prefix) returns. Returns what could not be read.
    pub fn read<S: Root>(&mut self, records: Vec<Record>, replica: &mut Replica<S>) -> Vec<Damage> {
        self.marker = None;
        self.stored_marker = None;
        self.pending = None;
        self.theirs = None;
        self.contents = Contents::default();
        let (mut progress, mut entries, mut damage) = (None, Vec::new(), Vec::new());
        let (mut chunks, mut is_incomplete) = (0, false);
        for (key, record) in records {
            let Some(named) = self.keys.parse(&key) else {
                continue;
            };
            if let Named::Chunk(_) | Named::Log(_) = named {
                self.contents.keys.push(key.clone());
            }
            let marker = self.marker;
            let is_present =
                |generation| marker.is_some_and(|marker: Marker| marker.generation == generation);
            let read = match named {
                // The marker's key precedes all others.
                Named::Marker => {
                    let marker = Marker::decode(&record);
                    self.stored_marker = Some(record);
                    marker.map(|marker| self.marker = Some(marker))
                }
                Named::Progress => {
                    record::decode_progress(&record).map(|read| progress = Some(read))
                }
                Named::Chunk(generation) if is_present(generation) => {
                    chunks += 1;
                    self.contents.chunk_bytes += record.len();
                    replica.load_chunk(&record)
                }
                Named::Log(generation) if is_present(generation) => {
                    self.contents.log_records += 1;
                    self.contents.log_bytes += record.len();
                    record::decode_log(&record, &mut |patch| replica.load_base(patch))
                }
                Named::Chunk(_) | Named::Log(_) => Ok(()),
                Named::Entry(id) => {
                    record::decode_entry(id, &record).map(|entry| entries.push(entry))
                }
            };
            if let Err(error) = read {
                is_incomplete |= !matches!(named, Named::Entry(_));
                damage.push(Damage { key, error });
            }
        }
        is_incomplete |= progress.is_none();
        is_incomplete |= self.marker.map_or(0, |marker| marker.chunks) != chunks;
        let mut progress = progress.unwrap_or_default();
        if is_incomplete {
            progress.cursor.position = Position::default();
            progress.complete = Sequence::ZERO;
            // Replace the damaged records once the relay's document was read again.
            replica.rewrite();
        }
        replica.load_progress(progress);
        heap_sort(&mut entries, |one, two| {
            (one.order, one.entry.id) < (two.order, two.entry.id)
        });
        for StoredEntry { entry, seen, order } in entries {
            replica.load_entry(entry, &seen, order);
        }
        damage
    }
}
