//! The pool of replica ids: numbered slots, each with an id, and a lock of its name.
//!
//! Whoever holds a slot's lock may take the slot. What its record says decides about the id:
//!
//! ```text
//!   nothing   the slot is new: mint an id
//!   free      its last holder saved everything and said so: take the id over
//!   in use    its last holder died, perhaps with operations that are not in the database: its id is retired, mint one
//! ```
//!
//! and then the slot says "in use", with strict durability, before the id is used. A retired id's record is written over:
//! the pool is the only place where ids are used again, and what was saved under it stands in the documents.
//!
//! A holder writes "free" once, last of all. Should that arrive after the next holder's records, the slot tells of an id
//! whose holder saved everything, so whoever takes it over does no harm.

use leptos_sync_core::{ReplicaId, storage::Batch};

/// What all keys of the pool start with; the slot follows, 4 bytes, big-endian.
const PREFIX: &[u8] = b"L";

const FREE: u8 = 0;
const IN_USE: u8 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Free,
    InUse,
}

/// What is to be done with a slot whose lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Take this id over.
    Free(ReplicaId),
    /// Mint an id.
    Mint,
    /// Leave it alone: this build does not know what it says.
    Unknown,
}

/// Looks at a slot's record.
pub(super) fn look(record: Option<&[u8]>) -> Found {
    let Some((&state, id)) = record.unwrap_or(&[IN_USE; 9]).split_first() else {
        return Found::Unknown;
    };
    match (state, id.try_into()) {
        (FREE, Ok(id)) => Found::Free(ReplicaId::new(u64::from_be_bytes(id))),
        (IN_USE, Ok(_)) => Found::Mint,
        _ => Found::Unknown,
    }
}

/// Adds a slot's record to a batch.
pub(super) fn write(batch: &mut Batch, slot: u32, replica: ReplicaId, state: State) {
    let state = match state {
        State::Free => FREE,
        State::InUse => IN_USE,
    };
    let record = [&[state][..], &replica.get().to_be_bytes()].concat();
    batch.put(key(slot), record);
}

pub(super) fn key(slot: u32) -> Vec<u8> {
    [PREFIX, &slot.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use leptos_sync_core::storage::Write;

    use super::*;

    fn record(replica: u64, state: State) -> (Vec<u8>, Vec<u8>) {
        let mut batch = Batch::new();
        write(&mut batch, 7, ReplicaId::new(replica), state);
        match batch.into_writes().remove(0) {
            Write::Put(key, value) => (key, value),
            Write::Delete(_) => panic!("one put"),
        }
    }

    #[test]
    fn an_id_that_was_given_back_is_taken_over_and_no_other() {
        assert_eq!(look(None), Found::Mint);
        let free = record(u64::MAX - 1, State::Free).1;
        assert_eq!(look(Some(&free)), Found::Free(ReplicaId::new(u64::MAX - 1)));
        let in_use = record(5, State::InUse).1;
        assert_eq!(look(Some(&in_use)), Found::Mint);
    }

    #[test]
    fn what_this_build_does_not_know_is_left_alone() {
        let (key, mut value) = record(5, State::Free);
        assert_eq!(key, b"L\0\0\0\x07");
        assert_eq!(look(Some(value.get(..8).unwrap())), Found::Unknown);
        value[0] = 9;
        assert_eq!(look(Some(&value)), Found::Unknown);
        assert_eq!(look(Some(&[])), Found::Unknown);
    }

    /// One tab after the other comes, closes cleanly, or dies, in every order, and a word of farewell may arrive late.
    /// Each holder must be alone with its id, and an id whose holder died without a word must never come back.
    #[test]
    fn no_id_is_shared_and_no_id_of_the_dead_returns() {
        for mut script in 0..4_u32.pow(8) {
            let mut slots = BTreeMap::<u32, Vec<u8>>::new();
            let (mut alive, mut late) = (BTreeMap::<u32, u64>::new(), Vec::new());
            let (mut dead, mut minted, mut most) = (BTreeSet::new(), 0, 0);
            for _ in 0..8 {
                match script % 4 {
                    1 => {
                        if let Some((slot, id)) = alive.pop_first() {
                            slots.insert(slot, record(id, State::Free).1);
                        }
                    }
                    2 => dead.extend(alive.pop_last().map(|(_, id)| id)),
                    3 => match late.pop() {
                        Some((slot, id)) => drop(slots.insert(slot, record(id, State::Free).1)),
                        None => late.extend(alive.pop_first()),
                    },
                    _ => {
                        let slot = (0..).find(|slot| !alive.contains_key(slot)).unwrap();
                        let id = match look(slots.get(&slot).map(Vec::as_slice)) {
                            Found::Free(id) => id.get(),
                            _ => {
                                minted += 1;
                                minted
                            }
                        };
                        assert!(!dead.contains(&id), "{id} returned");
                        assert!(alive.values().all(|other| *other != id), "{id} is shared");
                        slots.insert(slot, record(id, State::InUse).1);
                        alive.insert(slot, id);
                        most = most.max(alive.len());
                        assert!(slots.len() <= most, "a slot for each tab at once, not more");
                    }
                }
                script /= 4;
            }
        }
    }
}
