use super::{Contents, DocStore, Loaded, keys::Generation, load::Take, log};
use crate::{
    clock::Clock,
    crdt::Root,
    delta::Delta,
    doc::{Doc, Outbox},
    error::Error,
    limits,
    storage::{Batch, Damage, Record, Storage},
    version::VersionVector,
};

/// A document that is exchanged with a relay: what the relay has not acknowledged stays in the log, and the snapshot is of the
/// rest. So nothing more need be kept to take a transaction back.
impl<St: Storage> DocStore<St> {
    /// As [`load`](DocStore::load), with the outbox: the transactions of the log that the relay is not known to have.
    ///
    /// # Errors
    ///
    /// When the storage cannot be read at all.
    pub async fn load_exchanged<S: Root>(
        &mut self,
        clock: Clock,
    ) -> Result<(Loaded<S>, Outbox), Error> {
        let records = self.storage.scan_prefix(self.prefix()).await?;
        let mut doc = Doc::new(clock);
        let mut outbox = Outbox::new();
        let damage = self.read_exchanged(records, &mut doc, &mut outbox)?;
        Ok((Loaded { doc, damage }, outbox))
    }

    /// As [`read`](DocStore::read), into a document and an outbox that may have been in use already.
    ///
    /// # Errors
    ///
    /// None that what was accepted once could cause again.
    pub fn read_exchanged<S: Root>(
        &mut self,
        records: Vec<Record>,
        doc: &mut Doc<S>,
        outbox: &mut Outbox,
    ) -> Result<Vec<Damage>, Error> {
        let mut damage = Vec::new();
        let key = self.keys.acknowledged();
        for (_, record) in records.iter().filter(|(known, _)| *known == key) {
            match Delta::decode(record) {
                Ok(acknowledged) => outbox.acknowledge(acknowledged.upto()),
                // Then all of the log counts as not acknowledged, and the relay will say that it is.
                Err(error) => damage.push(Damage {
                    key: key.clone(),
                    error,
                }),
            }
        }
        damage.extend(self.read_by(records, doc, outbox)?);
        Ok(damage)
    }

    /// The write that appends what the relay has sent, as one record, and takes note of what it has. O(bytes).
    pub fn log_received<S: Root>(
        &self,
        doc: &mut Doc<S>,
        deltas: &[Delta],
        outbox: &Outbox,
    ) -> ExchangedWrite {
        let record = log::encode(deltas);
        // By a stamp of its own: two deltas of others may end with the same one.
        let key = self.keys.received(doc.next_stamp());
        let bytes = record.len();
        let mut write = self.log_acknowledged(outbox);
        write.batch.put(key.clone(), record);
        write.receipt = ExchangedReceipt(Done::Logged { key, bytes });
        write
    }

    /// The write that takes note of what the relay has. Small.
    pub fn log_acknowledged(&self, outbox: &Outbox) -> ExchangedWrite {
        let mut batch = Batch::new();
        self.put_acknowledged(outbox, &mut batch);
        ExchangedWrite {
            batch,
            receipt: ExchangedReceipt(Done::Acknowledged),
        }
    }

    /// The write that replaces everything `doc` was seen to contain: by a snapshot of it without the outbox, and the outbox.
    /// Also for when transactions were refused or stamped anew. O(cells).
    ///
    /// # Errors
    ///
    /// None that what was accepted once could cause again.
    pub fn compact_exchanged<S: Root>(
        &self,
        doc: &mut Doc<S>,
        outbox: &Outbox,
    ) -> Result<ExchangedWrite, Error> {
        let mut batch = Batch::new();
        for key in self.contents.snapshots.iter().chain(&self.contents.log) {
            batch.delete(key.clone());
        }
        let mut now = Contents {
            generations: 1,
            ..Contents::default()
        };
        let parts = outbox.base(doc).snapshot_parts(limits::CHUNK_BYTES)?;
        let generation = Generation::new(doc.next_stamp(), parts.len());
        for (index, part) in parts.iter().enumerate() {
            let key = self.keys.chunk(generation, index);
            let envelope = part.encode();
            now.snapshot_bytes += envelope.len();
            now.snapshots.push(key.clone());
            batch.put(key, envelope);
        }
        let transactions: Vec<_> = outbox.transactions().cloned().collect();
        for some in transactions.chunks(TRANSACTIONS) {
            let key = self.keys.log(some);
            now.log.push(key.clone());
            batch.put(key, log::encode(some));
        }
        self.put_acknowledged(outbox, &mut batch);
        Ok(ExchangedWrite {
            batch,
            receipt: ExchangedReceipt(Done::Compacted {
                now,
                log: self.contents.log.len(),
            }),
        })
    }

    /// Takes note that a write was committed.
    pub fn committed_exchanged(&mut self, receipt: ExchangedReceipt) {
        let contents = &mut self.contents;
        match receipt.0 {
            Done::Acknowledged => {}
            Done::Logged { key, bytes } => {
                contents.log.push(key);
                contents.log_bytes += bytes;
            }
            Done::Compacted { mut now, log } => {
                // Records that were appended while the compaction was on its way stay.
                let later = contents.log.split_off(log.min(contents.log.len()));
                now.log.extend(later);
                *contents = now;
            }
        }
    }

    fn put_acknowledged(&self, outbox: &Outbox, batch: &mut Batch) {
        let acknowledged = outbox.acknowledged().clone();
        let nothing = VersionVector::new();
        // A delta without cells can always be written.
        if let Ok(delta) = Delta::collect(nothing, acknowledged, |_| {}) {
            batch.put(self.keys.acknowledged(), delta.encode());
        }
    }
}

/// Transactions of an outbox in one record of the log.
const TRANSACTIONS: usize = 256;

impl<S: Root> Take<S> for &mut Outbox {
    // Whether it follows was just asked.
    fn take(&mut self, doc: &mut Doc<S>, delta: &Delta, received: bool) {
        let _ = match received {
            true => self.load_received(doc, delta).map(drop),
            false => self.load(doc, delta).map(drop),
        };
    }
}

/// A batch to commit, and what to tell [`DocStore::committed_exchanged`] when that succeeded.
pub struct ExchangedWrite {
    /// The batch.
    pub batch: Batch,
    /// What it does.
    pub receipt: ExchangedReceipt,
}

/// What a committed write has changed.
pub struct ExchangedReceipt(Done);

enum Done {
    Acknowledged,
    Logged { key: Vec<u8>, bytes: usize },
    Compacted { now: Contents, log: usize },
}
