use super::Pending;
use crate::{
    crdt::{Quarantine, TagNames},
    doc::cells::DocCells,
    id::{Id, ReplicaId},
};

/// New names for the tags that entries have created, because they move to another id.
///
/// A clone of the page's memory creates the same tags as the page. So if both kept them, removing
/// an element that one has added would also remove what the other has added. The new names depend
/// only on the old ones and on the new id, so all tabs choose the same ones.
pub(super) struct Renames {
    /// The functions that rename tags, if the entries have created any.
    names: Option<&'static TagNames>,
    /// The tags that the entries have created, sorted.
    created: Vec<Id>,
    derived: ReplicaId,
}

impl Renames {
    /// Collects the tags that `moved` has created. O(cells log cells).
    pub(super) fn new(doc: &dyn DocCells, moved: &[Pending], derived: ReplicaId) -> Self {
        let (mut names, mut created, mut value) = (None, Vec::new(), Vec::new());
        for one in moved {
            one.entry.cells.cells().for_each(&mut |parent, cell| {
                let path = cell.path(parent);
                if cell.value.is_some()
                    && !one.seen.has(&path)
                    && let Some(of) = doc.cell(&path, &mut value).and_then(|cell| cell.tags)
                {
                    names = Some(of);
                    (of.add)(&mut created, cell.key);
                }
            });
        }
        Self {
            names,
            created,
            derived,
        }
    }

    /// Returns the key with the new tag, or `None` if the key keeps its name.
    pub(super) fn key(&self, key: &[u8]) -> Option<Vec<u8>> {
        (self.names?.rename)(key, &self.created, self.derived)
    }

    /// Renames the tags in the paths of replaced cells.
    pub(super) fn rename_seen(&self, seen: &mut Quarantine) {
        if let Some(names) = self.names {
            (names.rename_all)(seen, &self.created, self.derived);
        }
    }
}
