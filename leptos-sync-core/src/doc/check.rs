use super::Doc;
use crate::{crdt::Root, error::Error, id::ReplicaId, limits, version::VersionVector};

/// Checks of versions from elsewhere.
impl<S: Root> Doc<S> {
    /// Rejects operations of this document's replica id that it did not make.
    pub(super) fn check_own(
        &self,
        version: &VersionVector,
        present: &VersionVector,
    ) -> Result<(), Error> {
        let own = self.replica();
        if version.get(own).max(present.get(own)) > self.version.get(own) {
            return Err(reused(own));
        }
        Ok(())
    }

    /// Rejects operations that would give the document more replicas than a message may name. A
    /// document that already has more still accepts operations of its own replicas.
    pub(super) fn check_replicas(
        &self,
        version: &VersionVector,
        present: &VersionVector,
    ) -> Result<(), Error> {
        let named = [&self.version, &self.present, version, present];
        if named.map(VersionVector::len).iter().sum::<usize>() <= limits::REPLICAS {
            return Ok(());
        }
        let [ours, ours_present, ..] = named;
        let mut all = ours.clone();
        all.join(ours_present);
        let known = all.len();
        all.join(version);
        all.join(present);
        if all.len() > limits::REPLICAS.max(known) {
            return Err(Error::limit(
                "too many replicas have written this document; copy its state into a new document",
            ));
        }
        Ok(())
    }
}

fn reused(replica: ReplicaId) -> Error {
    Error::replica_reused(format!(
        "another writer used this document's replica id {replica}; continue under a new id"
    ))
}
