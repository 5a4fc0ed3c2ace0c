use xxhash_rust::xxh64::xxh64;

use super::Pending;
use crate::{
    crdt::{Quarantine, push_tag, split_tag},
    doc::cells::DocCells,
    id::{Id, ReplicaId},
};

/// New names for the tags that entries have created, because they move to another id.
///
/// A clone of the page's memory creates the same tags as the page. So if both kept them, removing
/// an element that one has added would also remove what the other has added. The new names depend
/// only on the old ones and on the new id, so all tabs choose the same ones.
pub(super) struct Renames {
    /// The tags that the entries have created, sorted.
    created: Vec<Id>,
    derived: ReplicaId,
}

impl Renames {
    /// Collects the tags that `moved` has created. O(cells log cells).
    pub(super) fn new(doc: &dyn DocCells, moved: &[Pending], derived: ReplicaId) -> Self {
        let (mut created, mut value) = (Vec::new(), Vec::new());
        for one in moved {
            one.entry.cells.cells().for_each(&mut |parent, cell| {
                let path = cell.path(parent);
                if let Some((_, tag)) = split_tag(cell.key)
                    && cell.value.is_some()
                    && !one.seen.has(&path)
                    && doc
                        .cell(&path, &mut value)
                        .is_some_and(|cell| cell.is_tagged)
                    && let Err(at) = created.binary_search(&tag)
                {
                    created.insert(at, tag);
                }
            });
        }
        Self { created, derived }
    }

    /// Returns the key with the new tag, or `None` if the key keeps its name.
    pub(super) fn key(&self, key: &[u8]) -> Option<Vec<u8>> {
        let (element, tag) = split_tag(key)?;
        self.created.binary_search(&tag).ok()?;
        let (origin, count) = tag.parts();
        let origin = xxh64(&origin.to_le_bytes(), self.derived.get());
        let mut renamed = element.to_vec();
        push_tag(Id::of_parts((origin, count)), &mut renamed);
        Some(renamed)
    }

    /// Renames the tags in the paths of replaced cells.
    pub(super) fn rename_seen(&self, seen: &mut Quarantine) {
        let mut names = Vec::new();
        seen.for_each(&mut |path, _, _| {
            if let Some((parent, key)) = path.as_path().split_last()
                && let Some(key) = self.key(key)
            {
                names.push((path.clone(), parent.to_owned().child(&key)));
            }
        });
        for (old, new) in names {
            let stamp = seen.get(&old).map(|held| held.stamp).unwrap_or_default();
            seen.remove(&old);
            // Only the cells of counters keep their values.
            seen.put(new, stamp, None, None);
        }
    }
}
