//! The pool of replica ids: what is written, and what a look at it decides.
//!
//! An id's entry says `free` or `in use`, and its lock is held or not:
//!
//! ```text
//!             lock held                        lock available
//!   free      its holder closed cleanly and    take it
//!             is about to go: leave it alone
//!   in use    its holder lives: leave it       its holder died, perhaps with operations that are not in the
//!             alone                            database: retire it
//! ```
//!
//! A retired id's entry is deleted: the pool is the only place where ids are used again, and what was saved under it
//! stands in the documents. So the pool has an entry for each living holder and for each that closed cleanly, which
//! bounds it by the number of tabs that were open at once.

use leptos_sync_core::{Batch, Record, ReplicaId};

/// What all keys of the pool start with; the id follows, 8 bytes, big-endian.
pub(super) const PREFIX: &[u8] = b"L";

const FREE: u8 = 0;
const IN_USE: u8 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Free,
    InUse,
}

/// An id of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) replica: ReplicaId,
    pub(super) state: State,
}

impl Entry {
    /// Reads an entry; `None` for what this build does not know, which is left alone.
    pub(super) fn read((key, value): &Record) -> Option<Self> {
        let id = key.strip_prefix(PREFIX)?.try_into().ok()?;
        let state = match value.as_slice() {
            [FREE] => State::Free,
            [IN_USE] => State::InUse,
            _ => return None,
        };
        Some(Self {
            replica: ReplicaId::new(u64::from_be_bytes(id)),
            state,
        })
    }

    /// Adds the writing of this entry to a batch.
    pub(super) fn write(self, batch: &mut Batch) {
        let state = match self.state {
            State::Free => FREE,
            State::InUse => IN_USE,
        };
        batch.put(key(self.replica), [state]);
    }
}

fn key(replica: ReplicaId) -> Vec<u8> {
    [PREFIX, &replica.get().to_be_bytes()].concat()
}

/// What a look at the pool decides.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// The id to take; a new one must be minted if there is none.
    pub(super) take: Option<ReplicaId>,
    /// The ids whose holders died without a word.
    pub(super) retire: Vec<ReplicaId>,
}

impl Plan {
    /// What must be on disk before `taken`, the id of the plan or a new one, is written under.
    pub(super) fn batch(&self, taken: ReplicaId) -> Batch {
        let mut batch = Batch::new();
        for &retired in &self.retire {
            batch.delete(key(retired));
        }
        let in_use = Entry {
            replica: taken,
            state: State::InUse,
        };
        in_use.write(&mut batch);
        batch.strict();
        batch
    }
}

/// Decides by the entries of the pool, each with whether its lock is available.
pub(super) fn plan(pool: impl IntoIterator<Item = (Entry, bool)>) -> Plan {
    let mut plan = Plan::default();
    for (Entry { replica, state }, available) in pool {
        match (state, available) {
            (State::Free, true) if plan.take.is_none() => plan.take = Some(replica),
            (State::InUse, true) => plan.retire.push(replica),
            _ => {}
        }
    }
    plan
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use leptos_sync_core::Write;

    use super::*;

    fn entry(id: u64, state: State) -> Entry {
        Entry {
            replica: ReplicaId::new(id),
            state,
        }
    }

    #[test]
    fn an_empty_pool_asks_for_a_new_id() {
        assert_eq!(plan([]), Plan::default());
    }

    #[test]
    fn the_first_free_id_is_taken_and_the_others_stay() {
        let plan = plan([(entry(3, State::Free), true), (entry(5, State::Free), true)]);
        assert_eq!(plan.take, Some(ReplicaId::new(3)));
        assert!(plan.retire.is_empty());
    }

    #[test]
    fn an_id_whose_lock_is_held_is_left_alone() {
        let plan = plan([
            (entry(1, State::Free), false),
            (entry(2, State::InUse), false),
        ]);
        assert_eq!(plan, Plan::default());
    }

    #[test]
    fn an_id_in_use_by_nobody_is_retired_and_never_taken() {
        let plan = plan([
            (entry(1, State::InUse), true),
            (entry(2, State::InUse), true),
        ]);
        assert_eq!(plan.take, None);
        assert_eq!(plan.retire, [ReplicaId::new(1), ReplicaId::new(2)]);
    }

    fn apply(pool: &mut BTreeMap<Vec<u8>, Vec<u8>>, batch: Batch) {
        for write in batch.into_writes() {
            match write {
                Write::Put(key, value) => pool.insert(key, value),
                Write::Delete(key) => pool.remove(&key),
            };
        }
    }

    /// Tabs come, close cleanly, or die, in every order; each holder must be alone with its id, and an id whose holder
    /// died must never come back.
    #[test]
    fn no_id_is_shared_and_no_id_of_the_dead_returns() {
        for mut script in 0..3_u32.pow(9) {
            let (mut pool, mut alive, mut dead) = (BTreeMap::new(), Vec::new(), Vec::new());
            let (mut minted, mut most) = (0, 0);
            for _ in 0..9 {
                match (script % 3, alive.is_empty()) {
                    (1, false) => {
                        let mut batch = Batch::new();
                        let (replica, state) = (alive.remove(0), State::Free);
                        Entry { replica, state }.write(&mut batch);
                        apply(&mut pool, batch);
                    }
                    (2, false) => dead.extend(alive.pop()),
                    _ => {
                        let entries = pool.iter().filter_map(|(k, v): (&Vec<u8>, &Vec<u8>)| {
                            Entry::read(&(k.clone(), v.clone()))
                        });
                        let plan =
                            plan(entries.map(|entry| (entry, !alive.contains(&entry.replica))));
                        let taken = plan.take.unwrap_or_else(|| {
                            minted += 1;
                            ReplicaId::new(minted)
                        });
                        assert!(!alive.contains(&taken) && !dead.contains(&taken));
                        apply(&mut pool, plan.batch(taken));
                        alive.push(taken);
                        most = most.max(alive.len());
                        assert!(
                            pool.len() <= most,
                            "the pool grows with tabs at once, not with page loads"
                        );
                    }
                }
                script /= 3;
            }
        }
    }

    #[test]
    fn a_lease_is_written_with_strict_durability() {
        let batch = plan([
            (entry(1, State::InUse), true),
            (entry(2, State::Free), true),
        ])
        .batch(ReplicaId::new(2));
        assert!(batch.is_strict());
        assert_eq!(batch.writes().len(), 2, "one id retired, one in use");
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        for state in [State::Free, State::InUse] {
            let mut batch = Batch::new();
            entry(u64::MAX - 1, state).write(&mut batch);
            let [Write::Put(key, value)] = batch.writes() else {
                panic!("one put");
            };
            let read = Entry::read(&(key.clone(), value.clone()));
            assert_eq!(read, Some(entry(u64::MAX - 1, state)));
        }
    }

    #[test]
    fn what_this_build_does_not_know_is_left_alone() {
        let key = key(ReplicaId::new(7));
        assert_eq!(Entry::read(&(key.clone(), vec![9])), None);
        assert_eq!(Entry::read(&(key, vec![])), None);
        assert_eq!(Entry::read(&(b"Lshort".to_vec(), vec![FREE])), None);
    }
}
