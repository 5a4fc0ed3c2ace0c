//! New names for tags, for entries that move to another replica id.

use xxhash_rust::xxh64::xxh64;

use super::{push_tag, split_tag};
use crate::{
    crdt::Quarantine,
    id::{Id, ReplicaId},
};

/// The functions that rename tags.
///
/// A cell with a tag refers to them, so that a page without such cells does not contain their code.
#[derive(Debug)]
pub(crate) struct TagNames {
    /// Adds the tag at the end of a key to a sorted list of tags.
    pub(crate) add: fn(&mut Vec<Id>, &[u8]),
    pub(crate) rename: Rename,
    /// Renames the tags in the paths of replaced cells, like `rename`.
    pub(crate) rename_all: fn(&mut Quarantine, &[Id], ReplicaId),
}

/// Returns the key with the new name of its tag, if the tag is in the sorted list. The new name
/// depends only on the old one and on the new replica id.
type Rename = fn(&[u8], &[Id], ReplicaId) -> Option<Vec<u8>>;

pub(super) static NAMES: TagNames = TagNames {
    add,
    rename,
    rename_all,
};

fn add(tags: &mut Vec<Id>, key: &[u8]) {
    if let Some((_, tag)) = split_tag(key)
        && let Err(at) = tags.binary_search(&tag)
    {
        tags.insert(at, tag);
    }
}

fn rename(key: &[u8], tags: &[Id], derived: ReplicaId) -> Option<Vec<u8>> {
    let (element, tag) = split_tag(key)?;
    tags.binary_search(&tag).ok()?;
    let (origin, count) = tag.parts();
    let origin = xxh64(&origin.to_le_bytes(), derived.get());
    let mut renamed = element.to_vec();
    push_tag(Id::of_parts((origin, count)), &mut renamed);
    Some(renamed)
}

fn rename_all(seen: &mut Quarantine, tags: &[Id], derived: ReplicaId) {
    let mut names = Vec::new();
    seen.for_each(&mut |path, _, _| {
        if let Some((parent, key)) = path.as_path().split_last()
            && let Some(key) = rename(key, tags, derived)
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
