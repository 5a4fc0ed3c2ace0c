use std::fmt;

use super::{Body, Patch, message_methods};
use crate::{
    codec::{CellWriter, envelope::Kind},
    error::Error,
    version::VersionVector,
};

/// The changes between two versions: the cells that bring any state that covers `after` to one that
/// covers `upto`.
///
/// A delta can be applied if the local version covers `after`. Afterwards, the local version also
/// covers `upto`. Applying is idempotent and commutative. The cells stay encoded, so a delta takes
/// no more memory than its bytes.
///
/// ```
/// use leptos_sync_core::{Clock, Delta, Doc, LwwMap, ReplicaId};
///
/// let mut ada = Doc::<LwwMap<String, u32>>::new(Clock::system(ReplicaId::new(1)));
/// let mut bob = Doc::<LwwMap<String, u32>>::new(Clock::system(ReplicaId::new(2)));
/// ada.transact(|tx| tx.insert("apples".to_owned(), 3))?;
///
/// let bytes = ada.delta_since(bob.version())?.encode();
/// bob.apply(&Delta::decode(&bytes)?)?;
/// assert_eq!(bob.state(), ada.state());
/// # Ok::<(), leptos_sync_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Delta(pub(super) Body);

impl Delta {
    /// Creates the delta from `after` to `upto` with the cells that `write` writes.
    pub(crate) fn write(
        cells: &mut CellWriter,
        after: VersionVector,
        upto: VersionVector,
        write: impl FnOnce(&mut CellWriter),
    ) -> Result<Self, Error> {
        Body::write(cells, after, upto, write).map(Self)
    }

    /// Creates the delta from `after` to `upto` with the cells of a patch. O(bytes).
    pub(crate) fn of_patch(patch: Patch, after: VersionVector, upto: VersionVector) -> Self {
        Self(Body::of_patch(patch, after, upto))
    }

    /// Creates a delta of a transaction's cells, without versions.
    pub(crate) fn of_cells(cells: Patch) -> Self {
        Self(Body::of_cells(cells))
    }

    /// Sets the versions of a transaction's delta, whose cells all have the only time of `upto`.
    pub(crate) fn set_versions(&mut self, after: VersionVector, upto: VersionVector) {
        self.0.set_versions(after, upto);
    }

    /// Returns the cells without the versions.
    pub(crate) fn into_cells(self) -> Patch {
        self.0.into_patch()
    }

    /// Returns the version that the receiver must already have.
    pub fn after(&self) -> &VersionVector {
        &self.0.first
    }

    /// Returns the version that the receiver has after applying the delta.
    pub fn upto(&self) -> &VersionVector {
        &self.0.second
    }

    /// Splits the delta into one or more parts of about `bytes` each. Each has the versions of the
    /// whole, which are valid only for all parts together. O(bytes).
    ///
    /// # Errors
    ///
    /// If a limit is exceeded, which cannot happen for cells that were encoded before.
    pub fn split(&self, bytes: usize) -> Result<Vec<Self>, Error> {
        let mut parts = Vec::new();
        self.0.split(bytes, &mut |body| parts.push(Self(body)))?;
        Ok(parts)
    }

    /// Reassembles a delta from its parts. O(bytes).
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`] if they are not parts of one delta.
    pub fn of_parts(parts: &[Self]) -> Result<Self, Error> {
        let Some(first) = parts.first() else {
            return Ok(Self::default());
        };
        let same = |part: &Self| part.after() == first.after() && part.upto() == first.upto();
        if !parts.iter().all(same) {
            return Err(Error::corrupt("the parts belong to different deltas"));
        }
        let versions = (first.after().clone(), first.upto().clone());
        Self::write(&mut CellWriter::default(), versions.0, versions.1, |out| {
            for part in parts {
                part.cells().for_each(&mut |parent, cell| {
                    out.group(parent);
                    out.copy(cell);
                });
            }
        })
    }

    /// Decodes and checks an envelope.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`], [`Error::is_unsupported`] or [`Error::is_limit`]. Allocations are
    /// proportional to the length of `bytes`, even if the bytes declare greater sizes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        Body::open(Kind::Delta, bytes).map(Self)
    }
}

message_methods!(Delta);

impl Delta {
    pub(crate) fn body(&self) -> &Body {
        &self.0
    }
}

impl fmt::Debug for Delta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delta")
            .field("after", self.after())
            .field("upto", self.upto())
            .field("cells", &self.len())
            .finish()
    }
}
