use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{id::ReplicaId, path::PathBuf};

fn stamp(time: u64) -> Stamp {
    Stamp::new(Time::new(time), ReplicaId::new(time % 3))
}

/// Returns a path like those of an app: two maps, with keys that share most of their bytes.
fn path(key: u32) -> PathBuf {
    let map: &[u8] = if key.is_multiple_of(3) {
        b"titles"
    } else {
        b"done"
    };
    let mut bytes = (key / 100).to_be_bytes().repeat(4);
    bytes.extend(vec![b'x'; (key % 5 * key % 50) as usize]);
    bytes.extend(key.to_le_bytes());
    PathBuf::new().child(map).child(&bytes)
}

fn paths(keys: impl Iterator<Item = u32>, time: u64) -> Quarantine {
    let mut paths = Quarantine::default();
    keys.for_each(|key| paths.put(path(key), stamp(time), None, None));
    paths
}

fn list(tombstones: &Tombstones) -> Vec<(PathBuf, Stamp)> {
    let (records, mut list) = (tombstones.0.clone().unwrap_or_default(), Vec::new());
    let mut records = records.cursor();
    while records.advance() {
        list.push((records.path().to_owned(), records.stamp));
    }
    list
}

fn encoded(tombstones: &Tombstones) -> Vec<u8> {
    tombstones.encode().unwrap_or_default()
}

#[derive(Clone, Debug)]
enum Step {
    Add(u32, u32, u64),
    RemoveMany(u32, u32),
    Forget(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (key, len, time) = (0_u32..2_000, 1_u32..300, 1_u64..50);
    let step = prop_oneof![
        4 => (key.clone(), len.clone(), time.clone()).prop_map(|(key, len, time)| Step::Add(key, len, time)),
        4 => (key.clone(), time.clone()).prop_map(|(key, time)| Step::Add(key, 1, time)),
        2 => (key, len).prop_map(|(key, len)| Step::RemoveMany(key, len)),
        1 => time.prop_map(Step::Forget),
    ];
    vec(step, 0..12)
}

proptest! {
    #[test]
    fn it_has_the_latest_tombstone_of_each_path_in_path_order(
        steps in steps(), step in 1_usize..20,
    ) {
        let mut packed = Tombstones::default();
        let mut model = BTreeMap::<PathBuf, Stamp>::new();
        for step in steps {
            match step {
                Step::Add(key, len, time) => {
                    packed.change(&paths(key..key + len, time), Change::Add);
                    for key in key..key + len {
                        let latest = model.entry(path(key)).or_default();
                        *latest = stamp(time).max(*latest);
                    }
                }
                Step::RemoveMany(key, len) => {
                    packed.change(&paths(key..key + len, 1), Change::Remove);
                    for key in key..key + len {
                        model.remove(&path(key));
                    }
                }
                Step::Forget(time) => {
                    let change = Change::Forget(Stable::Before(Time::new(time)));
                    packed.change(&Quarantine::default(), change);
                    model.retain(|_, at| at.time >= Time::new(time));
                }
            }
            packed.assert_invariants();
        }
        prop_assert_eq!(packed.len(), model.len());
        for key in (0..2_700).step_by(step) {
            let path = path(key);
            prop_assert_eq!(packed.get(path.as_path()), model.get(&path).copied());
        }
        if !packed.is_empty() {
            let (copy, latest) = Tombstones::decode(&encoded(&packed)).unwrap();
            copy.assert_invariants();
            prop_assert_eq!(list(&copy), list(&packed));
            prop_assert_eq!(Some(latest), model.values().map(|stamp| stamp.time).max());
        }
        prop_assert!(list(&packed).into_iter().eq(model));
    }

    /// A reader trusts nothing: what it accepts is valid.
    #[test]
    fn a_forged_part_is_rejected_or_valid(
        at in 0_usize..2_000, byte in any::<u8>(), cut in 0_usize..2_000, body in vec(any::<u8>(), 0..40),
    ) {
        let mut packed = Tombstones::default();
        packed.change(&paths(0..300, 7), Change::Add);
        let mut forged = packed.0.clone().unwrap_or_default().bytes.clone();
        if let Some(changed) = forged.get_mut(at) {
            *changed = byte;
        }
        forged.truncate(cut.max(100));
        for body in [forged, body] {
            let mut envelope = Vec::new();
            envelope::seal(Kind::Tombstones, &body, &mut envelope);
            match Tombstones::decode(&envelope) {
                Ok((decoded, _)) if body.is_empty() => prop_assert_eq!(decoded.len(), 0),
                Ok((decoded, _)) => decoded.assert_invariants(),
                Err(error) => prop_assert!(error.is_corrupt() || error.is_limit(), "{error:?}"),
            }
        }
    }
}

/// The ids of todos are a stamp and a number, and todos are removed in groups.
#[test]
fn a_tombstone_takes_a_few_bytes() {
    let mut packed = Tombstones::default();
    for batch in 0..41_u64 {
        let mut removed = Quarantine::default();
        for number in 0..1_000_u64 {
            let time = 0x0199_9999_9999_0000 + (batch << 28);
            let mut key = vec![0x99, 0xfd];
            key.extend_from_slice(&time.to_le_bytes());
            key.push(0xfd);
            key.extend_from_slice(&0x1234_5678_9abc_def0_u64.to_le_bytes());
            match u8::try_from(number) {
                Ok(number) if number < 251 => key.push(number),
                _ => key.extend([&[0xfb][..], &(number as u16).to_le_bytes()].concat()),
            }
            for map in [&b"titles"[..], b"done"] {
                let path = PathBuf::new().child(map).child(&key);
                let at = Stamp::new(Time::new(time + (5_000 << 16)), ReplicaId::new(9));
                removed.put(path, at, None, None);
            }
        }
        packed.change(&removed, Change::Add);
    }
    packed.assert_invariants();
    assert_eq!(packed.len(), 82_000);
    let records = packed.0.clone().unwrap_or_default();
    let bytes = records.bytes.len() + size_of::<usize>() * records.starts.len();
    assert!(bytes < 5 * packed.len(), "{bytes}");
    let stored = encoded(&packed).len();
    assert!(stored < 5 * packed.len(), "{stored}");
}
