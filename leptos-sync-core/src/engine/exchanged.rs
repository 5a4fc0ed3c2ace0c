use super::{DocStore, Loaded, StoreWrite, load::Take};
use crate::{
    clock::Clock,
    crdt::Root,
    delta::{Delta, Snapshot},
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
        let acknowledged = self.keys.acknowledged();
        for (key, record) in &records {
            if *key == acknowledged {
                match Delta::decode(record) {
                    Ok(acknowledged) => outbox.acknowledge(acknowledged.upto()),
                    // Then all of the log counts as not acknowledged, and the relay will say that it is.
                    Err(error) => damage.push(Damage {
                        key: key.clone(),
                        error,
                    }),
                }
            }
        }
        damage.extend(self.read_by(records, doc, outbox)?);
        Ok(damage)
    }

    /// The write that appends what the relay has sent, if it has, as one record, and takes note of what it has. O(bytes).
    pub fn log_received<S: Root>(
        &self,
        doc: &mut Doc<S>,
        deltas: &[Delta],
        outbox: &Outbox,
    ) -> StoreWrite {
        let mut write = StoreWrite::default();
        if !deltas.is_empty() {
            // By a stamp of its own: two deltas of others may end with the same one.
            write.append(self.keys.received(doc.next_stamp()), deltas);
        }
        self.put_acknowledged(outbox, &mut write.batch);
        write
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
    ) -> Result<StoreWrite, Error> {
        let parts = outbox.base(doc).snapshot_parts(limits::CHUNK_BYTES)?;
        let mut write = self.replace(&parts, doc.next_stamp());
        for some in outbox.transactions().chunks(TRANSACTIONS) {
            // By a stamp of its own: their last may be another tab's, whose own record has that name.
            write.append(self.keys.log_at(doc.next_stamp()), some);
        }
        self.put_acknowledged(outbox, &mut write.batch);
        Ok(write)
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
    fn joined(&mut self, part: &Snapshot) {
        self.load_below(part);
    }

    // Whether it follows was just asked.
    fn take(&mut self, doc: &mut Doc<S>, delta: &Delta, received: bool) {
        let _ = match received {
            true => self.load_received(doc, delta).map(drop),
            false => self.load(doc, delta).map(drop),
        };
    }
}
