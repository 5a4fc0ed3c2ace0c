//! Single steps of replicas and a relay, for tests that tell one story.

use leptos_sync_core::{Stamp, Tx};

use super::{
    oracle::{Board, Oracle, cells_of, seed_ids},
    relay::Relay,
    tab::{Request, Tab},
};

/// A relay without faults.
pub(crate) struct Scene {
    pub(crate) oracle: Oracle,
    pub(crate) relay: Relay,
}

impl Scene {
    pub(crate) fn new() -> Self {
        seed_ids(1);
        let mut oracle = Oracle::new(1, false);
        oracle.faulty = false;
        // Stories count as they like.
        oracle.increments = vec![0; 64];
        Self {
            oracle,
            relay: Relay::new(),
        }
    }

    pub(crate) fn tab(&self, name: &str) -> Tab {
        let tab = Tab::new(name);
        tab.disk.heal();
        tab
    }

    /// Edits a document a unit of time after the last event. Returns the edit's stamp.
    pub(crate) fn edit(&mut self, tab: &mut Tab, edit: impl FnOnce(&mut Tx<'_, Board>)) -> Stamp {
        self.oracle.now += 1;
        tab.set_time(&self.oracle);
        let uid = self.oracle.edit();
        let entry = tab.replica.transact(edit).unwrap().entry.unwrap();
        self.oracle.note(&entry, uid);
        entry.stamp()
    }

    /// Exchanges everything.
    pub(crate) fn sync(&mut self, tab: &mut Tab) {
        self.sync_until(tab, |_| false);
        assert!(tab.replica.is_synced(), "{} is not synced", tab.name);
    }

    /// Exchanges until a request for which `stops` returns true. That request is lost.
    pub(crate) fn sync_until(&mut self, tab: &mut Tab, stops: impl Fn(&Request) -> bool) {
        tab.cut();
        for _ in 0..4 {
            let mut next = Some(tab.start());
            while let Some(request) = next {
                tab.set_time(&self.oracle);
                if stops(&request) {
                    return tab.cut();
                }
                let response = tab.send(&mut self.relay, request, &mut self.oracle);
                next = tab.on(response, &mut self.oracle);
            }
            if tab.replica.is_synced() {
                return;
            }
        }
    }

    /// Starts the relay again, with another database if `db` has one.
    pub(crate) fn restart(&mut self, db: Option<super::relay::Db>) {
        self.relay.epoch += 1;
        if let Some(db) = db {
            self.relay.db = db;
        }
    }
}

/// Returns the cells of a tab's outbox, joined.
pub(crate) fn outbox(tab: &Tab) -> super::oracle::CellsByPath {
    cells_of(tab.replica.entries().iter().map(|one| &one.entry().cells))
}
