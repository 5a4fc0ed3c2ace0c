//! A map of records against the oracle of the law of containment, and the rules for records.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a failed test may panic"
)]

mod oracle;

use std::collections::BTreeSet;

use leptos_sync_core::{
    Clock, Crdt, Delta, Doc, GCounter, LwwMap, LwwRegister, OrSet, ReplicaId, Stamp, Time, Tx,
    cells::PathBuf,
    clock::ManualTime,
    internal::{CrdtMap, OwnCell, cells_of, encode, encode_key, joined},
};
use oracle::{Cells, normal_form};
use proptest::{collection::vec, prelude::*};

#[derive(Crdt, Clone, Default)]
struct Item {
    title: LwwRegister<String>,
    marks: LwwMap<u8, u8>,
    tags: OrSet<u8>,
    votes: GCounter,
    inner: CrdtMap<u8, CrdtMap<u8, LwwRegister<u8>>>,
}

#[derive(Crdt, Clone, Default)]
struct Trip {
    items: CrdtMap<u8, Item>,
    names: CrdtMap<String, LwwRegister<String>>,
}

const NOW_MS: u64 = 1_700_000_000_000;
const PEERS: usize = 3;

fn doc(replica: u64) -> Doc<Trip> {
    Doc::new(Clock::new(ReplicaId::new(replica), ManualTime::at(NOW_MS)))
}

fn cells(doc: &Doc<Trip>) -> Cells {
    cells_in(doc.snapshot().unwrap().cells())
}

fn cells_in(cells: leptos_sync_core::cells::Cells<'_>) -> Cells {
    let mut all = Cells::new();
    for group in cells.groups() {
        for cell in group.cells() {
            let held = (cell.stamp, cell.value.map(<[u8]>::to_vec));
            let other = all.insert(cell.path(group.parent()), held);
            assert!(other.is_none(), "each path has one cell");
        }
    }
    all
}

fn by_path(cells: Vec<OwnCell>) -> Cells {
    let cells = cells.into_iter();
    cells
        .map(|(path, stamp, value)| (path, (stamp, value)))
        .collect()
}

fn listed(cells: &Cells) -> Vec<OwnCell> {
    let cells = cells.clone().into_iter();
    cells
        .map(|(path, (stamp, value))| (path, stamp, value))
        .collect()
}

/// Generates cells at paths of all kinds, of which many are known to the type.
fn some_cells() -> impl Strategy<Value = Vec<OwnCell>> {
    let field = prop_oneof![
        Just("title"),
        Just("marks"),
        Just("tags"),
        Just("inner"),
        Just(""),
        Just("other")
    ];
    let key = |key: u8| {
        let mut bytes = Vec::new();
        encode_key(&key, &mut bytes).unwrap();
        bytes
    };
    let key = (0_u8..2).prop_map(key);
    let name =
        prop_oneof![2 => Just(b"m".to_vec()), 1 => Just(b"h".to_vec()), 1 => Just(Vec::new())];
    let deeper = vec(prop_oneof![3 => key.clone(), 1 => name], 0..4);
    let path = (key, proptest::option::of((field, deeper))).prop_map(|(key, deeper)| {
        let mut path = PathBuf::new().child(b"items").child(&key);
        for segment in deeper
            .into_iter()
            .flat_map(|(field, deeper)| std::iter::once(field.as_bytes().to_vec()).chain(deeper))
        {
            path.push(&segment);
        }
        path
    });
    let stamp = (1_u64..7, 1_u64..3)
        .prop_map(|(time, replica)| Stamp::new(Time::new(time), ReplicaId::new(replica)));
    let value = prop_oneof![
        Just(None),
        Just(Some(b"x".to_vec())),
        Just(Some(vec![])),
        (0_u8..3).prop_map(|value| {
            let mut bytes = Vec::new();
            encode(&value, &mut bytes).unwrap();
            Some(bytes)
        })
    ];
    vec((path, stamp, value), 0..14).prop_map(|mut cells| {
        for (path, _, value) in &mut cells {
            if path
                .as_path()
                .split_last()
                .is_some_and(|(_, key)| key.is_empty())
            {
                *value = None;
            }
        }
        cells.retain(|(path, ..)| is_ender_of_a_record_or_none(path));
        cells
    })
}

/// Returns false for the enders of what the type knows not to be a record.
fn is_ender_of_a_record_or_none(path: &PathBuf) -> bool {
    let Some(record) = oracle::record_of(path) else {
        return true;
    };
    match record[2..] {
        [] => true,
        [b"inner", _] | [b"inner", _, _] => true,
        [field, ..] => field == b"other",
    }
}

