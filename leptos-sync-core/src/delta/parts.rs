use super::Body;
use crate::{codec::CellWriter, error::Error, version::VersionVector};

impl Body {
    /// As [`write`](Body::write), [split](Body::split) into parts of about `bytes` each, of which none is held twice.
    pub(crate) fn write_parts(
        first: VersionVector,
        second: VersionVector,
        bytes: usize,
        write: impl FnOnce(&mut CellWriter),
    ) -> Result<Vec<Self>, Error> {
        let mut cells = CellWriter::in_parts(second.latest(), bytes);
        write(&mut cells);
        let parts = cells.finish_parts()?.into_iter();
        let part = |part| Self::with(part, first.clone(), second.clone());
        Ok(parts.map(part).collect())
    }
}
