use std::{cell::Cell, collections::HashMap};

use proptest::{collection::vec, prelude::*};

use super::{LwwMap, recency::Recency, recency_js};
use crate::{
    clock::{Stamp, Time},
    codec::encode_key,
    crdt::Crdt,
    id::ReplicaId,
    limits,
    path::PathBuf,
    version::VersionVector,
};

fn stamp(time: u64, replica: u64) -> Stamp {
    Stamp::new(Time::new(time), ReplicaId::new(replica))
}

/// An operation on a map.
#[derive(Clone, Debug)]
enum Step {
    Write(u8, Option<u8>, Stamp),
    Take(u8),
    Forget(VersionVector),
}

fn step() -> impl Strategy<Value = Step> {
    let stamp = || (1_u64..8, 1_u64..4).prop_map(|(time, replica)| stamp(time, replica));
    let version =
        (1_u64..8, 1_u64..4).prop_map(|(time, replica)| (ReplicaId::new(replica), Time::new(time)));
    prop_oneof![
        6 => (0_u8..24, proptest::option::of(any::<u8>()), stamp())
            .prop_map(|(key, value, stamp)| Step::Write(key, value, stamp)),
        1 => (0_u8..24).prop_map(Step::Take),
        1 => vec(version, 0..3).prop_map(|version| Step::Forget(version.into_iter().collect())),
    ]
}

proptest! {
    /// After every step, the parts of the map agree with each other and with a simple model.
    #[test]
    fn all_parts_agree_with_a_model_after_every_step(steps in vec(step(), 0..120)) {
        let mut map = LwwMap::<u8, u8>::new();
        let mut model = HashMap::<u8, (Stamp, Option<u8>)>::new();
        for step in steps {
            match step {
                Step::Write(key, Some(value), stamp) => {
                    let wins = model.get(&key).is_none_or(|(last, _)| stamp >= *last);
                    prop_assert_eq!(map.insert(key, value, stamp), wins);
                    if wins {
                        model.insert(key, (stamp, Some(value)));
                    }
                }
                Step::Write(key, None, stamp) => {
                    let wins = model.get(&key).is_some_and(|(last, value)| value.is_some() && stamp >= *last);
                    prop_assert_eq!(map.remove(&key, stamp), wins);
                    if wins {
                        model.insert(key, (stamp, None));
                    }
                }
                Step::Take(key) => {
                    let mut bytes = Vec::new();
                    encode_key(&key, &mut bytes).unwrap();
                    map.restore(PathBuf::new().child(&bytes).as_path().segments(), None);
                    model.remove(&key);
                }
                Step::Forget(stable) => {
                    map.forget_tombstones(&stable);
                    model.retain(|_, (stamp, value)| value.is_some() || !stable.contains(*stamp));
                }
            }
            map.assert_invariants();
            prop_assert_eq!(map.len() + map.tombstones(), model.len());
            for (key, (stamp, value)) in &model {
                prop_assert_eq!(map.cell(key), Some(value));
                prop_assert_eq!(map.stamp(key), Some(*stamp));
            }
        }
    }

    /// In any order of merges, each key ends with its greatest write.
    #[test]
    fn merging_keeps_the_greatest_write_of_each_key(writes in vec((0_u8..6, 0_u8..3, 1_u64..5, 1_u64..3, 0_usize..4), 0..40)) {
        let mut maps = [(); 4].map(|()| LwwMap::<u8, u8>::new());
        for &(key, value, time, replica, at) in &writes {
            let one = LwwMap::from_one(key, value, stamp(time, replica));
            maps[at].merge(&one);
            maps[at].assert_invariants();
        }
        let [mut all, others @ ..] = maps;
        for other in &others {
            all.merge(other);
            all.assert_invariants();
        }
        for key in 0..6 {
            let of_key = writes.iter().filter(|(at, ..)| *at == key);
            let greatest = of_key.map(|&(_, value, time, replica, _)| (stamp(time, replica), value)).max();
            prop_assert_eq!(all.stamp(&key).zip(all.get(&key).copied()), greatest);
        }
    }
}

impl LwwMap<u8, u8> {
    fn from_one(key: u8, value: u8, stamp: Stamp) -> Self {
        let mut map = Self::new();
        map.insert(key, value, stamp);
        map
    }
}

#[test]
fn finding_changes_costs_the_changes_not_the_entries() {
    for entries in [1_000, 100_000_u32] {
        let mut recency = Recency::default();
        let mut stamps = Vec::new();
        for entry in 0..entries {
            let written = stamp(u64::from(entry) + 1, u64::from(entry % 3));
            recency.push(written);
            stamps.push(written);
        }
        let since: VersionVector = (0..3)
            .map(|replica| (ReplicaId::new(replica), Time::new(u64::from(entries) - 30)))
            .collect();
        let steps = Cell::new(0);
        let stamp_of = |slot: u32| {
            steps.set(steps.get() + 1);
            stamps[slot as usize]
        };
        assert_eq!(recency.since(&since, stamp_of).count(), 30);
        assert!(steps.get() <= 30 + 3, "{} steps of {entries}", steps.get());
    }
}

