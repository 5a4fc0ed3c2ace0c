use super::Delta;
use crate::version::VersionVector;

/// A transaction that has another stamp than before. Of several, all are replaced at once: the new stamp of one may be the
/// old stamp of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restamped {
    /// The version that it led to.
    pub replaced: VersionVector,
    /// The transaction as it is now.
    pub delta: Delta,
}