/// Returns a configuration with this number of cases, unless `PROPTEST_CASES` sets it.
fn up_to(cases: u32) -> ProptestConfig {
    let set = std::env::var_os("PROPTEST_CASES").is_some();
    let config = ProptestConfig::default();
    ProptestConfig {
        cases: if set { config.cases } else { cases },
        failure_persistence: None,
        ..config
    }
}

proptest! {
    #![proptest_config(up_to(1_000))]

    /// Registers take no tombstones, so such cells may stay in quarantine; they still obey the law.
    #[test]
    fn a_map_of_records_has_the_normal_form_of_its_cells(all in some_cells().prop_shuffle()) {
        let (_, found) = joined::<Trip>(&all);
        prop_assert_eq!(by_path(found), normal_form(&all));
    }

    /// Whole states merge as those of their cells do that the view holds.
    #[test]
    fn maps_of_records_merge_as_their_cells(one in some_cells(), other in some_cells()) {
        let held = |cells: &[OwnCell]| cells_of(&joined::<Trip>(cells).0);
        let (one, other) = (held(&one), held(&other));
        let ((mut ours, found), (theirs, _)) = (joined::<Trip>(&one), joined::<Trip>(&other));
        prop_assert_eq!(&found, &one);
        let mut merged = theirs.clone();
        merged.merge(&ours);
        ours.merge(&theirs);
        ours.assert_invariants();
        let (_, expected) = joined::<Trip>(&[one, other].concat());
        prop_assert_eq!(&cells_of(&ours), &expected);
        prop_assert_eq!(cells_of(&merged), expected);
    }

}

proptest! {
    #![proptest_config(up_to(400))]

    /// A document has the cells of its transactions, of which each removal takes what it had seen.
    #[test]
    fn random_histories_have_the_normal_form_of_their_cells(steps in vec(step(), 0..40)) {
        play(steps);
    }
}

struct Peer {
    doc: Doc<Trip>,
    time: ManualTime,
    /// The numbers of the transactions that the document contains.
    known: BTreeSet<usize>,
}

impl Peer {
    fn new(replica: u64) -> Self {
        let time = ManualTime::at(NOW_MS);
        Self {
            doc: Doc::new(Clock::new(ReplicaId::new(replica), time.clone())),
            time,
            known: BTreeSet::new(),
        }
    }

    /// Compares the document with its transactions. Tombstones may be `forgotten`.
    fn check(&self, all: &[Vec<OwnCell>], forgotten: bool) {
        self.doc.assert_invariants();
        let known = self.known.iter().flat_map(|&made| all[made].clone());
        let (mut found, mut expected) = (cells(&self.doc), normal_form(&known.collect::<Vec<_>>()));
        if forgotten {
            found.retain(|_, (_, value)| value.is_some());
            expected.retain(|_, (_, value)| value.is_some());
        }
        assert_eq!(found, expected);
    }
}

