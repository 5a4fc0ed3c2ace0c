use super::{
    Contents, ReplicaStore,
    keys::Named,
    record::{self, Marker, StoredEntry},
};
use crate::{
    clock::Clock,
    crdt::Root,
    delta::Patch,
    error::Error,
    history::{Position, Sequence},
    order::heap_sort,
    replica::{Progress, Replica},
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

/// The readable records.
#[derive(Default)]
struct Records {
    marker: Option<Marker>,
    progress: Option<Progress>,
    base: Vec<(u64, Patch)>,
    chunks: usize,
    entries: Vec<StoredEntry>,
    contents: Contents,
    damage: Vec<Damage>,
    /// Whether the base may lack something that the stored position covers.
    is_incomplete: bool,
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
        let found = self.parse(records);
        self.marker = found.marker;
        self.pending = None;
        self.contents = found.contents;
        let mut progress = found.progress.unwrap_or_default();
        if found.is_incomplete {
            progress.cursor.position = Position::default();
            progress.complete = Sequence::ZERO;
            // Replace the damaged records once the relay's document was read again.
            replica.rewrite();
        }
        replica.load_progress(progress);
        found
            .base
            .iter()
            .for_each(|(_, patch)| replica.load_base(patch));
        for StoredEntry { entry, seen, order } in found.entries {
            replica.load_entry(entry, &seen, order);
        }
        found.damage
    }

    fn parse(&mut self, records: Vec<Record>) -> Records {
        let mut found = Records::default();
        self.stored_marker = None;
        for (key, record) in records {
            let Some(named) = self.keys.parse(&key) else {
                continue;
            };
            if named == Named::Marker {
                self.stored_marker = Some(record.clone());
            }
            if let Err(error) = found.add(named, &key, &record) {
                found.is_incomplete |= !matches!(named, Named::Entry(_));
                found.damage.push(Damage { key, error });
            }
        }
        let generation = found.marker.map(|marker| marker.generation);
        found.base.retain(|(of, _)| Some(*of) == generation);
        found.is_incomplete |= found.progress.is_none();
        let chunks = found.marker.map_or(0, |marker| marker.chunks);
        found.is_incomplete |= chunks != found.chunks as u64;
        heap_sort(&mut found.entries, |one, two| {
            (one.order, one.entry.id) < (two.order, two.entry.id)
        });
        found
    }
}

impl Records {
    fn add(&mut self, named: Named, key: &[u8], record: &[u8]) -> Result<(), Error> {
        match named {
            // The marker's key precedes all others.
            Named::Marker => self.marker = Some(Marker::decode(record)?),
            Named::Progress => self.progress = Some(record::decode_progress(record)?),
            Named::Chunk(generation) => {
                self.contents.keys.push(key.to_vec());
                if self.is_present(generation) {
                    self.contents.chunk_bytes += record.len();
                    self.base.push((generation, Patch::decode(record)?));
                    self.chunks += 1;
                }
            }
            Named::Log(generation) => {
                self.contents.keys.push(key.to_vec());
                if self.is_present(generation) {
                    self.contents.log_records += 1;
                    self.contents.log_bytes += record.len();
                    let patches = record::decode_log(record)?.into_iter();
                    self.base.extend(patches.map(|patch| (generation, patch)));
                }
            }
            Named::Entry(id) => self.entries.push(record::decode_entry(id, record)?),
        }
        Ok(())
    }

    /// Returns whether records of a generation belong to the base.
    fn is_present(&self, generation: u64) -> bool {
        self.marker
            .is_some_and(|marker| marker.generation == generation)
    }
}
