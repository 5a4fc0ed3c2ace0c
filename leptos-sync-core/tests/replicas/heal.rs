//! The end of a run: what must hold once all faults are over.

use std::collections::BTreeSet;

use leptos_sync_core::cells::PathBuf;

use super::{
    oracle::{Cell, CellsByPath, Uid, is_counter, join, visible},
    tab::Tab,
    world::World,
};

impl World {
    /// Ends all faults. Then everybody gets everything that anybody holds.
    pub(super) fn heal(&mut self) {
        self.oracle.log(|| "--- healing".to_owned());
        self.oracle.faulty = false;
        self.relay.skew = 0;
        let held = self.held();
        let counted = self.counted();
        for tab in &mut self.tabs {
            tab.skew = 0;
            tab.disk.heal();
            tab.cut();
        }
        for _ in 0..8 {
            for at in 0..self.tabs.len() {
                for _ in 0..4 {
                    for _ in 0..400 {
                        self.trip(at);
                        if self.tabs[at].flight.is_none() {
                            break;
                        }
                    }
                    if self.tabs[at].replica.is_synced() {
                        break;
                    }
                }
            }
        }
        let cells = self.relay.cells();
        for tab in &self.tabs {
            self.check(tab);
            let rest: Vec<_> = tab
                .replica
                .entries()
                .iter()
                .map(|one| one.entry())
                .collect();
            assert!(
                tab.replica.is_synced(),
                "NEVER SYNCED {}: {rest:?}",
                tab.name
            );
            assert_eq!(
                visible(&tab.joined()),
                visible(&cells),
                "NOT EQUAL {}",
                tab.name
            );
        }
        self.check_held(&held, &cells);
        self.check_counts(&counted, &visible(&cells));
    }

    /// Returns all cells that the relay and the replicas' bases hold.
    fn held(&self) -> Vec<(PathBuf, Cell)> {
        let bases = self.tabs.iter().map(Tab::base);
        let all = std::iter::once(self.relay.cells()).chain(bases);
        all.flatten().collect()
    }

    /// Returns the edits whose increments anybody holds.
    fn counted(&self) -> BTreeSet<Uid> {
        let held = self.held();
        let held = held.iter().filter(|(path, _)| is_counter(path));
        let mut counted: BTreeSet<_> = held
            .flat_map(|(path, cell)| self.oracle.uids(path, cell))
            .collect();
        for tab in &self.tabs {
            for id in tab.outbox() {
                let uid = self.oracle.entries[&id];
                counted.extend(self.oracle.increments.contains(&uid).then_some(uid));
            }
        }
        counted
    }

    /// Checks that nothing that was held is lost or has come back.
    fn check_held(&self, held: &[(PathBuf, Cell)], cells: &CellsByPath) {
        let oracle = &self.oracle;
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
                && !self.clocks
                && !oracle.was_old
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
    fn check_counts(&self, counted: &BTreeSet<Uid>, cells: &CellsByPath) {
        let counters = cells.iter().filter(|(path, _)| is_counter(path));
        let all: Vec<_> = counters
            .flat_map(|(path, cell)| self.oracle.uids(path, cell))
            .collect();
        let unique: BTreeSet<_> = all.iter().copied().collect();
        assert_eq!(all.len(), unique.len(), "COUNTED TWICE {all:?}");
        let lost: Vec<_> = counted.difference(&unique).collect();
        let lost: Vec<_> = lost
            .iter()
            .filter(|uid| !self.oracle.rejected.contains(uid))
            .collect();
        assert!(lost.is_empty(), "INCREMENTS LOST {lost:?}");
    }
}
