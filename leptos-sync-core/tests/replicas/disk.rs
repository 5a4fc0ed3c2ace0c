//! The disk of a replica: a storage that fails at times.

use leptos_sync_core::{
    engine::{RefreshOutcome, ReplicaStore},
    replica::Replica,
    storage::{Batch, FaultyStorage, MemoryStorage, Scan, Storage},
};

use super::oracle::{Board, new_replica, random_id};
use crate::common::now;

const NAME: &str = "board";

type Faulty = FaultyStorage<MemoryStorage>;

pub(crate) struct Disk {
    storage: Faulty,
    store: ReplicaStore<Faulty>,
    /// Whether nothing is stored, since the test does it.
    pub(crate) is_off: bool,
    /// Whether the outcome of the last write is unknown.
    is_unknown: bool,
    /// Whether the replica was loaded again, because another tab has replaced the stored base.
    pub(crate) has_reloaded: bool,
}

impl Disk {
    pub(crate) fn new() -> Self {
        Self::of(MemoryStorage::new())
    }

    fn of(memory: MemoryStorage) -> Self {
        let storage = FaultyStorage::new(memory);
        storage.fail_at_random(random_id().unwrap(), 20);
        let store = ReplicaStore::new(storage.clone(), NAME).unwrap();
        Self {
            storage,
            store,
            is_off: false,
            is_unknown: false,
            has_reloaded: false,
        }
    }

    /// Returns the same storage for another tab.
    pub(crate) fn share(&self) -> Self {
        let storage = self.storage.clone();
        let store = ReplicaStore::new(storage.clone(), NAME).unwrap();
        Self {
            storage,
            store,
            is_off: false,
            is_unknown: false,
            has_reloaded: false,
        }
    }

    /// Replaces the content, for all tabs.
    pub(crate) fn replace(&self, other: &Self) {
        let mut batch = Batch::new();
        for (key, _) in now(self.storage.store().scan(Scan::all())).unwrap() {
            batch.delete(key);
        }
        for (key, record) in now(other.storage.store().scan(Scan::all())).unwrap() {
            batch.put(key, record);
        }
        now(self.storage.store().commit(batch)).unwrap();
    }

    /// Deletes the content, as a browser does that needs space.
    pub(crate) fn clear(&self) {
        self.replace(&Self::new());
    }

    /// Returns a copy of the content.
    pub(crate) fn copy(&self) -> Self {
        let memory = MemoryStorage::new();
        let mut batch = Batch::new();
        for (key, record) in now(self.storage.store().scan(Scan::all())).unwrap() {
            batch.put(key, record);
        }
        now(memory.commit(batch)).unwrap();
        Self::of(memory)
    }

    pub(crate) fn heal(&self) {
        self.storage.heal();
    }

    /// Stores what is not stored yet. Returns whether that was successful.
    pub(crate) fn save(&mut self, replica: &mut Replica<Board>, compacts: bool) -> bool {
        if self.is_off {
            return true;
        }
        for _ in 0..8 {
            if self.is_unknown {
                match now(self.store.refresh(replica)) {
                    Ok(RefreshOutcome::Retry) => self.is_unknown = false,
                    Ok(_) => return self.reload(replica),
                    Err(error) => assert!(error.is_storage(), "{error}"),
                }
                continue;
            }
            let write = match compacts || self.store.wants_compaction() {
                true => self.store.compact(replica).unwrap(),
                false => self.store.save(replica).unwrap(),
            };
            let done = now(self.storage.commit_if(write.expected, write.batch));
            if let Ok(true) = done {
                self.store.committed(replica);
                return true;
            }
            // Another tab may have written.
            self.is_unknown = true;
        }
        false
    }

    /// Continues with what another tab has stored.
    fn reload(&mut self, replica: &mut Replica<Board>) -> bool {
        let clock = replica.doc().clock().clone();
        let mut fresh = new_replica(clock);
        self.load(&mut fresh);
        fresh.take_over(replica);
        *replica = fresh;
        self.has_reloaded = true;
        false
    }

    /// Loads the replica, as a new page does.
    pub(crate) fn load(&mut self, replica: &mut Replica<Board>) {
        self.store = ReplicaStore::new(self.storage.clone(), NAME).unwrap();
        self.is_unknown = false;
        let records = now(self.storage.store().scan_prefix(self.store.prefix())).unwrap();
        let damage = self.store.read(records, replica);
        assert!(damage.is_empty(), "{damage:?}");
    }
}
