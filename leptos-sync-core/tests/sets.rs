//! Sets and registers with concurrent values, compared with a set of unique tags.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use leptos_sync_core::{Clock, Crdt, Doc, MvRegister, OrSet, ReplicaId, Tx, clock::ManualTime};
use proptest::{collection::vec, prelude::*};

#[derive(Crdt, Clone, Default, PartialEq, Debug)]
struct Board {
    labels: OrSet<String>,
    title: MvRegister<u8>,
    inner: Inner,
}

#[derive(Crdt, Clone, Default, PartialEq, Debug)]
struct Inner {
    numbers: OrSet<u32>,
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Insert(u32),
    Remove(u32),
    Toggle(u32),
    /// Removes an element and adds it again.
    Renew(u32),
    Clear,
    Set(u8),
}

fn op() -> impl Strategy<Value = Op> {
    let element = || 0_u32..4;
    prop_oneof![
        4 => element().prop_map(Op::Insert),
        3 => element().prop_map(Op::Remove),
        2 => element().prop_map(Op::Toggle),
        1 => element().prop_map(Op::Renew),
        1 => Just(Op::Clear),
        3 => (0_u8..3).prop_map(Op::Set),
    ]
}

fn edit(tx: &mut Tx<'_, Board>, op: Op) {
    match op {
        Op::Insert(element) => {
            tx.labels().insert(element.to_string());
            tx.inner().numbers().insert(element);
        }
        Op::Remove(element) => {
            tx.labels().remove(element.to_string().as_str());
            tx.inner().numbers().remove(&element);
        }
        Op::Toggle(element) => {
            tx.labels().toggle(element.to_string());
            tx.inner().numbers().toggle(element);
        }
        Op::Renew(element) => [Op::Remove(element), Op::Insert(element)]
            .into_iter()
            .for_each(|op| edit(tx, op)),
        Op::Clear => {
            tx.labels().clear();
            tx.inner().numbers().clear();
        }
        Op::Set(value) => tx.title().set(value),
    }
}

/// What a replica knows: the additions that it has seen, each under a unique number, and those
/// that it knows to be removed.
#[derive(Clone, Default)]
struct Model {
    added: BTreeMap<u64, u32>,
    removed: BTreeSet<u64>,
    written: BTreeMap<u64, u8>,
    replaced: BTreeSet<u64>,
}

impl Model {
    fn elements(&self) -> BTreeSet<u32> {
        let present = self
            .added
            .iter()
            .filter(|(tag, _)| !self.removed.contains(tag));
        present.map(|(_, element)| *element).collect()
    }

    fn values(&self) -> BTreeSet<u8> {
        let present = self
            .written
            .iter()
            .filter(|(tag, _)| !self.replaced.contains(tag));
        present.map(|(_, value)| *value).collect()
    }

    fn edit(&mut self, op: Op, next: &mut u64) {
        *next += 1;
        match op {
            Op::Insert(element) => {
                if !self.elements().contains(&element) {
                    self.added.insert(*next, element);
                }
            }
            Op::Remove(element) => {
                let tags = self.added.iter().filter(|(_, of)| **of == element);
                self.removed.extend(tags.map(|(tag, _)| *tag));
            }
            Op::Toggle(element) => match self.elements().contains(&element) {
                true => self.edit(Op::Remove(element), next),
                false => self.edit(Op::Insert(element), next),
            },
            Op::Renew(element) => {
                self.edit(Op::Remove(element), next);
                self.edit(Op::Insert(element), next);
            }
            Op::Clear => self.removed.extend(self.added.keys()),
            Op::Set(value) => {
                self.replaced.extend(self.written.keys());
                self.written.insert(*next, value);
            }
        }
    }

    fn join(&mut self, other: &Self) {
        self.added.extend(&other.added);
        self.removed.extend(&other.removed);
        self.written.extend(&other.written);
        self.replaced.extend(&other.replaced);
    }

    fn check(&self, doc: &Doc<Board>) {
        doc.assert_invariants();
        let state = doc.state();
        let elements = self.elements();
        assert!(state.inner.numbers.iter().eq(&elements));
        let names: BTreeSet<String> = elements.iter().map(u32::to_string).collect();
        assert!(state.labels.iter().eq(&names));
        assert_eq!(state.labels.len(), names.len());
        (0..5).for_each(|element| {
            assert_eq!(
                state.inner.numbers.contains(&element),
                elements.contains(&element)
            );
        });
        let values: Vec<u8> = state.title.values().copied().collect();
        assert_eq!(values.len(), self.values().len(), "each value once");
        assert_eq!(BTreeSet::from_iter(values.iter().copied()), self.values());
        assert_eq!(state.title.is_conflicted(), values.len() > 1);
        assert_eq!(
            state.title.get(),
            values.first(),
            "the latest value is the first"
        );
    }
}

