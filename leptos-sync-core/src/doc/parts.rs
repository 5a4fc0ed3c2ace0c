use crate::{
    clock::Stamp,
    crdt::Quarantine,
    path::{Path, PathBuf},
};

/// The parts of a document that a transaction has written, each once: the paths of registers, maps,
/// and counter cells.
///
/// A transaction writes its delta from these parts, so its cost is proportional to what it wrote.
/// Most transactions write few parts. These are in a list whose memory is reused. Further parts are
/// in a sorted list, O(log n) each.
#[derive(Default)]
pub(super) struct Parts {
    /// Space for the first parts, of which `len` are in use.
    first: Vec<PathBuf>,
    len: usize,
    more: Quarantine,
}

/// The capacity of the first list, which is searched linearly.
const FIRST: usize = 8;

impl Parts {
    /// Adds a part, unless it is present.
    pub(super) fn add(&mut self, part: &PathBuf) {
        let first = self.first.get(..self.len).unwrap_or_default();
        if first.contains(part) {
            return;
        }
        if self.len == FIRST {
            if !self.more.has(part) {
                self.more.put(part.clone(), Stamp::default(), None, None);
            }
            return;
        }
        match self.first.get_mut(self.len) {
            Some(space) => space.copy_from(part),
            None => self.first.push(part.clone()),
        }
        self.len += 1;
    }

    /// Calls `work` with each part: the first ones in the order of writing, then the others in path
    /// order.
    pub(super) fn for_each<'a>(&'a self, mut work: impl FnMut(Path<'a>)) {
        for part in self.first.get(..self.len).unwrap_or_default() {
            work(part.as_path());
        }
        if !self.more.is_empty() {
            self.more.iter().for_each(|part| work(part.path));
        }
    }

    /// Removes all parts.
    pub(super) fn clear(&mut self) {
        self.len = 0;
        if !self.more.is_empty() {
            self.more = Quarantine::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_listed_once_however_often_it_is_written() {
        let mut parts = Parts::default();
        for count in [1, FIRST, FIRST + 1, 500] {
            let all = (0..count).map(|n| PathBuf::new().child(n.to_string().as_bytes()));
            let all: Vec<_> = all.collect();
            for part in all.iter().chain(all.iter().rev()).chain(&all) {
                parts.add(part);
            }
            let mut listed = Vec::new();
            parts.for_each(|part| listed.push(part.to_owned()));
            assert_eq!(
                listed.iter().take(FIRST).collect::<Vec<_>>(),
                all.iter().take(FIRST).collect::<Vec<_>>(),
                "the first ones stay in the order of writing"
            );
            listed.sort();
            let mut expected = all;
            expected.sort();
            assert_eq!(listed, expected);
            parts.clear();
            parts.for_each(|part| panic!("{part} was cleared"));
        }
    }
}