#[test]
fn stamps_out_of_order_are_all_found() {
    let mut map = LwwMap::<u8, u8>::new();
    for (key, time) in [(1, 5), (2, 3), (3, 9), (4, 1)] {
        map.insert(key, 0, stamp(time, 1));
        map.assert_invariants();
    }
    let since = VersionVector::of(ReplicaId::new(1), Time::new(3));
    let mut changed: Vec<_> = map.changes_since(&since).map(|(key, ..)| *key).collect();
    changed.sort_unstable();
    assert_eq!(changed, [1, 3]);
}

/// The lists of all writers are united beyond the limit. A transaction still finds its own cells,
/// and versions still find what is beyond them.
#[test]
fn a_map_of_many_writers_finds_changes_in_one_list() {
    let writers = limits::REPLICAS as u64 + 10;
    let mut map = LwwMap::<u64, u8>::new();
    for writer in 0..writers {
        map.insert(writer, 0, stamp(1 + writer, writer));
        if writer.is_multiple_of(1_000) || writer + 12 > writers {
            map.assert_invariants();
        }
    }
    map.insert(7, 1, stamp(9_000, writers));
    map.insert(writers, 1, stamp(9_000, writers));
    map.remove(&8, stamp(9_000, writers));
    map.assert_invariants();
    let written = map.table.stamped(stamp(9_000, writers));
    let written: Vec<_> = written.map(|entry| entry.key).collect();
    assert_eq!(written, [7, writers, 8]);
    let known = (0..=writers)
        .filter(|writer| *writer != 5)
        .map(|writer| (ReplicaId::new(writer), Time::new(8_000)));
    let mut changed: Vec<_> = map
        .changes_since(&known.collect())
        .map(|(key, ..)| *key)
        .collect();
    changed.sort_unstable();
    assert_eq!(changed, [5, 7, 8, writers]);
    let before = map.table.place(map.table.find(&9).unwrap());
    let slot = map.table.find(&9).unwrap();
    map.insert(9, 3, stamp(9_001, 3));
    map.table.put_back(slot, Some(0), stamp(10, 9), before);
    map.assert_invariants();
    for key in 0..writers {
        let slot = map.table.find(&key).unwrap();
        map.table.detach(slot);
    }
    map.assert_invariants();
    assert_eq!(map.len(), 1);
}

proptest! {
    /// Both find the same entries, also after a rollback and after entries were forgotten.
    #[test]
    fn a_page_finds_the_same_changes_without_lists(
        writes in vec((0_usize..12, 0_u64..3, 0_u8..8), 0..40),
        since in vec(0_u64..40, 3),
    ) {
        let (mut lists, mut page) = (Recency::default(), recency_js::Recency::default());
        let mut stamps: Vec<Stamp> = Vec::new();
        let mut now = stamp(1, 0);
        for (time, (slot, replica, how)) in writes.into_iter().enumerate() {
            // Some writes belong to the transaction of the last one.
            if how > 2 {
                now = stamp(time as u64 + 2, replica);
            }
            match stamps.get(slot).copied() {
                None => {
                    stamps.push(now);
                    lists.push(now);
                    page.push(now);
                }
                Some(old) if how == 7 => {
                    let last = stamps[stamps.len() - 1];
                    stamps.swap_remove(slot);
                    lists.swap_remove(slot as u32, old, last);
                    page.swap_remove(slot as u32, old, last);
                }
                Some(old) if old != now => {
                    let place = lists.place(slot as u32);
                    lists.renew(slot as u32, old, now);
                    page.renew(slot as u32, old, now);
                    if how == 6 {
                        let stamp_of = |at: u32| stamps[at as usize];
                        lists.put_back(slot as u32, now, place, &stamp_of);
                        page.put_back(slot as u32, now, page.place(slot as u32), &stamp_of);
                    } else {
                        stamps[slot] = now;
                    }
                }
                Some(_) => {}
            }
            let stamp_of = |slot: u32| stamps[slot as usize];
            page.assert_invariants(stamp_of);
            prop_assert_eq!(page.around(0), 0);
            let [mut one, mut two]: [Vec<u32>; 2] = [
                lists.stamped(now, stamp_of).collect(),
                page.stamped(now, stamp_of).collect(),
            ];
            one.sort_unstable();
            two.sort_unstable();
            prop_assert_eq!(one, two);
        }
        let since = (0..).zip(since).map(|(id, time)| (ReplicaId::new(id), Time::new(time)));
        let since = since.collect::<VersionVector>();
        let stamp_of = |slot: u32| stamps[slot as usize];
        let mut one: Vec<_> = lists.since(&since, stamp_of).collect();
        one.sort_by_key(|slot| (stamps[*slot as usize].replica, stamps[*slot as usize].time, *slot));
        prop_assert_eq!(one, page.since(&since, stamp_of).collect::<Vec<_>>());
    }
}
