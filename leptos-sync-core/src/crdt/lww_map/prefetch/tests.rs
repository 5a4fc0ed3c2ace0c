use std::sync::LazyLock;

use proptest::{collection::vec, option, prelude::*};

use super::ENTRIES;
use crate::{
    clock::{Stamp, Time},
    codec::{CellRef, CellWriter, Cells},
    crdt::{Applied, Crdt, LwwMap, Quarantine},
    id::ReplicaId,
    path::Path,
    version::VersionVector,
};

type Map = LwwMap<String, String>;

/// A key, an optional value, and the time and replica of the write. Keys are few, so that some are
/// written repeatedly.
type Write = (u32, Option<Vec<u8>>, u64, u64);

/// A quarantined cell: its path, stamp and value.
type Kept = (Vec<u8>, Stamp, Option<Vec<u8>>);

/// Generates a write. The bytes of some values are not valid text.
fn write() -> impl Strategy<Value = Write> {
    let bytes = vec(prop_oneof![9 => b'a'..b'd', 1 => Just(0xff_u8)], 0..3);
    (0_u32..60, option::of(bytes), 1_u64..6, 1_u64..4)
}

fn stamp(time: u64, replica: u64) -> Stamp {
    Stamp::new(Time::new(time), ReplicaId::new(replica))
}

/// Returns key number `at`. Half of the keys exist in the large map.
fn key(at: u32) -> String {
    match at % 2 {
        0 => format!("key-{}", at * 500),
        _ => format!("new-{at}"),
    }
}

/// A map large enough for prefetching.
static LARGE: LazyLock<Map> = LazyLock::new(|| {
    let mut map = Map::new();
    let entries = (0..ENTRIES as u32 * 2).map(|at| (format!("key-{at}"), "b".to_owned()));
    map.insert_batch(entries, stamp(3, 2));
    map.assert_invariants();
    map
});

/// Applies the writes as cells in groups of `in_group`. Returns the map and the quarantined cells.
fn applied(writes: &[Write], in_group: usize) -> (Map, Vec<Kept>) {
    let mut out = CellWriter::new(Time::new(9));
    for group in writes.chunks(in_group) {
        out.group(Path::ROOT);
        for (at, value, time, replica) in group {
            // Some keys are not valid text either.
            let key = match at {
                59 => vec![0xff],
                _ => key(*at).into_bytes(),
            };
            out.copy(CellRef {
                key: &key,
                stamp: stamp(*time, *replica),
                value: value.as_deref(),
            });
        }
    }
    let (replicas, groups, _) = out.finish().unwrap();
    let (mut map, mut quarantine) = (LARGE.clone(), Quarantine::default());
    let seen = VersionVector::of(ReplicaId::new(1), Time::new(2));
    let mut out = Applied::new(&seen, &mut quarantine, true);
    Cells::trusted(&replicas, Time::new(9), &groups).for_each_group(|group| {
        map.apply_group(group.parent().segments(), group, &mut out);
    });
    map.assert_invariants();
    let kept = quarantine.iter().map(|cell| {
        let path = cell.path.as_bytes().to_vec();
        (path, cell.stamp, cell.value.map(<[u8]>::to_vec))
    });
    (map, kept.collect())
}

fn text(value: &Option<Vec<u8>>) -> String {
    format!("{value:?}")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn cells_in_groups_have_the_same_effect_as_single_cells(writes in vec(write(), 0..150)) {
        prop_assert!(applied(&writes, writes.len().max(1)) == applied(&writes, 1));
    }

    #[test]
    fn a_batch_and_a_merge_have_the_same_effect_as_single_writes(writes in vec(write(), 0..150)) {
        let (mut batch, mut each, mut merged) = (LARGE.clone(), LARGE.clone(), LARGE.clone());
        let mut other = Map::new();
        for (at, value, time, replica) in &writes {
            other.insert(key(*at), text(value), stamp(*time, *replica));
        }
        merged.merge(&other);
        merged.assert_invariants();
        for at in 0..60 {
            let (ours, theirs) = (LARGE.stamp(&key(at)), other.stamp(&key(at)));
            prop_assert_eq!(merged.stamp(&key(at)), ours.max(theirs));
        }
        let entries = || writes.iter().map(|(at, value, ..)| (key(*at), text(value)));
        let written = batch.insert_batch(entries(), stamp(4, 1));
        let one_by_one = entries().map(|(key, value)| usize::from(each.insert(key, value, stamp(4, 1))));
        prop_assert_eq!(written, one_by_one.sum::<usize>());
        prop_assert!(batch == each);
        batch.assert_invariants();
    }
}
