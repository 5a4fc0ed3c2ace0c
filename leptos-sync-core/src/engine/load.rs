use super::{
    Contents, DocStore,
    keys::{Generation, Named},
    log,
};
use crate::{
    clock::Clock,
    crdt::Root,
    delta::{Delta, Snapshot},
    doc::Doc,
    error::Error,
    storage::{Damage, Record, Storage},
    version::VersionVector,
};

/// A loaded document.
#[non_exhaustive]
pub struct Loaded<S> {
    /// The document, with all readable data.
    pub doc: Doc<S>,
    /// The records that could not be read. They stay in the storage, and compaction does not touch
    /// them.
    pub damage: Vec<Damage>,
}

impl<St: Storage> DocStore<St> {
    /// Loads the document, whose later operations `clock` will stamp. Costs one scan. O(cells).
    ///
    /// Damage is confined to its record: the rest is loaded, and the document's version does not
    /// include the missing operations. Further edits must use a new replica id, since operations of
    /// the old one may be among the missing ones.
    ///
    /// # Errors
    ///
    /// If the storage cannot be read at all.
    pub async fn load<S: Root>(&mut self, clock: Clock) -> Result<Loaded<S>, Error> {
        let records = self.storage.scan_prefix(self.prefix()).await?;
        let mut doc = Doc::new(clock);
        let damage = self.read(records, &mut doc)?;
        Ok(Loaded { doc, damage })
    }

    /// Returns the key prefix of the document's records.
    ///
    /// A caller can scan them and then call [`read`](DocStore::read). That is equivalent to
    /// [`load`](DocStore::load), but leaves the storage free for other work in between.
    pub fn prefix(&self) -> &[u8] {
        self.keys.prefix()
    }

    /// Joins the document's records, as a scan of [`prefix`](DocStore::prefix) returns them, with
    /// `doc`. Returns what could not be read. O(cells).
    ///
    /// `doc` must be empty, or must have been edited only under a separate replica id.
    ///
    /// # Errors
    ///
    /// If a limit is exceeded, which cannot happen for data that was accepted before.
    pub fn read<S: Root>(
        &mut self,
        records: Vec<Record>,
        doc: &mut Doc<S>,
    ) -> Result<Vec<Damage>, Error> {
        let mut loading = Loading {
            contents: Contents::default(),
            damage: Vec::new(),
            generation: None,
            parts: Vec::new(),
            ahead: Vec::new(),
            doc,
        };
        for (key, record) in records {
            match self.keys.parse(&key) {
                Some(Named::Chunk { generation, .. }) => {
                    loading.turn_to(Some(generation))?;
                    loading.chunk(key, &record);
                }
                Some(Named::Log) => {
                    loading.turn_to(None)?;
                    loading.log(key, &record);
                }
                // A newer build has written this record, so ignore it.
                None => {}
            }
        }
        loading.turn_to(None)?;
        // Operations before these are missing, so the document's version cannot include them. Their
        // cells are still valid.
        for delta in &loading.ahead {
            loading.doc.absorb_silently(delta.body());
        }
        // Records logged since the store was opened belong to the document even if the scan does
        // not contain them.
        let logged = std::mem::replace(&mut self.contents, loading.contents);
        for key in logged.log {
            if !self.contents.log.contains(&key) {
                self.contents.log.push(key);
            }
        }
        // Some bytes may be counted twice, which only triggers a compaction earlier.
        self.contents.log_bytes += logged.log_bytes;
        Ok(loading.damage)
    }
}

/// The state of loading a document.
struct Loading<'a, S> {
    contents: Contents,
    damage: Vec<Damage>,
    /// The snapshot whose chunks are being read, and its parts so far. In key order, the chunks of
    /// a snapshot are adjacent and come before the log.
    generation: Option<Generation>,
    parts: Vec<Snapshot>,
    /// The transactions that a gap precedes.
    ahead: Vec<Delta>,
    doc: &'a mut Doc<S>,
}

impl<S: Root> Loading<'_, S> {
    /// Joins the snapshot whose parts were read, unless the next record belongs to it too.
    fn turn_to(&mut self, next: Option<Generation>) -> Result<(), Error> {
        if self.generation == next {
            return Ok(());
        }
        if let Some(generation) = self.generation {
            self.contents.generations += 1;
            let complete = self.parts.len() == generation.chunks();
            self.doc.join_parts(&self.parts, complete, false)?;
            self.parts.clear();
        }
        self.generation = next;
        Ok(())
    }

    fn chunk(&mut self, key: Vec<u8>, envelope: &[u8]) {
        match Snapshot::decode(envelope) {
            Ok(part) => {
                self.contents.snapshot_bytes += envelope.len();
                self.contents.snapshots.push(key);
                self.parts.push(part);
            }
            Err(error) => self.damage.push(Damage { key, error }),
        }
    }

    fn log(&mut self, key: Vec<u8>, record: &[u8]) {
        match log::decode(record) {
            Ok(deltas) => self.ahead.extend(deltas),
            Err(error) => return self.damage.push(Damage { key, error }),
        }
        self.contents.log_bytes += record.len();
        self.contents.log.push(key);
        self.follow();
    }

    /// Joins the transactions that no gap precedes, in any order of their records: after a failed
    /// write, a transaction may be stored after a later one.
    fn follow(&mut self) {
        loop {
            let before = self.ahead.len();
            let doc = &mut *self.doc;
            self.ahead.retain(|delta| {
                let follows = doc.version().covers(delta.after());
                if follows {
                    doc.absorb_silently(delta.body());
                    doc.claim(delta.upto(), &VersionVector::new());
                }
                !follows
            });
            if self.ahead.len() == before {
                return;
            }
        }
    }
}
