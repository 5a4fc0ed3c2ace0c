use crate::{
    codec::{CellRef, CellWriter},
    delta::Delta,
    error::Error,
    version::VersionVector,
};

/// A delta of the cells of another, each as `cell` says, but for those that it leaves out. O(cells).
pub(super) fn copy<'a>(
    delta: &'a Delta,
    after: VersionVector,
    upto: VersionVector,
    cell: impl Fn(CellRef<'a>) -> Option<CellRef<'a>>,
) -> Result<Delta, Error> {
    Delta::write(&mut CellWriter::default(), after, upto, |out| {
        for group in delta.cells().groups() {
            out.group(group.parent());
            for cell in group.cells().filter_map(&cell) {
                out.copy(cell);
            }
        }
    })
}
