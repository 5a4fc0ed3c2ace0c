//! The pool of replica ids: numbered slots, each with an id and a lock.
//!
//! The holder of a slot's lock may take the slot. The slot's record determines the id:
//!
//! ```text
//!   nothing   the slot is new: create an id
//!   free      its last holder saved everything: use the id again
//!   in use    its last holder died, perhaps with operations that are not in the database: retire
//!             the id, create another
//! ```
//!
//! Before it uses the id, the holder marks the slot "in use", with strict durability. The record of
//! a retired id is overwritten. Nothing is lost, since the documents contain everything that was
//! saved under the id.
//!
//! A holder writes "free" once, as its last write. If that write is applied after the records of
//! the next holder, the slot names an id whose holder has saved everything, so reusing it is safe.

use leptos_sync_core::{ReplicaId, storage::Batch};

/// The prefix of all keys of the pool. The slot follows, as 4 bytes, big-endian.
const PREFIX: &[u8] = b"L";

const FREE: u8 = 0;
const IN_USE: u8 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Free,
    InUse,
}

/// The use of a slot by the holder of its lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SlotUse {
    /// Use this id again.
    Free(ReplicaId),
    /// Create a new id.
    Mint,
    /// Skip the slot: this build cannot read its record.
    Unknown,
}

/// Reads the record of a slot.
pub(super) fn slot_use(record: Option<&[u8]>) -> SlotUse {
    let Some((&state, id)) = record.unwrap_or(&[IN_USE; 9]).split_first() else {
        return SlotUse::Unknown;
    };
    match (state, id.try_into()) {
        (FREE, Ok(id)) => SlotUse::Free(ReplicaId::new(u64::from_be_bytes(id))),
        (IN_USE, Ok(_)) => SlotUse::Mint,
        _ => SlotUse::Unknown,
    }
}

/// Adds the record of a slot to a batch.
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
        assert_eq!(slot_use(None), SlotUse::Mint);
        let free = record(u64::MAX - 1, State::Free).1;
        assert_eq!(
            slot_use(Some(&free)),
            SlotUse::Free(ReplicaId::new(u64::MAX - 1))
        );
        let in_use = record(5, State::InUse).1;
        assert_eq!(slot_use(Some(&in_use)), SlotUse::Mint);
    }

    #[test]
    fn what_this_build_does_not_know_is_left_alone() {
        let (key, mut value) = record(5, State::Free);
        assert_eq!(key, b"L\0\0\0\x07");
        assert_eq!(slot_use(Some(value.get(..8).unwrap())), SlotUse::Unknown);
        value[0] = 9;
        assert_eq!(slot_use(Some(&value)), SlotUse::Unknown);
        assert_eq!(slot_use(Some(&[])), SlotUse::Unknown);
    }

    /// Tabs open, close or die in any order, and a last write may arrive late. No two holders may
    /// share an id, and an id whose holder died must never be reused.
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
                        let id = match slot_use(slots.get(&slot).map(Vec::as_slice)) {
                            SlotUse::Free(id) => id.get(),
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
