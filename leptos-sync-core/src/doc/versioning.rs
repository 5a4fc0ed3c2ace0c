use super::Doc;
use crate::{clock::Stamp, crdt::Root, delta::Delta, error::Error, version::VersionVector};

/// What a transaction does in a document with versions.
///
/// The documents of a page have none, and behind these pointers the page does not contain the code.
pub(super) struct Versioning<S> {
    /// Checks that the document may have operations of a replica.
    pub(super) check: fn(&Doc<S>, Stamp) -> Result<(), Error>,
    /// Adds a transaction to the version, and the versions to its delta, which has cells.
    pub(super) commit: fn(&mut Doc<S>, Stamp, &mut Delta),
}

impl<S: Root> Versioning<S> {
    pub(super) const KEPT: Self = Self { check, commit };
}

impl<S> Clone for Versioning<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Versioning<S> {}

fn check<S: Root>(doc: &Doc<S>, stamp: Stamp) -> Result<(), Error> {
    let own = VersionVector::of(stamp.replica, stamp.time);
    doc.check_replicas(&own, &own)
}

fn commit<S: Root>(doc: &mut Doc<S>, stamp: Stamp, delta: &mut Delta) {
    let after = VersionVector::of(stamp.replica, doc.version.get(stamp.replica));
    let upto = VersionVector::of(stamp.replica, stamp.time);
    doc.version.join(&upto);
    doc.present.join(&upto);
    delta.set_versions(after, upto);
}
