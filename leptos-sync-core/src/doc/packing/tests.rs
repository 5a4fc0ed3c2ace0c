//! A document that packs its tombstones behaves like one that does not.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};

use crate::{
    clock::{Clock, ManualTime, Stamp, Time},
    codec::{CellRef, encode, encode_key},
    crdt::{LwwMap, Quarantine, Stable},
    delta::Patch,
    doc::{
        Doc,
        cells::DocCells,
        transaction::{Setting, Tx},
    },
    id::ReplicaId,
    path::{Path, PathBuf},
};

type Numbers = LwwMap<u16, u32>;
type Cells = BTreeMap<PathBuf, (Stamp, Option<Vec<u8>>)>;

const KEYS: u16 = 40;

#[derive(Clone, Debug)]
enum Step {
    /// Joins a cell of another replica. It may be older than the document's cell.
    Join(u16, u64, Option<u32>),
    /// Writes or removes some keys in a transaction.
    Edit(u16, u16, Option<u32>),
    /// Replaces some cells, even with older ones, or removes them.
    Put(u16, u16, Option<(u64, Option<u32>)>),
    Forget(u64),
    /// Stores the document and loads it again.
    Reload,
    Pack(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (key, len, time) = (0..KEYS, 1_u16..10, 1_u64..200);
    let value = prop_oneof![Just(None), any::<u32>().prop_map(Some)];
    let cell = (time.clone(), value.clone());
    let step = prop_oneof![
        6 => (key.clone(), time.clone(), value.clone()).prop_map(|(key, time, value)| Step::Join(key, time, value)),
        4 => (key.clone(), len.clone(), value).prop_map(|(key, len, value)| Step::Edit(key, len, value)),
        2 => (key, len, proptest::option::of(cell)).prop_map(|(key, len, cell)| Step::Put(key, len, cell)),
        1 => time.prop_map(Step::Forget),
        1 => Just(Step::Reload),
        2 => (1_usize..5).prop_map(Step::Pack),
    ];
    vec(step, 0..40)
}

fn doc() -> Doc<Numbers> {
    Doc::without_versions(Clock::new(ReplicaId::new(1), ManualTime::at(1)))
}

fn key(key: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_key(&key, &mut bytes).unwrap();
    bytes
}

fn value(value: Option<u32>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    encode(&value?, &mut bytes).unwrap();
    Some(bytes)
}

fn stamp(time: u64) -> Stamp {
    Stamp::new(Time::new((1 << 16) - 100 + time), ReplicaId::new(2))
}

/// Returns all cells. Of two at a path, the later one counts.
fn cells(doc: &Doc<Numbers>) -> Cells {
    let patch = Patch::collect(Time::ZERO, |out| {
        doc.write_cells(&Default::default(), out);
    });
    let mut cells = Cells::new();
    patch.unwrap().cells().for_each(&mut |parent, cell| {
        let found = (cell.stamp, cell.value.map(<[u8]>::to_vec));
        let known = cells.entry(cell.path(parent)).or_default();
        *known = found.max(known.clone());
    });
    cells
}

fn reload(doc: &Doc<Numbers>) -> Doc<Numbers> {
    let mut loaded = self::doc();
    let patch = Patch::collect(Time::ZERO, |out| doc.write_unpacked(out));
    if let Some(envelope) = doc.packed().encode() {
        loaded.load_packed(&envelope).unwrap();
    }
    loaded.absorb(false, &patch.unwrap());
    loaded.set_clock(doc.clock.last());
    loaded
}

/// Performs a step. Returns what it reports: the changed paths, and the cells that an edit
/// replaced.
fn perform(doc: &mut Doc<Numbers>, packs: bool, step: &Step) -> Vec<(PathBuf, Option<Stamp>)> {
    let mut seen = Vec::new();
    let changes = match *step {
        Step::Join(at, time, new) => {
            let patch = Patch::collect(Time::ZERO, |out| {
                let (key, value) = (key(at), value(new));
                let (key, value, stamp) = (key.as_slice(), value.as_deref(), stamp(time));
                out.group(Path::ROOT);
                out.copy(CellRef { key, stamp, value });
            });
            doc.join_patch(&patch.unwrap())
        }
        Step::Edit(from, len, new) => {
            let mut see = |path: Path<'_>, old: crate::crdt::OldCell<'_>| {
                seen.push((path.to_owned(), Some(old.stamp)));
            };
            let setting = Setting {
                seen: Some(&mut see),
                ..Setting::default()
            };
            let edit = |tx: &mut Tx<'_, Numbers>| {
                for key in from..from + len {
                    match new {
                        Some(value) => tx.insert(key, value),
                        None => tx.remove(&key),
                    }
                }
            };
            doc.transact_in(setting, edit).unwrap().changes
        }
        Step::Put(from, len, cell) => {
            let mut cells = Quarantine::default();
            for at in from..from + len {
                let path = PathBuf::new().child(&key(at));
                match cell {
                    Some((time, new)) => {
                        cells.put(path, stamp(time), value(new).as_deref(), None);
                    }
                    None => cells.put(path, Stamp::default(), None, None),
                }
            }
            // The next edit is later than all cells.
            doc.clock.resume(stamp(200).time);
            doc.put_cells(&cells)
        }
        Step::Forget(time) => {
            let before = stamp(time).time;
            match packs {
                true => doc.forget_before(before),
                false => doc.forget_stable(Stable::Before(before)),
            }
            Default::default()
        }
        Step::Reload => {
            *doc = reload(doc);
            Default::default()
        }
        Step::Pack(_) => Default::default(),
    };
    seen.extend(changes.iter().map(|change| (change.path.to_owned(), None)));
    seen
}

proptest! {
    #[test]
    fn packed_tombstones_behave_like_those_of_a_map(steps in steps(), packs_always in any::<bool>()) {
        let (mut plain, mut packing) = (doc(), doc());
        for step in steps {
            let reported = perform(&mut packing, true, &step);
            prop_assert_eq!(reported, perform(&mut plain, false, &step), "{:?}", step);
            match step {
                Step::Pack(least) => packing.pack_tombstones(least),
                _ if packs_always => packing.pack_tombstones(1),
                _ => {}
            }
            packing.assert_invariants();
            prop_assert!(plain.packed.is_empty());
            prop_assert_eq!(cells(&packing), cells(&plain), "{:?}", step);
            let (mut one, mut other) = (Vec::new(), Vec::new());
            for at in 0..KEYS + 10 {
                let path = PathBuf::new().child(&key(at));
                let cell = packing.cell(&path, &mut one).map(|cell| (cell.stamp, cell.value));
                let expected = plain.cell(&path, &mut other).map(|cell| (cell.stamp, cell.value));
                prop_assert_eq!(cell, expected);
                prop_assert_eq!(packing.state().get(&at), plain.state().get(&at));
            }
        }
        let (mut both, mut merged) = (packing.fork(ReplicaId::new(3)), plain.fork(ReplicaId::new(3)));
        both.join(&plain).unwrap();
        merged.join(&packing).unwrap();
        prop_assert_eq!(cells(&both), cells(&plain));
        prop_assert_eq!(cells(&merged), cells(&plain));
    }
}
