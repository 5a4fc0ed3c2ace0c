//! In a browser a message is written in one piece and cut: what fits into a page fits twice, and the code is downloaded.

use super::Body;
use crate::{codec::CellWriter, error::Error, version::VersionVector};

impl Body {
    /// As [`write`](Body::write), [split](Body::split) into parts of about `bytes` each.
    pub(crate) fn write_parts(
        first: VersionVector,
        second: VersionVector,
        bytes: usize,
        write: impl FnOnce(&mut CellWriter),
    ) -> Result<Vec<Self>, Error> {
        Self::write(&mut CellWriter::default(), first, second, write)?.split(bytes)
    }
}
