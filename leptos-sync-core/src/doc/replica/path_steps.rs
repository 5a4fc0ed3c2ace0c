use crate::{
    clock::Time,
    codec::CellWriter,
    delta::Patch,
    doc::cells::DocCells,
    error::Error,
    order::{heap_sort, heapify, sift_down},
    path::{Path, PathBuf},
};

/// The paths of a document in order, a bounded number at a time.
///
/// Sorting all paths at once would block the page of a large document, and each path would take
/// memory of its own. So this keeps the keys as encoded cells without values. A step goes through
/// all of them, which takes little time for each, and selects the next paths in a heap of bounded
/// size. For n paths in steps of k, each step is O(n + k log k) if the keys are in random order.
#[derive(Clone)]
pub(super) struct PathSteps {
    keys: Patch,
    /// The maximum number of paths in a step.
    most: usize,
    /// The selected paths, in order.
    paths: Vec<PathBuf>,
    /// The number of selected paths that were returned.
    taken: usize,
    /// Whether paths follow the selected ones.
    has_more: bool,
}

impl PathSteps {
    /// Reads the keys of a document. O(cells).
    pub(super) fn new(doc: &dyn DocCells, most: usize) -> Result<Self, Error> {
        let mut out = CellWriter::without_values();
        let keys = Patch::write(&mut out, Time::ZERO, |out| {
            doc.write_unpacked(out);
            doc.packed().write_cells(&Default::default(), out);
        })?;
        Ok(Self {
            keys,
            most: most.max(1),
            paths: Vec::new(),
            taken: 0,
            has_more: true,
        })
    }

    /// Returns the paths after `after`, the end of the previous step, and up to `upto` or the end
    /// of this step, which is returned too. `None` is the end of the document.
    pub(super) fn next(
        &mut self,
        after: Option<&PathBuf>,
        upto: Option<&PathBuf>,
    ) -> (Vec<PathBuf>, Option<PathBuf>) {
        if self.taken == self.paths.len() && self.has_more {
            self.select(after);
        }
        let last = self.paths.last().filter(|_| self.has_more);
        let upto = match (upto, last) {
            (Some(upto), Some(last)) => Some(upto.min(last)),
            (upto, last) => upto.or(last),
        };
        let rest = self.paths.get(self.taken..).unwrap_or_default();
        let count = upto.map_or(rest.len(), |upto| rest.partition_point(|path| path <= upto));
        let step = rest.get(..count).unwrap_or_default().to_vec();
        let upto = upto.cloned();
        self.taken += count;
        (step, upto)
    }

    /// Selects the first paths after `after`.
    fn select(&mut self, after: Option<&PathBuf>) {
        let after = after.map_or(Path::ROOT, PathBuf::as_path);
        let is_less = |one: &PathBuf, two: &PathBuf| one < two;
        let (most, paths) = (self.most, &mut self.paths);
        let (mut has_more, mut encoded) = (false, Vec::new());
        paths.clear();
        self.keys.cells().for_each(&mut |parent, cell| {
            encoded.clear();
            PathBuf::append_child(&mut encoded, parent, cell.key);
            let path = Path::trusted(&encoded);
            if path <= after {
                return;
            }
            if paths.len() < most {
                paths.push(path.to_owned());
                if paths.len() == most {
                    heapify(paths, is_less);
                }
                return;
            }
            has_more = true;
            if let Some(greatest) = paths.first_mut()
                && path < greatest.as_path()
            {
                *greatest = path.to_owned();
                sift_down(paths, 0, is_less);
            }
        });
        heap_sort(paths, is_less);
        self.taken = 0;
        self.has_more = has_more;
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::{Clock, Crdt, Doc, LwwMap, ReplicaId};

    #[derive(Crdt, Clone, Default)]
    struct Lists {
        one: LwwMap<u16, bool>,
        two: LwwMap<u16, bool>,
    }

    fn paths(doc: &Doc<Lists>) -> Vec<PathBuf> {
        let all = PathSteps::new(doc, usize::MAX).unwrap().next(None, None);
        assert_eq!(all.1, None);
        assert!(all.0.is_sorted());
        all.0
    }

    proptest! {
        /// Whatever the ends of the relay's ranges are, a step is bounded, and the steps together
        /// have each path once, in order.
        #[test]
        fn steps_have_all_paths_in_order(
            keys in vec((any::<bool>(), 0_u16..300), 0..80),
            most in 1_usize..30,
            ends in vec(0_usize..100, 0..10),
        ) {
            let mut doc = Doc::<Lists>::without_versions(Clock::system(ReplicaId::new(1)));
            doc.transact(|tx| {
                for (first, key) in keys {
                    match first {
                        true => tx.one().insert(key, first),
                        false => tx.two().remove(&key),
                    }
                }
            })
            .unwrap();
            let all = paths(&doc);
            let mut steps = PathSteps::new(&doc, most).unwrap();
            let (mut found, mut after) = (Vec::new(), None);
            let mut ends = ends.into_iter().filter_map(|end| all.get(end));
            loop {
                let end = ends.next().filter(|end| Some(*end) > after.as_ref());
                let (step, upto) = steps.next(after.as_ref(), end);
                prop_assert!(step.len() <= most);
                prop_assert!(step.iter().all(|path| upto.as_ref().is_none_or(|upto| path <= upto)));
                prop_assert!(end.is_none() || upto.is_some() && upto.as_ref() <= end);
                found.extend(step);
                if upto.is_none() {
                    break;
                }
                prop_assert!(upto > after);
                after = upto;
            }
            prop_assert_eq!(found, all);
        }
    }
}
