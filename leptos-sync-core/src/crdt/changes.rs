use std::fmt;

use crate::{
    path::{Path, PathBuf},
    pool::{Scratch, scratch},
};

/// The paths of the cells that an operation changed.
///
/// One buffer holds all paths, so a change needs no separate allocation. A path appears more than
/// once if a transaction adds or removes the same cell repeatedly.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// For each change, four bytes with the length of the path and the `existence` flag, followed
    /// by the path.
    bytes: Scratch,
    count: usize,
}

/// The number of bytes before a path.
const HEAD: usize = 4;

/// The change of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change<'a> {
    /// The path of the cell.
    pub path: Path<'a>,
    /// Whether the cell was added or removed, so that the keys of its map changed.
    pub existence: bool,
}

impl Changes {
    /// Creates an empty list.
    pub const fn new() -> Self {
        Self {
            bytes: Scratch::new(),
            count: 0,
        }
    }

    /// Returns the number of changes.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Returns whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Iterates over the changes, in the order in which they took effect.
    pub fn iter(&self) -> impl Iterator<Item = Change<'_>> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            let (change, after) = first(rest)?;
            rest = after;
            Some(change)
        })
    }

    /// Creates an empty list with a capacity of `bytes`.
    pub(crate) fn with_room(bytes: usize) -> Self {
        Self {
            bytes: scratch(bytes),
            count: 0,
        }
    }

    /// Returns the path of the change at a [`place`](Changes::place).
    pub(crate) fn path(&self, place: usize) -> Option<Path<'_>> {
        Some(first(self.bytes.get(place..)?)?.0.path)
    }

    /// Returns the position of the next change.
    pub(crate) fn place(&self) -> usize {
        self.bytes.len()
    }

    /// Appends the changes of another operation.
    pub fn append(&mut self, other: Self) {
        self.bytes.extend_from_slice(&other.bytes);
        self.count += other.count;
    }

    /// Adds the change of the cell at `path`.
    pub(crate) fn push(&mut self, path: Path<'_>, existence: bool) {
        self.add(existence, |bytes| bytes.extend_from_slice(path.as_bytes()));
    }

    /// Adds the change of the cell `key` below `parent`.
    pub(crate) fn push_child(&mut self, parent: Path<'_>, key: &[u8], existence: bool) {
        // Reserve once for all parts of the path; the length of the key takes up to two bytes.
        self.bytes
            .reserve(HEAD + parent.as_bytes().len() + 2 + key.len());
        self.add(existence, |bytes| PathBuf::append_child(bytes, parent, key));
    }

    fn add(&mut self, existence: bool, path: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; HEAD]);
        path(&mut self.bytes);
        // A path is far shorter than two gigabytes, so its length fits beside the flag.
        let length = (self.bytes.len() - start - HEAD) as u32;
        let head = (length << 1 | u32::from(existence)).to_le_bytes();
        if let Some(to) = self.bytes.get_mut(start..start + HEAD) {
            to.copy_from_slice(&head);
        }
        self.count += 1;
    }
}

/// Splits off the first change.
fn first(bytes: &[u8]) -> Option<(Change<'_>, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<HEAD>()?;
    let head = u32::from_le_bytes(*head);
    let (path, rest) = rest.split_at_checked((head >> 1) as usize)?;
    let change = Change {
        path: Path::trusted(path),
        existence: head & 1 == 1,
    };
    Some((change, rest))
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