#[derive(Clone, Debug)]
enum Step {
    Edit(usize, Vec<Op>),
    /// An edit that fails.
    Cancel(usize, Vec<Op>),
    Send(usize, usize),
    Merge(usize, usize),
    Reload(usize),
    NewId(usize),
    Clock(usize, u64),
    Forget,
}

const PEERS: usize = 4;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let at = || 0..PEERS;
    let ops = || vec(op(), 1..4);
    let step = prop_oneof![
        8 => (at(), ops()).prop_map(|(at, ops)| Step::Edit(at, ops)),
        1 => (at(), ops()).prop_map(|(at, ops)| Step::Cancel(at, ops)),
        4 => (at(), at()).prop_map(|(from, to)| Step::Send(from, to)),
        3 => (at(), at()).prop_map(|(from, to)| Step::Merge(from, to)),
        1 => at().prop_map(Step::Reload),
        1 => at().prop_map(Step::NewId),
        2 => (at(), 0_u64..200_000).prop_map(|(at, ms)| Step::Clock(at, ms)),
        1 => Just(Step::Forget),
    ];
    vec(step, 1..24)
}

struct Peer {
    doc: Doc<Board>,
    time: ManualTime,
    model: Model,
}

impl Peer {
    fn new(replica: u64) -> Self {
        let time = ManualTime::at(common::NOW_MS);
        let clock = Clock::new(ReplicaId::new(replica), time.clone());
        Self {
            doc: Doc::new(clock),
            time,
            model: Model::default(),
        }
    }
}

fn play(steps: Vec<Step>) {
    let mut peers: Vec<_> = (1..=PEERS as u64).map(Peer::new).collect();
    let (mut next, mut ids) = (0, 100);
    for step in steps {
        match step {
            Step::Edit(at, ops) => {
                let peer = &mut peers[at];
                peer.doc
                    .transact(|tx| ops.iter().for_each(|op| edit(tx, *op)))
                    .unwrap();
                ops.iter().for_each(|op| peer.model.edit(*op, &mut next));
            }
            Step::Cancel(at, ops) => {
                let doc = &mut peers[at].doc;
                let before = common::bytes(doc);
                let cancelled = doc.transact(|tx| {
                    ops.iter().for_each(|op| edit(tx, *op));
                    tx.cancel(leptos_sync_core::Delta::decode(&[]).unwrap_err());
                });
                assert!(cancelled.is_err());
                assert_eq!(common::bytes(doc), before);
            }
            Step::Send(from, to) | Step::Merge(from, to) => {
                let Ok([from, to]) = peers.get_disjoint_mut([from, to]) else {
                    continue;
                };
                match (step, from.doc.delta_since(to.doc.version())) {
                    (Step::Send(..), Ok(delta)) => drop(to.doc.apply(&delta).unwrap()),
                    _ => drop(to.doc.merge(&from.doc).unwrap()),
                }
                to.model.join(&from.model);
            }
            Step::Reload(at) => {
                let doc = &mut peers[at].doc;
                *doc = Doc::load(&doc.snapshot().unwrap(), doc.clock().clone());
            }
            Step::NewId(at) => {
                ids += 1;
                peers[at].doc.set_replica(ReplicaId::new(ids));
            }
            Step::Clock(at, ms) => peers[at].time.set(common::NOW_MS + ms),
            Step::Forget => {
                let versions: Vec<_> = peers
                    .iter()
                    .map(|peer| peer.doc.version().clone())
                    .collect();
                if versions.iter().all(|version| *version == versions[0]) {
                    for peer in &mut peers {
                        peer.doc.forget_tombstones(&versions[0]);
                        let state = peer.doc.state();
                        assert_eq!(state.labels.tombstones() + state.title.tombstones(), 0);
                    }
                }
            }
        }
        peers.iter().for_each(|peer| peer.model.check(&peer.doc));
    }
    for round in 0..2 * PEERS {
        let [from, to] = peers
            .get_disjoint_mut([round % PEERS, (round + 1) % PEERS])
            .unwrap();
        to.doc.merge(&from.doc).unwrap();
        to.model.join(&from.model);
        to.model.check(&to.doc);
    }
    for peer in &peers {
        assert_eq!(common::bytes(&peer.doc), common::bytes(&peers[0].doc));
    }
}

/// Returns a configuration with 2,000 cases, unless `PROPTEST_CASES` sets the number.
fn cases() -> ProptestConfig {
    let set = std::env::var_os("PROPTEST_CASES").is_some();
    let config = ProptestConfig::default();
    let cases = if set { config.cases } else { 2_000 };
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..config
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn random_histories_equal_a_set_of_unique_tags(steps in steps()) {
        play(steps);
    }
}
