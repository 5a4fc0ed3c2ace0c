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

/// A document as it was found.
pub struct Loaded<S> {
    /// The document, with everything that could be read.
    pub doc: Doc<S>,
    /// What could not be read. It stays in the storage as it is; compaction does not touch it.
    pub damage: Vec<Damage>,
}

impl<St: Storage> DocStore<St> {
    /// Reads the document, whose further operations are stamped by `clock`. One scan; O(cells).
    ///
    /// A damaged record costs what it held and no more: the rest is loaded, and the document then does not claim to
    /// have seen what is missing. Whoever continues must do so under a new replica id, since operations of the old one
    /// may be among it.
    ///
    /// # Errors
    ///
    /// When the storage cannot be read at all.
    pub async fn load<S: Root>(&mut self, clock: Clock) -> Result<Loaded<S>, Error> {
        let records = self.storage.scan_prefix(self.prefix()).await?;
        let mut doc = Doc::new(clock);
        let damage = self.read(records, &mut doc)?;
        Ok(Loaded { doc, damage })
    }

    /// What the keys of the document's records start with, for whoever scans them and then calls
    /// [`read`](DocStore::read): what [`load`](DocStore::load) does, with room in between for other work on this store.
    pub fn prefix(&self) -> &[u8] {
        self.keys.prefix()
    }

    /// Joins the document's records, those of [`prefix`](DocStore::prefix), with `doc`: an empty document, or one that was
    /// edited before it was loaded, under an id of its own. Returns what could not be read. O(cells).
    ///
    /// # Errors
    ///
    /// None that what was accepted once could cause again.
    pub fn read<S: Root>(
        &mut self,
        records: Vec<Record>,
        doc: &mut Doc<S>,
    ) -> Result<Vec<Damage>, Error> {
        self.read_by(records, doc, Plain)
    }

    /// The same; `take` joins the transactions of the log.
    pub(super) fn read_by<S: Root>(
        &mut self,
        records: Vec<Record>,
        doc: &mut Doc<S>,
        take: impl Take<S>,
    ) -> Result<Vec<Damage>, Error> {
        let mut loading = Loading {
            contents: Contents::default(),
            damage: Vec::new(),
            generation: None,
            parts: Vec::new(),
            ahead: Vec::new(),
            doc,
            take,
        };
        for (key, record) in records {
            match self.keys.parse(&key) {
                Some(Named::Chunk { generation, .. }) => {
                    loading.turn_to(Some(generation))?;
                    loading.chunk(key, &record);
                }
                Some(Named::Log) => {
                    loading.turn_to(None)?;
                    loading.log(key, &record, false);
                }
                Some(Named::Received) => {
                    loading.turn_to(None)?;
                    loading.log(key, &record, true);
                }
                // What a newer build has put under the name is left alone.
                None => {}
            }
        }
        loading.turn_to(None)?;
        // What lies before these is missing, so their versions cannot be claimed; what they say holds all the same.
        for (delta, _) in &loading.ahead {
            loading.doc.absorb_silently(delta.body());
        }
        // What was logged since the store was made belongs to the document, whether it is among the records or not.
        let logged = std::mem::replace(&mut self.contents, loading.contents);
        for key in logged.log {
            if !self.contents.log.contains(&key) {
                self.contents.log.push(key);
            }
        }
        // Some of it may be counted twice, which only makes a compaction come a little earlier.
        self.contents.log_bytes += logged.log_bytes;
        Ok(loading.damage)
    }
}

/// What joins the transactions of a log with the document, each once it follows what is there.
pub(super) trait Take<S: Root> {
    /// A part of a snapshot was joined with the document.
    fn joined(&mut self, part: &Snapshot);

    /// `received` says whether the relay has sent it.
    fn take(&mut self, doc: &mut Doc<S>, delta: &Delta, received: bool);
}

/// For a document that is in this storage alone.
struct Plain;

impl<S: Root> Take<S> for Plain {
    fn joined(&mut self, _: &Snapshot) {}

    fn take(&mut self, doc: &mut Doc<S>, delta: &Delta, _: bool) {
        doc.absorb_silently(delta.body());
        doc.claim(delta.upto(), &VersionVector::new());
    }
}

/// A document while it is being read.
struct Loading<'a, S, T> {
    contents: Contents,
    damage: Vec<Damage>,
    /// The snapshot whose chunks are being read, and those read so far. They stand together, and before the log, in the
    /// order of keys.
    generation: Option<Generation>,
    parts: Vec<Snapshot>,
    /// Transactions that do not follow what was read so far, and whether the relay has sent them.
    ahead: Vec<(Delta, bool)>,
    doc: &'a mut Doc<S>,
    take: T,
}

impl<S: Root, T: Take<S>> Loading<'_, S, T> {
    /// Joins the snapshot that was read so far, unless the next record is of it too.
    fn turn_to(&mut self, next: Option<Generation>) -> Result<(), Error> {
        if self.generation == next {
            return Ok(());
        }
        if let Some(generation) = self.generation {
            self.contents.generations += 1;
            let complete = self.parts.len() == generation.chunks();
            self.doc.join_parts(&self.parts, complete, false)?;
            for part in self.parts.drain(..) {
                self.take.joined(&part);
            }
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

    fn log(&mut self, key: Vec<u8>, record: &[u8], received: bool) {
        let deltas = match log::decode(record) {
            Ok(deltas) => deltas,
            Err(error) => return self.damage.push(Damage { key, error }),
        };
        for delta in deltas {
            self.ahead.push((delta, received));
        }
        self.contents.log_bytes += record.len();
        self.contents.log.push(key);
        self.follow();
    }

    /// Joins the transactions that follow what is there, in whatever order they were written: one that had failed may
    /// have been written after a later one.
    fn follow(&mut self) {
        loop {
            let before = self.ahead.len();
            let (doc, take) = (&mut *self.doc, &mut self.take);
            self.ahead.retain(|(delta, received)| {
                let follows = doc.version().covers(delta.after());
                if follows {
                    take.take(doc, delta, *received);
                }
                !follows
            });
            if self.ahead.len() == before {
                return;
            }
        }
    }
}
