use crate::{
    clock::{Stamp, Time},
    version::VersionVector,
};

/// The operations whose tombstones can be forgotten: those that a version contains, or those before
/// a time.
#[derive(Clone, Copy, Debug)]
pub enum Stable<'a> {
    /// The operations that a version contains, for documents that are exchanged by version.
    Version(&'a VersionVector),
    /// The operations before a time, for documents that a relay keeps.
    Before(Time),
}

impl Stable<'_> {
    /// Returns whether the operation at `stamp` is among them.
    pub fn contains(self, stamp: Stamp) -> bool {
        match self {
            Self::Version(version) => version.contains(stamp),
            Self::Before(time) => stamp.time < time,
        }
    }
}
