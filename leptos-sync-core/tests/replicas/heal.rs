//! The end of a run: what must hold once all faults are over.

use std::collections::BTreeSet;

use leptos_sync_core::cells::PathBuf;

use super::{
    oracle::{Cell, Uid, is_counter, visible},
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
        self.wake_all();
        for round in 0..8 {
            if round == 4 {
                // Longer than clocks were ahead.
                self.oracle.now += 300;
            }
            for at in 0..self.tabs.len() {
                self.meet(at);
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
        self.oracle.check_held(&held, &cells, self.clocks);
        self.oracle.check_counts(&counted, &visible(&cells));
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
            let edits = self.oracle.edits_of(tab.replica.entries());
            counted.extend(
                edits
                    .iter()
                    .filter(|uid| self.oracle.increments.contains(uid)),
            );
        }
        counted
    }
}
