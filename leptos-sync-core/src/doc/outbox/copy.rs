use crate::{
    codec::{CellRef, CellWriter},
    delta::Delta,
    error::Error,
    version::VersionVector,
};

/// Returns a copy of a delta in which `cell` changes or omits cells. O(cells).
pub(super) fn copy(
    delta: &Delta,
    after: VersionVector,
    upto: VersionVector,
    cell: &dyn for<'a> Fn(CellRef<'a>) -> Option<CellRef<'a>>,
) -> Result<Delta, Error> {
    Delta::write(&mut CellWriter::default(), after, upto, |out| {
        delta.cells().for_each(&mut |parent, known| {
            if let Some(cell) = cell(known) {
                out.group(parent);
                out.copy(cell);
            }
        });
    })
}
