use std::fmt;

use crate::path::{Path, PathBuf};

/// Which cells an operation changed, as paths.
///
/// One allocation holds all the paths, so that a batch costs no allocation a cell. A path appears again when a
/// transaction wrote to it again in between other changes of the same cell's existence.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Changes {
    bytes: Vec<u8>,
    ends: Vec<(u32, bool)>,
}

/// One changed cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    /// Where the cell stands.
    pub path: Path<'a>,
    /// Whether the cell came into being or was removed, so that its map has other keys than before.
    pub existence: bool,
}

impl Changes {
    /// No change.
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// How many changes there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The changes, in the order in which they took effect.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Change<'_>> {
        let mut start = 0;
        self.ends.iter().map(move |&(end, existence)| {
            let path = self.bytes.get(start..end as usize).unwrap_or_default();
            start = end as usize;
            Change {
                path: Path::trusted(path),
                existence,
            }
        })
    }

    /// Where the change `at` is.
    pub(crate) fn path(&self, at: usize) -> Option<Path<'_>> {
        let start = match at.checked_sub(1) {
            Some(before) => self.ends.get(before)?.0,
            None => 0,
        };
        let path = self
            .bytes
            .get(start as usize..self.ends.get(at)?.0 as usize)?;
        Some(Path::trusted(path))
    }

    /// Adds another operation's changes behind these.
    pub fn append(&mut self, other: Self) {
        let start = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.bytes.extend(other.bytes);
        let moved = other
            .ends
            .iter()
            .map(|&(end, existence)| (start.saturating_add(end), existence));
        self.ends.extend(moved);
    }

    /// Adds the cell at `path`.
    pub(crate) fn push(&mut self, path: Path<'_>, existence: bool) {
        self.bytes.extend_from_slice(path.as_bytes());
        self.close(existence);
    }

    /// Adds the cell `key` below `parent`.
    pub(crate) fn push_child(&mut self, parent: Path<'_>, key: &[u8], existence: bool) {
        PathBuf::append_child(&mut self.bytes, parent, key);
        self.close(existence);
    }

    fn close(&mut self, existence: bool) {
        // Four gigabytes of paths cannot arise: transactions and messages are bounded far below.
        let end = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.ends.push((end, existence));
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
