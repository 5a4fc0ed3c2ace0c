//! What must hold of the relay's cells once all faults are over.

use std::collections::BTreeSet;

use leptos_sync_core::cells::PathBuf;

use super::oracle::{Cell, CellsByPath, Oracle, Uid, is_counter, join};

impl Oracle {
    /// Checks that nothing that was held is lost or has come back.
    ///
    /// If clocks were wrong, an older edit may have got a greater stamp, and may come back. So may
    /// one whose removal is older than the retention, if the relay was restored.
    pub(crate) fn check_held(&self, held: &[(PathBuf, Cell)], cells: &CellsByPath, clocks: bool) {
        let oracle = self;
        let held_uids: BTreeSet<_> = held
            .iter()
            .filter_map(|(path, cell)| oracle.uid(path, cell))
            .collect();
        let mut greatest = CellsByPath::new();
        for (path, cell) in held {
            join(&mut greatest, path.clone(), cell.clone());
        }
        for (path, cell) in greatest.iter().filter(|(path, _)| !is_counter(path)) {
            let now = cells.get(path);
            let uid = oracle.uid(path, cell);
            if let Some(now) = now.filter(|now| now.1.is_some() && *now != cell)
                && !clocks
                && !oracle.was_old
                && (cell.1.is_some() || cell.0.time >= oracle.floor)
                && let Some(uid) = oracle.uid(path, now)
                && let Some(winners) = oracle.replaced.get(&(path.clone(), uid))
            {
                let came_back = !winners.is_disjoint(&held_uids);
                assert!(
                    !came_back,
                    "SUPERSEDED RETURNED {path:?} {now:?}, held {cell:?}"
                );
            }
            if cell.1.is_none() || oracle.is_replaced(path, uid) {
                continue;
            }
            let is_kept = now.is_some_and(|now| now >= cell);
            assert!(is_kept, "LOST {path:?} {cell:?}, now {now:?}");
            if let Some((stamp, None)) = now {
                let inferred = oracle.inferred.get(&(path.clone(), *stamp));
                assert_ne!(inferred, Some(&uid), "WRONG INFERENCE {path:?} {cell:?}");
            }
        }
    }

    /// Checks that each increment counts once.
    pub(crate) fn check_counts(&self, counted: &BTreeSet<Uid>, cells: &CellsByPath) {
        let counters = cells.iter().filter(|(path, _)| is_counter(path));
        let all: Vec<_> = counters
            .flat_map(|(path, cell)| self.uids(path, cell))
            .collect();
        let unique: BTreeSet<_> = all.iter().copied().collect();
        assert_eq!(all.len(), unique.len(), "COUNTED TWICE {all:?}");
        let lost: Vec<_> = counted.difference(&unique).collect();
        let lost: Vec<_> = lost
            .iter()
            .filter(|uid| !self.rejected.contains(uid))
            .collect();
        assert!(lost.is_empty(), "INCREMENTS LOST {lost:?}");
        let rejected = self.rejected.difference(&self.accepted);
        let counted: Vec<_> = rejected.filter(|uid| unique.contains(uid)).collect();
        assert!(counted.is_empty(), "REJECTED BUT COUNTED {counted:?}");
    }
}
