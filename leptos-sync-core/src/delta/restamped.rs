use super::Delta;
use crate::version::VersionVector;

/// A transaction with a new stamp. Replace several of them together, since the new stamp of one may
/// be the old stamp of another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restamped {
    /// The version that identified the transaction before it was restamped.
    pub replaced: VersionVector,
    /// The transaction with its new stamp.
    pub delta: Delta,
}
