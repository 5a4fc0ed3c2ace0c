use crate::{
    clock::Stamp,
    crdt::{Changes, Quarantine},
    path::{Path, PathBuf},
};

/// The distinct parts that a transaction has written: the paths of maps, and of single cells of all
/// other types.
///
/// A transaction builds its delta from these parts, so its cost is proportional to what it wrote. A
/// cell is added only on its first write, so only maps need a search for duplicates.
#[derive(Default)]
pub(super) struct Parts {
    /// Space for the first maps, of which `len` are in use.
    maps: Vec<PathBuf>,
    len: usize,
    /// The positions of cells among the transaction's changes, in path order.
    cells: Vec<usize>,
    /// Further maps, and the cells that were written far out of order.
    more: Quarantine,
}

/// The capacity of the list of maps, which is searched linearly, and the number of cells that a
/// cell may follow out of order.
const NEAR: usize = 8;

impl Parts {
    /// Adds a map, unless it is present. O(1) for the first maps, O(log n) for further ones.
    pub(super) fn add_map(&mut self, map: &PathBuf) {
        let first = self.maps.get(..self.len).unwrap_or_default();
        if first.contains(map) {
            return;
        }
        if self.len == NEAR {
            if !self.more.has(map) {
                self.add_more(map.as_path());
            }
            return;
        }
        match self.maps.get_mut(self.len) {
            Some(space) => space.copy_from(map),
            None => self.maps.push(map.clone()),
        }
        self.len += 1;
    }

    /// Adds the cell that the change at `place` wrote. It must not be present. O(1) if it follows
    /// most of the others in path order, and O(log n) otherwise.
    pub(super) fn add_cell(&mut self, changes: &Changes, place: usize) {
        let cell = changes.path(place);
        let later = self.cells.iter().rev().take(NEAR + 1);
        let later = later.take_while(|&&other| changes.path(other) > cell);
        match (later.count(), cell) {
            (later, Some(cell)) if later > NEAR => self.add_more(cell),
            (later, _) => self.cells.insert(self.cells.len() - later, place),
        }
    }

    /// Removes a cell, because the transaction removed its record after it wrote the cell.
    /// O(cells).
    pub(super) fn remove_cell(&mut self, changes: &Changes, cell: &PathBuf) {
        let path = Some(cell.as_path());
        self.cells.retain(|&place| changes.path(place) != path);
        self.more.remove(cell);
    }

    fn add_more(&mut self, part: Path<'_>) {
        self.more.put(part.to_owned(), Stamp::default(), None, None);
    }

    /// Calls `work` with each part: the first maps in the order of writing, then the other parts in
    /// path order.
    pub(super) fn for_each<'a>(&'a self, changes: &'a Changes, work: &mut dyn FnMut(Path<'a>)) {
        for map in self.maps.get(..self.len).unwrap_or_default() {
            work(map.as_path());
        }
        let mut more = self.more.iter().map(|part| part.path).peekable();
        for cell in self.cells.iter().filter_map(|&place| changes.path(place)) {
            while let Some(part) = more.next_if(|part| *part < cell) {
                work(part);
            }
            work(cell);
        }
        more.for_each(work);
    }

    /// Removes all parts.
    pub(super) fn clear(&mut self) {
        self.len = 0;
        self.cells.clear();
        if !self.more.is_empty() {
            self.more = Quarantine::default();
        }
    }

    /// Returns the capacity of the list of cells in bytes.
    pub(super) fn room(&self) -> usize {
        self.cells.capacity() * size_of::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(n: usize) -> PathBuf {
        PathBuf::new().child(format!("{n:03}").as_bytes())
    }

    fn listed(parts: &Parts, changes: &Changes) -> Vec<PathBuf> {
        let mut listed = Vec::new();
        parts.for_each(changes, &mut |part| listed.push(part.to_owned()));
        listed
    }

    #[test]
    fn each_map_is_listed_once_however_often_it_is_written() {
        let (mut parts, changes) = (Parts::default(), Changes::new());
        for count in [1, NEAR, NEAR + 1, 500] {
            let all: Vec<_> = (0..count).map(path).collect();
            for map in all.iter().chain(all.iter().rev()).chain(&all) {
                parts.add_map(map);
            }
            assert_eq!(listed(&parts, &changes), all);
            parts.clear();
            assert_eq!(listed(&parts, &changes), []);
        }
    }

    #[test]
    fn cells_are_listed_in_path_order_in_whatever_order_they_are_written() {
        let mut parts = Parts::default();
        for count in [1, 2, NEAR, NEAR + 1, NEAR + 2, 500] {
            let all: Vec<_> = (0..count).collect();
            let pairs = all.chunks(2).flat_map(|pair| pair.iter().rev());
            let columns = (0..7).flat_map(|column| all.iter().skip(column).step_by(7));
            let orders: [Vec<&usize>; 4] = [
                all.iter().collect(),
                all.iter().rev().collect(),
                pairs.collect(),
                columns.collect(),
            ];
            for order in orders {
                let mut changes = Changes::new();
                for &cell in order {
                    let place = changes.place();
                    changes.push(path(cell).as_path(), false);
                    parts.add_cell(&changes, place);
                }
                let expected: Vec<_> = all.iter().map(|&cell| path(cell)).collect();
                assert_eq!(listed(&parts, &changes), expected);
                parts.clear();
                assert_eq!(listed(&parts, &changes), []);
            }
        }
    }
}
