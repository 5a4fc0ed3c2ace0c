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

/// Methods for documents that are exchanged with a relay. The log keeps the transactions that the
/// relay has not acknowledged, and the snapshot holds the rest. So rolling a transaction back needs
/// no further data.
impl<St: Storage> DocStore<St> {
    /// Loads the document with its outbox: the logged transactions that the relay has not
    /// acknowledged. See [`load`](DocStore::load).
    ///
    /// # Errors
    ///
    /// If the storage cannot be read at all.
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

    /// Joins records with a document and an outbox that may already be in use. See
    /// [`read`](DocStore::read).
    ///
    /// # Errors
    ///
    /// If a limit is exceeded, which cannot happen for data that was accepted before.
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
                    // Treat the whole log as unacknowledged. The relay acknowledges it again.
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

    /// Returns the write that logs `deltas` from the relay as one record, if there are any, and
    /// stores the acknowledged version. O(bytes).
    pub fn log_received<S: Root>(
        &self,
        doc: &mut Doc<S>,
        deltas: &[Delta],
        outbox: &Outbox,
    ) -> StoreWrite {
        let mut write = StoreWrite::default();
        if !deltas.is_empty() {
            // Name the record by a new stamp, since two deltas of other replicas may end with the
            // same one.
            write.append(self.keys.received(doc.next_stamp()), deltas);
        }
        self.put_acknowledged(outbox, &mut write.batch);
        write
    }

    /// Returns the write that compacts the document: the snapshot without the outbox, and the
    /// outbox as its log, replace all stored records that `doc` is known to contain.
    ///
    /// Also use it after transactions were rejected or restamped. O(cells).
    ///
    /// # Errors
    ///
    /// If a limit is exceeded, which cannot happen for data that was accepted before.
    pub fn compact_exchanged<S: Root>(
        &self,
        doc: &mut Doc<S>,
        outbox: &Outbox,
    ) -> Result<StoreWrite, Error> {
        let parts = outbox.base(doc).snapshot_parts(limits::CHUNK_BYTES)?;
        let mut write = self.replace(&parts, doc.next_stamp());
        for some in outbox.transactions().chunks(TRANSACTIONS) {
            // Name the record by a new stamp, since another tab's record may have the name of the
            // last transaction.
            write.append(self.keys.log_at(doc.next_stamp()), some);
        }
        self.put_acknowledged(outbox, &mut write.batch);
        Ok(write)
    }

    /// Adds the user's permission to a write: whether the user may edit the document.
    pub fn put_permission(&self, may_edit: bool, batch: &mut Batch) {
        batch.put(self.keys.permission(), vec![may_edit.into()]);
    }

    /// Returns whether the user may edit the document, if `records` contains the permission.
    pub fn permission(&self, records: &[Record]) -> Option<bool> {
        let name = self.keys.permission();
        let (_, record) = records.iter().find(|(key, _)| *key == name)?;
        Some(*record == [1])
    }

    fn put_acknowledged(&self, outbox: &Outbox, batch: &mut Batch) {
        let acknowledged = outbox.acknowledged().clone();
        let nothing = VersionVector::new();
        // A delta without cells exceeds no limit.
        if let Ok(delta) = Delta::collect(nothing, acknowledged, |_| {}) {
            batch.put(self.keys.acknowledged(), delta.encode());
        }
    }
}

/// The number of outbox transactions in one log record.
const TRANSACTIONS: usize = 256;

impl<S: Root> Take<S> for &mut Outbox {
    fn joined(&mut self, part: &Snapshot) {
        self.load_base(part);
    }

    // The caller has checked for a gap.
    fn take(&mut self, doc: &mut Doc<S>, delta: &Delta, received: bool) {
        let _ = match received {
            true => self.load_received(doc, delta).map(drop),
            false => self.load(doc, delta).map(drop),
        };
    }
}