fn play(steps: Vec<Step>) {
    let mut peers: Vec<_> = (1..=PEERS as u64).map(Peer::new).collect();
    let (mut all, mut forgotten, mut ids) = (Vec::new(), false, 100);
    for step in steps {
        match step {
            Step::Edit(at, edits) => {
                let doc = &mut peers[at].doc;
                let edit = |tx: &mut Tx<'_, Trip>| edits.iter().for_each(|edit| edit.run(tx));
                let made = doc.transact(edit).unwrap();
                all.push(listed(&cells_in(made.delta.cells())));
                peers[at].known.insert(all.len() - 1);
            }
            Step::Cancel(at, edits) => {
                let doc = &mut peers[at].doc;
                let before = (cells(doc), doc.state().items.len());
                let cancelled = doc.transact(|tx| {
                    edits.iter().for_each(|edit| edit.run(tx));
                    tx.cancel(Delta::decode(&[]).unwrap_err());
                });
                assert!(cancelled.is_err());
                assert_eq!((cells(doc), doc.state().items.len()), before);
            }
            Step::Send(from, to) | Step::Merge(from, to) => {
                let Ok([from, to]) = peers.get_disjoint_mut([from, to]) else {
                    continue;
                };
                match (step, from.doc.delta_since(to.doc.version())) {
                    (Step::Send(..), Ok(delta)) => drop(to.doc.apply(&delta).unwrap()),
                    _ => drop(to.doc.merge(&from.doc).unwrap()),
                }
                to.known.extend(&from.known);
            }
            Step::Reload(at) => {
                let doc = &mut peers[at].doc;
                *doc = Doc::load(&doc.snapshot().unwrap(), doc.clock().clone());
            }
            Step::NewId(at) => {
                ids += 1;
                peers[at].doc.set_replica(ReplicaId::new(ids));
            }
            Step::Clock(at, ms) => peers[at].time.set(NOW_MS + ms),
            Step::Forget => {
                let versions = peers.iter().map(|peer| peer.doc.version().clone());
                let versions: Vec<_> = versions.collect();
                if versions.iter().all(|version| *version == versions[0]) {
                    forgotten = true;
                    for peer in &mut peers {
                        peer.doc.forget_tombstones(&versions[0]);
                        let cells = cells(&peer.doc);
                        assert!(cells.values().all(|(_, value)| value.is_some()));
                    }
                }
            }
        }
        peers.iter().for_each(|peer| peer.check(&all, forgotten));
    }
    for round in 0..2 * PEERS {
        let [from, to] = peers
            .get_disjoint_mut([round % PEERS, (round + 1) % PEERS])
            .unwrap();
        to.doc.merge(&from.doc).unwrap();
        to.known.extend(&from.known);
        to.check(&all, forgotten);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Edit(usize, Vec<Edit>),
    /// An edit that fails.
    Cancel(usize, Vec<Edit>),
    Send(usize, usize),
    Merge(usize, usize),
    Reload(usize),
    NewId(usize),
    Clock(usize, u64),
    /// Forgets tombstones if all have the same version.
    Forget,
}

#[derive(Clone, Debug)]
enum Edit {
    Insert(u8),
    Create(u8),
    Remove(u8),
    Title(u8, u8),
    Mark(u8, u8, bool),
    Tag(u8, u8),
    Vote(u8),
    Inner(u8, u8, u8, u8),
    Uninner(u8, u8),
}

impl Edit {
    fn run(&self, tx: &mut Tx<'_, Trip>) {
        let mut items = tx.items();
        match *self {
            Self::Insert(key) => items.insert(key).title().set("new".to_owned()),
            Self::Create(key) => drop(items.get_or_insert(key)),
            Self::Remove(key) => items.remove(&key),
            Self::Title(key, title) => {
                let written = items
                    .at(&key)
                    .map(|item| item.title().set(title.to_string()));
                assert!(written.is_ok() || written.unwrap_err().is_absent());
            }
            Self::Mark(key, mark, set) => {
                if let Ok(item) = items.at(&key) {
                    match set {
                        true => item.marks().insert(mark, 1),
                        false => item.marks().remove(&mark),
                    }
                }
            }
            Self::Tag(key, tag) => {
                if let Ok(item) = items.at(&key) {
                    item.tags().toggle(tag);
                }
            }
            Self::Vote(key) => {
                if let Ok(item) = items.at(&key) {
                    item.votes().increment(1);
                }
            }
            Self::Inner(key, one, two, value) => {
                if let Ok(item) = items.at(&key) {
                    item.inner()
                        .get_or_insert(one)
                        .get_or_insert(two)
                        .set(value);
                }
            }
            Self::Uninner(key, one) => {
                if let Ok(item) = items.at(&key) {
                    item.inner().remove(&one);
                }
            }
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let key = || 0_u8..3;
    let edit = prop_oneof![
        key().prop_map(Edit::Insert),
        key().prop_map(Edit::Create),
        key().prop_map(Edit::Remove),
        (key(), 0_u8..4).prop_map(|(key, title)| Edit::Title(key, title)),
        (key(), 0_u8..3, any::<bool>()).prop_map(|(key, mark, set)| Edit::Mark(key, mark, set)),
        (key(), 0_u8..3).prop_map(|(key, tag)| Edit::Tag(key, tag)),
        key().prop_map(Edit::Vote),
        (key(), 0_u8..2, 0_u8..2, 0_u8..4)
            .prop_map(|(key, one, two, value)| Edit::Inner(key, one, two, value)),
        (key(), 0_u8..2).prop_map(|(key, one)| Edit::Uninner(key, one)),
    ];
    let (at, edits) = (|| 0..PEERS, vec(edit, 1..6));
    prop_oneof![
        6 => (at(), edits.clone()).prop_map(|(at, edits)| Step::Edit(at, edits)),
        1 => (at(), edits).prop_map(|(at, edits)| Step::Cancel(at, edits)),
        4 => (at(), at()).prop_map(|(from, to)| Step::Send(from, to)),
        3 => (at(), at()).prop_map(|(from, to)| Step::Merge(from, to)),
        1 => at().prop_map(Step::Reload),
        1 => at().prop_map(Step::NewId),
        1 => (at(), 0_u64..200_000).prop_map(|(at, ms)| Step::Clock(at, ms)),
        1 => Just(Step::Forget),
    ]
}

fn exchange(one: &mut Doc<Trip>, two: &mut Doc<Trip>) {
    one.apply(&two.delta_since(one.version()).unwrap()).unwrap();
    two.apply(&one.delta_since(two.version()).unwrap()).unwrap();
    assert_eq!(cells(one), cells(two));
}

fn edit(doc: &mut Doc<Trip>, edit: impl FnOnce(&mut Tx<'_, Trip>)) {
    doc.transact(edit).unwrap();
}

#[test]
fn created_twice_at_once_keeps_both() {
    let (mut ada, mut bob) = (doc(1), doc(2));
    edit(&mut ada, |tx| {
        tx.items().get_or_insert(1).title().set("tent".to_owned())
    });
    edit(&mut bob, |tx| {
        tx.items().get_or_insert(1).marks().insert(2, 3)
    });
    exchange(&mut ada, &mut bob);
    let item = ada.state().items.get(&1).unwrap();
    assert_eq!(
        (item.title.get().as_str(), item.marks.get(&2)),
        ("tent", Some(&3))
    );
}

#[test]
fn a_register_in_a_crdt_map_converges() {
    let (mut ada, mut bob) = (doc(1), doc(2));
    edit(&mut ada, |tx| {
        tx.names().insert("a".to_owned()).set("one".to_owned())
    });
    exchange(&mut ada, &mut bob);
    edit(&mut ada, |tx| tx.names().remove(&"a".to_owned()));
    edit(&mut bob, |tx| {
        tx.names()
            .at(&"a".to_owned())
            .unwrap()
            .set("two".to_owned())
    });
    exchange(&mut ada, &mut bob);
    assert!(!ada.state().names.contains("a"));
    edit(&mut bob, |tx| {
        tx.names().get_or_insert("a".to_owned());
    });
    exchange(&mut ada, &mut bob);
    assert_eq!(ada.state().names.get("a").unwrap().get(), "");
}

#[test]
fn a_removal_wins_over_edits_that_had_not_seen_it() {
    let (mut ada, mut bob) = (doc(1), doc(2));
    edit(&mut ada, |tx| {
        tx.items().insert(1).title().set("tent".to_owned())
    });
    exchange(&mut ada, &mut bob);
    edit(&mut bob, |tx| {
        tx.items().at(&1).unwrap().votes().increment(1)
    });
    edit(&mut ada, |tx| {
        tx.items().insert(2);
        tx.items().remove(&1);
    });
    exchange(&mut ada, &mut bob);
    assert!(ada.state().items.keys().eq(&[2]));
    assert!(
        bob.transact(|tx| assert!(tx.items().at(&1).is_err_and(|error| error.is_absent())))
            .is_ok()
    );
}

#[test]
fn set_remove_insert_in_one_transaction_leaves_only_the_last() {
    let mut ada = doc(1);
    edit(&mut ada, |tx| {
        tx.items().insert(1).title().set("tent".to_owned());
        tx.items().at(&1).unwrap().marks().insert(1, 1);
        tx.items().remove(&1);
        tx.items().insert(1).marks().insert(2, 2);
    });
    let item = ada.state().items.get(&1).unwrap();
    assert_eq!((item.title.get().as_str(), item.marks.len()), ("", 1));
    assert_eq!(cells(&ada).len(), 3, "ender, marker and one entry");
}

#[test]
fn an_empty_key_is_refused() {
    let mut ada = doc(1);
    let error = ada
        .transact(|tx| tx.names().insert(String::new()).set("x".to_owned()))
        .unwrap_err();
    assert!(error.is_value());
    assert!(cells(&ada).is_empty() && ada.state().names.is_empty());
}

#[test]
fn a_removal_after_a_clock_correction_ends_all_it_saw() {
    let (mut ada, mut bob) = (Peer::new(1), doc(2));
    ada.time.set(NOW_MS + 200_000);
    edit(&mut ada.doc, |tx| {
        tx.items().insert(1).title().set("tent".to_owned())
    });
    ada.time.set(NOW_MS);
    bob.apply(&ada.doc.delta_since(bob.version()).unwrap())
        .unwrap();
    edit(&mut bob, |tx| tx.items().remove(&1));
    let loaded = Doc::<Trip>::load(
        &ada.doc.snapshot().unwrap(),
        Clock::new(ReplicaId::new(3), ManualTime::at(NOW_MS)),
    );
    for mut doc in [ada.doc, loaded] {
        edit(&mut doc, |tx| tx.items().remove(&1));
        assert_eq!(cells(&doc).len(), 1, "the ender");
        assert!(doc.state().items.is_empty());
    }
    assert_eq!(cells(&bob).len(), 1, "the ender");
}
