//! The laws of [`Crdt`] and [`Doc`], on random states and histories.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod model;

use std::fmt::Debug;

use leptos_sync_core::{
    Crdt, Delta, Doc, GCounter, Id, LwwMap, LwwRegister, MvRegister, OrSet, PnCounter, ReplicaId,
    Root, Stamp, Time, Tx, VersionVector,
    cells::{CellMap, PathBuf},
    history::Patch,
};
use model::{
    Board, History, Inner, NOW_MS, OddBoard, OldBoard, Op, Peer, Schema as _, doc_at, send,
};
use proptest::{collection::vec, prelude::*};

/// Returns a configuration with 1,000 cases, unless `PROPTEST_CASES` sets the number.
fn cases() -> ProptestConfig {
    let set = std::env::var_os("PROPTEST_CASES").is_some();
    let config = ProptestConfig::default();
    let cases = if set { config.cases } else { 1_000 };
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..config
    }
}

/// Generates stamps with few replicas and times, so that they are often equal, as if a replica id
/// was used twice.
fn stamp() -> impl Strategy<Value = Stamp> {
    (1_u64..5, 1_u64..4)
        .prop_map(|(time, replica)| Stamp::new(Time::new(time), ReplicaId::new(replica)))
}

fn join<T: Crdt>(a: &T, b: &T) -> T {
    let mut joined = a.clone();
    joined.merge(b);
    joined.assert_invariants();
    joined
}

fn is_semilattice<T: Crdt + PartialEq + Debug>(a: &T, b: &T, c: &T) {
    assert_eq!(join(a, b), join(b, a), "commutative");
    assert_eq!(join(&join(a, b), c), join(a, &join(b, c)), "associative");
    assert_eq!(join(a, a), *a, "idempotent");
    assert_eq!(join(&join(a, b), b), join(a, b), "idempotent");
    assert_eq!(join(a, &T::default()), *a, "the default is the identity");
    assert_eq!(join(&T::default(), a), *a, "the default is the identity");
}

fn register() -> impl Strategy<Value = LwwRegister<u8>> {
    vec((0_u8..4, stamp()), 0..4).prop_map(|writes| {
        let mut register = LwwRegister::default();
        for (value, stamp) in writes {
            register.set(value, stamp);
        }
        register
    })
}

fn map() -> impl Strategy<Value = LwwMap<u8, u8>> {
    vec((0_u8..6, proptest::option::of(0_u8..4), stamp()), 0..12).prop_map(|writes| {
        let mut map = LwwMap::new();
        for (key, value, stamp) in writes {
            match value {
                Some(value) => map.insert(key, value, stamp),
                None => map.remove(&key, stamp),
            };
            map.assert_invariants();
        }
        map
    })
}

/// Generates tags, few enough that they are often equal, as if a process was cloned.
fn tag() -> impl Strategy<Value = Id> {
    (1_u8..9).prop_map(|count| format!("aaaaaaaaaaaah-{count}").parse().unwrap())
}

fn set() -> impl Strategy<Value = OrSet<u8>> {
    let write = (0_u8..4, proptest::option::of(tag()), stamp());
    vec(write, 0..12).prop_map(|writes| {
        let mut set = OrSet::new();
        for (element, tag, stamp) in writes {
            match tag {
                Some(tag) => set.insert(element, tag, stamp),
                None => set.remove(&element, stamp),
            };
            set.assert_invariants();
        }
        set
    })
}

fn values() -> impl Strategy<Value = MvRegister<u8>> {
    vec((0_u8..4, tag(), stamp()), 0..6).prop_map(|writes| {
        let mut values = MvRegister::new();
        for (value, tag, stamp) in writes {
            values.set(value, tag, stamp);
            values.assert_invariants();
        }
        values
    })
}

fn g_counter() -> impl Strategy<Value = GCounter> {
    vec((0_u64..400, stamp()), 0..6).prop_map(|writes| {
        let mut counter = GCounter::new();
        for (by, stamp) in writes {
            counter.increment(by, stamp).unwrap();
        }
        counter
    })
}

fn pn_counter() -> impl Strategy<Value = PnCounter> {
    vec((-400_i64..400, stamp()), 0..6).prop_map(|writes| {
        let mut counter = PnCounter::new();
        for (by, stamp) in writes {
            if by < 0 {
                counter.decrement(by.unsigned_abs(), stamp).unwrap();
            } else {
                counter.increment(by.unsigned_abs(), stamp).unwrap();
            }
        }
        counter
    })
}

fn board() -> impl Strategy<Value = Board> {
    let inner = (register(), map(), pn_counter()).prop_map(|(done, notes, votes)| Inner {
        done: LwwRegister::new(*done.get() > 1, done.stamp()),
        notes: notes.changes_since(&VersionVector::new()).fold(
            LwwMap::new(),
            |mut wide, (key, stamp, value)| {
                wide.insert(
                    *key,
                    value.map_or(0, |value| u64::from(*value) << 40),
                    stamp,
                );
                wide
            },
        ),
        votes,
    });
    (register(), map(), map(), g_counter(), pn_counter(), inner).prop_map(
        |(title, cards, tags, likes, stock, inner)| Board {
            title: LwwRegister::new("x".repeat(usize::from(*title.get())), title.stamp()),
            cards: cards.iter().fold(LwwMap::new(), |mut texts, (key, value)| {
                texts.insert(
                    u32::from(*key),
                    "x".repeat(usize::from(*value)),
                    cards.stamp(key).unwrap(),
                );
                texts
            }),
            tags: tags.iter().fold(LwwMap::new(), |mut named, (key, value)| {
                named.insert(key.to_string(), *value, tags.stamp(key).unwrap());
                named
            }),
            likes,
            stock,
            inner,
        },
    )
}

fn op() -> impl Strategy<Value = Op> {
    let text = "[a-z]{0,3}";
    prop_oneof![
        text.prop_map(Op::Title),
        (0_u32..6, text).prop_map(|(key, text)| Op::Card(key, text)),
        vec((0_u32..6, text), 0..6).prop_map(Op::Cards),
        (0_u32..6).prop_map(Op::Uncard),
        Just(Op::Clear),
        ("[ab]", 0_u8..9).prop_map(|(key, tag)| Op::Tag(key, tag)),
        "[ab]".prop_map(Op::Untag),
        (0_u64..400).prop_map(Op::Like),
        (-400_i64..400).prop_map(Op::Stock),
        any::<bool>().prop_map(Op::Done),
        (0_u8..4, any::<u64>()).prop_map(|(key, note)| Op::Note(key, note)),
        (0_u8..4).prop_map(Op::Unnote),
        (-9_i64..9).prop_map(Op::Vote),
    ]
}

/// An event among a few documents, which are numbered.
#[derive(Clone, Debug)]
enum Step {
    Edit(usize, Vec<Op>),
    Send(usize, usize),
    SendSnapshot(usize, usize),
    Fork(usize, Vec<Op>),
    /// Forgets the tombstones of some replicas that all documents have seen.
    Forget(usize, u8),
    Wait(u64),
}

fn steps(peers: usize) -> impl Strategy<Value = Vec<Step>> {
    let at = move || 0..peers;
    let ops = || vec(op(), 1..4);
    let step = prop_oneof![
        8 => (at(), ops()).prop_map(|(at, ops)| Step::Edit(at, ops)),
        4 => (at(), at()).prop_map(|(from, to)| Step::Send(from, to)),
        3 => (at(), at()).prop_map(|(from, to)| Step::SendSnapshot(from, to)),
        2 => (at(), ops()).prop_map(|(at, ops)| Step::Fork(at, ops)),
        2 => (at(), any::<u8>()).prop_map(|(at, some)| Step::Forget(at, some)),
        1 => (0_u64..3).prop_map(Step::Wait),
    ];
    vec(step, 1..20)
}

/// Runs the steps, and checks after each that the documents hold the operations that their versions
/// contain.
fn play(
    steps: &[Step],
    peers: &mut [Box<dyn Peer>],
    times: &[leptos_sync_core::clock::ManualTime],
) -> History {
    let mut history = History::default();
    let mut forks = 100;
    for step in steps {
        match step {
            Step::Edit(at, ops) => history.record(&peers[*at].edit(ops).unwrap()),
            Step::Fork(at, ops) => {
                forks += 1;
                history.record(&peers[*at].fork_edit_merge(ReplicaId::new(forks), ops));
            }
            Step::Send(from, to) => exchange(peers, *from, *to, model::send),
            Step::SendSnapshot(from, to) => exchange(peers, *from, *to, model::send_snapshot),
            Step::Forget(at, some) => {
                let stable = model::stable(peers.iter().map(|peer| peer.version()));
                peers[*at].forget_tombstones(&part(&stable, *some));
            }
            Step::Wait(ms) => times.iter().for_each(|time| time.advance(*ms)),
        }
        if let Step::Edit(at, _)
        | Step::Send(_, at)
        | Step::SendSnapshot(_, at)
        | Step::Fork(at, _)
        | Step::Forget(at, _) = step
        {
            history.check(&*peers[*at]);
        }
    }
    history
}

/// Returns the part of a version for a subset of replicas, chosen by the low bits of their ids.
fn part(version: &VersionVector, some: u8) -> VersionVector {
    let picked = |replica: ReplicaId| some >> (replica.get() % 8) & 1 == 1;
    version.iter().filter(|entry| picked(entry.0)).collect()
}

fn exchange(
    peers: &mut [Box<dyn Peer>],
    from: usize,
    to: usize,
    send: fn(&dyn Peer, &mut dyn Peer),
) {
    if let Ok([from, to]) = peers.get_disjoint_mut([from, to]) {
        send(&**from, &mut **to);
    }
}

/// Exchanges everything between all replicas, and then forgets all tombstones.
fn settle(peers: &mut [Box<dyn Peer>]) {
    for _ in 0..2 {
        for at in 0..peers.len() {
            exchange(peers, at, (at + 1) % peers.len(), model::send);
        }
    }
    let stable = model::stable(peers.iter().map(|peer| peer.version()));
    for peer in peers {
        assert_eq!(*peer.version(), stable, "every replica has seen everything");
        peer.forget_tombstones(&stable);
        peer.assert_invariants();
    }
}

/// Returns three documents after a random history, which none of them has seen completely.
fn documents(steps: &[Step]) -> [Doc<Board>; 3] {
    let mut docs = [1, 2, 3].map(|replica| doc_at::<Board>(replica, NOW_MS + replica).0);
    for step in steps {
        match step {
            Step::Edit(at, ops) | Step::Fork(at, ops) => {
                docs[*at].edit(ops).unwrap();
            }
            Step::Send(from, to) | Step::SendSnapshot(from, to) if from != to => {
                let [from, to] = docs.get_disjoint_mut([*from, *to]).unwrap();
                send(from, to);
            }
            Step::Forget(at, some) => {
                let stable = model::stable(docs.iter().map(Doc::version));
                docs[*at].forget_tombstones(&part(&stable, *some));
            }
            _ => {}
        }
    }
    docs
}

fn merged(a: &Doc<Board>, b: &Doc<Board>) -> Doc<Board> {
    let mut merged = a.fork(ReplicaId::new(99));
    merged.merge(b).unwrap();
    merged.assert_invariants();
    merged
}

fn bytes(doc: &Doc<Board>) -> Vec<u8> {
    doc.snapshot().unwrap().encode()
}

/// A register in the smallest record that gives it a name.
#[derive(Crdt, Clone, Default, PartialEq, Debug)]
struct Named {
    value: LwwRegister<u8>,
}

/// The edits of two documents: which document, the edit, and whether the document then sees the
/// other's edits.
type Edits<E> = Vec<(bool, E, bool)>;

fn edits<E: Debug + Clone>(edit: impl Strategy<Value = E>) -> impl Strategy<Value = Edits<E>> {
    vec((any::<bool>(), edit, proptest::bool::weighted(0.2)), 0..12)
}

/// Checks that a document's cells equal its state, and that the cells beyond a version are exactly
/// those that the version lacks.
fn cells_are_the_state<S: Root + PartialEq + Debug, E>(
    edits: Edits<E>,
    edit: fn(&mut Tx<'_, S>, E),
) {
    let (mut a, mut b) = (doc_at::<S>(1, NOW_MS).0, doc_at::<S>(2, NOW_MS).0);
    for (first, change, sees) in edits {
        let (to, from) = if first { (&mut a, &b) } else { (&mut b, &a) };
        to.transact(|tx| edit(tx, change)).unwrap();
        if sees {
            to.apply(&from.delta_since(to.version()).unwrap()).unwrap();
        }
        to.assert_invariants();
    }
    let snapshot = a.snapshot().unwrap();
    assert_eq!(
        Doc::<S>::load(&snapshot, a.clock().clone()).state(),
        a.state()
    );
    let nothing = doc_at::<S>(3, NOW_MS).0;
    let mut by_delta = nothing.fork(ReplicaId::new(4));
    by_delta
        .apply(&a.delta_since(nothing.version()).unwrap())
        .unwrap();
    assert_eq!(
        by_delta.state(),
        a.state(),
        "a delta from nothing equals the state"
    );

    let joined = join(b.state(), a.state());
    let mut by_snapshot = b.fork(ReplicaId::new(5));
    by_snapshot.merge_snapshot(&snapshot).unwrap();
    assert_eq!(*by_snapshot.state(), joined, "cells join like states");
    by_delta = b.fork(ReplicaId::new(6));
    by_delta
        .apply(&a.delta_since(b.version()).unwrap())
        .unwrap();
    assert_eq!(*by_delta.state(), joined, "a delta suffices");
    by_delta.assert_invariants();
}

/// A deeper path is that of a cell which a later build may write below the value.
fn has_no_cells_below_its_own<T: Crdt>(state: &T) {
    let root = PathBuf::new().child(b"a");
    let cells = |state: &T| {
        let cells = Patch::collect(Time::ZERO, |out| {
            state.write_cells(&mut root.clone(), &VersionVector::new(), out);
        });
        cells.unwrap()
    };
    let before = cells(state);
    for path in before.cells().paths() {
        let (mut state, deeper) = (state.clone(), path.child(b"x"));
        let below = || {
            let mut below = deeper.as_path().segments();
            below.next();
            below
        };
        assert!(
            state.cell_at(below(), &mut Vec::new()).is_none(),
            "{path:?}"
        );
        state.restore(below(), None);
        assert_eq!(cells(&state).encode(), before.encode(), "{path:?}");
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_value_takes_a_deeper_path_for_that_of_its_cell(
        register in register(), map in map(), set in set(), values in values(),
        g_counter in g_counter(), pn_counter in pn_counter(), board in board(),
    ) {
        has_no_cells_below_its_own(&register);
        has_no_cells_below_its_own(&map);
        has_no_cells_below_its_own(&set);
        has_no_cells_below_its_own(&values);
        has_no_cells_below_its_own(&g_counter);
        has_no_cells_below_its_own(&pn_counter);
        has_no_cells_below_its_own(&board);
    }

    #[test]
    fn registers_are_a_semilattice(a in register(), b in register(), c in register()) {
        is_semilattice(&a, &b, &c);
    }

    #[test]
    fn maps_are_a_semilattice(a in map(), b in map(), c in map()) {
        is_semilattice(&a, &b, &c);
    }

    #[test]
    fn sets_are_a_semilattice(a in set(), b in set(), c in set()) {
        is_semilattice(&a, &b, &c);
    }

    #[test]
    fn concurrent_values_are_a_semilattice(a in values(), b in values(), c in values()) {
        is_semilattice(&a, &b, &c);
    }

    #[test]
    fn growing_counters_are_a_semilattice(a in g_counter(), b in g_counter(), c in g_counter()) {
        is_semilattice(&a, &b, &c);
    }

    #[test]
    fn counters_are_a_semilattice(a in pn_counter(), b in pn_counter(), c in pn_counter()) {
        is_semilattice(&a, &b, &c);
    }

    #[test]
    fn records_are_a_semilattice(a in board(), b in board(), c in board()) {
        is_semilattice(&a, &b, &c);
    }

    #[test]
    fn a_register_is_its_cells(edits in edits(any::<u8>())) {
        cells_are_the_state::<Named, _>(edits, |tx, value| tx.value().set(value));
    }

    #[test]
    fn a_map_is_its_cells(edits in edits((0_u8..6, any::<Option<u8>>()))) {
        cells_are_the_state::<LwwMap<u8, u8>, _>(edits, |tx, (key, value)| match value {
            Some(value) => tx.insert(key, value),
            None => tx.remove(&key),
        });
    }

    #[test]
    fn a_set_is_its_cells(edits in edits((0_u8..6, 0_u8..4))) {
        cells_are_the_state::<OrSet<u8>, _>(edits, |tx, (element, edit)| match edit {
            0 => tx.remove(&element),
            1 => tx.insert_batch(0..element),
            2 => tx.toggle(element),
            _ => tx.insert(element),
        });
    }

    #[test]
    fn concurrent_values_are_their_cells(edits in edits(any::<u8>())) {
        cells_are_the_state::<MvRegister<u8>, _>(edits, |tx, value| tx.set(value));
    }

    #[test]
    fn a_growing_counter_is_its_cells(edits in edits(0_u64..400)) {
        cells_are_the_state::<GCounter, _>(edits, |tx, by| tx.increment(by));
    }

    #[test]
    fn a_counter_is_its_cells(edits in edits(-400_i64..400)) {
        cells_are_the_state::<PnCounter, _>(edits, |tx, by| {
            if by < 0 { tx.decrement(by.unsigned_abs()) } else { tx.increment(by.unsigned_abs()) }
        });
    }

    #[test]
    fn a_record_in_a_record_is_its_cells(edits in edits(vec(op(), 1..4))) {
        cells_are_the_state::<Board, _>(edits, |tx, ops| {
            ops.iter().for_each(|op| Board::edit(tx, op));
        });
    }

    #[test]
    fn a_transaction_that_is_rolled_back_leaves_the_same_bytes(steps in steps(3), ops in vec(op(), 1..8), next in op()) {
        let [mut a, ..] = documents(&steps);
        let before = bytes(&a);
        let error = a.transact(|tx| {
            ops.iter().for_each(|op| Board::edit(tx, op));
            tx.cancel(Delta::decode(&[]).unwrap_err());
        });
        prop_assert!(error.is_err());
        a.assert_invariants();
        prop_assert_eq!(bytes(&a), before);
        // Later transactions do not contain the removed key either.
        let mut b = a.fork(ReplicaId::new(7));
        let written = a.edit(&[next]).unwrap();
        b.apply(&written.delta).unwrap();
        prop_assert_eq!(bytes(&b), bytes(&a));
    }

    #[test]
    fn changes_since_a_version_are_exactly_what_it_lacks(map in map(), seen in vec(stamp(), 0..4)) {
        let since = seen.into_iter().map(|stamp| (stamp.replica, stamp.time)).collect::<VersionVector>();
        let mut changed: Vec<_> = map.changes_since(&since).map(|(key, ..)| *key).collect();
        changed.sort_unstable();
        let lacks = |key: &u8| map.stamp(key).is_some_and(|stamp| !since.contains(stamp));
        let expected: Vec<_> = (0..6).filter(lacks).collect();
        prop_assert_eq!(changed, expected);
    }

    #[test]
    fn documents_are_a_semilattice(steps in steps(3)) {
        let [a, b, c] = documents(&steps);
        let ab = merged(&a, &b);
        prop_assert_eq!(bytes(&ab), bytes(&merged(&b, &a)));
        prop_assert_eq!(bytes(&merged(&ab, &c)), bytes(&merged(&a, &merged(&b, &c))));
        prop_assert_eq!(bytes(&merged(&a, &a)), bytes(&a));
        prop_assert_eq!(bytes(&merged(&ab, &b)), bytes(&ab));
        prop_assert_eq!(bytes(&merged(&a, &doc_at(4, NOW_MS).0)), bytes(&a));
        prop_assert_eq!(bytes(&merged(&doc_at(4, NOW_MS).0, &a)), bytes(&a));
    }

    #[test]
    fn a_snapshot_is_the_state_and_a_delta_is_the_difference(steps in steps(3)) {
        let [a, b, _] = documents(&steps);
        let (empty, time) = doc_at::<Board>(9, NOW_MS + 9);
        let loaded = Doc::<Board>::load(&a.snapshot().unwrap(), empty.clock().clone());
        prop_assert_eq!(loaded.state(), a.state());
        prop_assert_eq!(bytes(&loaded), bytes(&a));

        let mut by_snapshot = b.fork(ReplicaId::new(8));
        by_snapshot.merge_snapshot(&a.snapshot().unwrap()).unwrap();
        prop_assert_eq!(bytes(&by_snapshot), bytes(&merged(&b, &a)));

        if let Ok(delta) = a.delta_since(b.version()) {
            let mut by_delta = b.fork(ReplicaId::new(8));
            by_delta.apply(&delta).unwrap();
            by_delta.assert_invariants();
            let mut both = merged(&b, &a);
            prop_assert_eq!(by_delta.version(), both.version());
            // A delta does not contain the removals that the other side has forgotten.
            let all = both.version().clone();
            by_delta.forget_tombstones(&all);
            both.forget_tombstones(&all);
            prop_assert_eq!(bytes(&by_delta), bytes(&both));
            let again = by_delta.apply(&delta).unwrap();
            prop_assert!(again.is_empty(), "applied twice: {:?}", again);
            prop_assert_eq!(bytes(&by_delta), bytes(&both));
        }
        drop(time);
    }

    #[test]
    fn the_parts_of_a_snapshot_equal_the_whole(steps in steps(3), piece in 0_usize..200) {
        let [a, ..] = documents(&steps);
        let whole = a.snapshot().unwrap();
        let parts = whole.split(piece).unwrap();
        prop_assert_eq!(parts.iter().map(|part| part.len()).sum::<usize>(), whole.len());
        let cells: Vec<_> = parts.iter().flat_map(|part| part.cells().paths()).collect();
        prop_assert_eq!(cells, whole.cells().paths().collect::<Vec<_>>());
    }

    #[test]
    fn transactions_converge_in_any_order_without_gaps(edits in vec((0_usize..3, vec(op(), 1..4)), 1..16), order in vec(any::<u16>(), 16)) {
        let mut docs = [1, 2, 3].map(|replica| doc_at::<Board>(replica, NOW_MS).0);
        let mut log = Vec::new();
        for (at, ops) in &edits {
            log.push(docs[*at].edit(ops).unwrap().delta);
        }
        let mut all = doc_at::<Board>(4, NOW_MS).0;
        for doc in &docs {
            all.merge(doc).unwrap();
        }
        // Apply each delta repeatedly in a shuffled order, even after it was applied.
        let mut late = doc_at::<Board>(5, NOW_MS).0;
        let mut shuffled: Vec<_> = log.iter().zip(&order).collect();
        shuffled.sort_by_key(|(_, at)| **at);
        for _ in 0..=log.len() {
            for (delta, _) in &shuffled {
                if let Err(error) = late.apply(delta) {
                    prop_assert!(error.is_gap());
                }
                late.assert_invariants();
            }
        }
        prop_assert_eq!(bytes(&late), bytes(&all));
        prop_assert_eq!(late.state(), all.state());
    }

    #[test]
    fn documents_hold_what_their_versions_claim(steps in steps(4)) {
        let (mut peers, times): (Vec<Box<dyn Peer>>, Vec<_>) = (1..5)
            .map(|replica| {
                let (doc, time) = doc_at::<Board>(replica, NOW_MS + 10 * replica);
                (Box::new(doc) as Box<dyn Peer>, time)
            })
            .unzip();
        let history = play(&steps, &mut peers, &times);
        settle(&mut peers);
        let settled = peers[0].snapshot().encode();
        for peer in &peers {
            history.check(&**peer);
            prop_assert_eq!(peer.snapshot().encode(), &settled[..]);
        }
    }

    #[test]
    fn builds_with_different_schemas_lose_and_change_nothing(steps in steps(5)) {
        let (new, new_time) = doc_at::<Board>(1, NOW_MS);
        let (old, old_time) = doc_at::<OldBoard>(2, NOW_MS + 10);
        let (odd, odd_time) = doc_at::<OddBoard>(3, NOW_MS + 20);
        let (other, other_time) = doc_at::<Board>(4, NOW_MS + 30);
        let (relay, relay_time) = doc_at::<CellMap>(5, NOW_MS + 40);
        let mut peers: [Box<dyn Peer>; 5] =
            [Box::new(new), Box::new(old), Box::new(odd), Box::new(other), Box::new(relay)];
        let times = [new_time, old_time, odd_time, other_time, relay_time];
        let history = play(&steps, &mut peers, &times);
        settle(&mut peers);
        let settled = peers[0].cells();
        for peer in &peers {
            history.check(&**peer);
            prop_assert_eq!(peer.cells(), settled.clone());
        }
    }
}

/// Ada and Bob each remove a different key. Both have the same number of entries, but of different
/// keys.
#[test]
fn copies_that_forgot_different_tombstones_agree_after_merging() {
    let mut a = doc_at::<Board>(1, NOW_MS).0;
    let mut b = doc_at::<Board>(2, NOW_MS + 1).0;
    for (doc, key) in [(&mut a, 1), (&mut b, 2)] {
        doc.edit(&[Op::Card(key, "x".to_owned())]).unwrap();
        doc.edit(&[Op::Uncard(key)]).unwrap();
    }
    send(&a, &mut b);
    send(&b, &mut a);
    for (doc, replica) in [(&mut a, 1), (&mut b, 2)] {
        let replica = ReplicaId::new(replica);
        let stable = VersionVector::of(replica, doc.version().get(replica));
        doc.forget_tombstones(&stable);
    }
    let merged = merged(&a, &b);
    assert_eq!(merged.state().cards.tombstones(), 0);
    assert!(merged.snapshot().unwrap().is_empty());
}

/// Bob overwrites Ada's edit. A delta for a replica that has Bob's write omits Ada's. A replica
/// that does not have Bob's write must report a gap; otherwise its version would include Ada's edit
/// without any cell.
#[test]
fn a_delta_without_known_cells_is_a_gap_for_a_replica_that_lacks_them() {
    let mut ada = doc_at::<Board>(1, NOW_MS).0;
    let mut bob = doc_at::<Board>(2, NOW_MS + 1).0;
    ada.edit(&[Op::Card(1, "milk".to_owned())]).unwrap();
    send(&ada, &mut bob);
    let written = bob.edit(&[Op::Card(1, "eggs".to_owned())]).unwrap();

    let delta = bob.delta_since(written.delta.upto()).unwrap();
    assert!(delta.is_empty() && delta.upto() == ada.version());
    let mut eve = doc_at::<Board>(3, NOW_MS).0;
    assert!(eve.apply(&delta).unwrap_err().is_gap());
    eve.apply(&written.delta).unwrap();
    eve.apply(&delta).unwrap();
    assert_eq!(bytes(&eve), bytes(&bob));
}

/// A build that does not know a map quarantines its tombstones. It must forget them when all others
/// do.
#[test]
fn an_old_build_forgets_quarantined_tombstones_too() {
    let mut new = doc_at::<Board>(1, NOW_MS).0;
    let mut old = doc_at::<OldBoard>(2, NOW_MS).0;
    new.edit(&[Op::Note(1, 1)]).unwrap();
    new.edit(&[Op::Unnote(1)]).unwrap();
    send(&new, &mut old);
    assert_eq!(old.quarantined().count(), 1);
    old.forget_tombstones(&new.version().clone());
    assert_eq!(old.quarantined().count(), 0);
    assert!(old.snapshot().unwrap().is_empty());
}

/// Ada forgets a removal that Bob, who is offline, has not seen. A delta cannot convey it, only a
/// snapshot can.
#[test]
fn a_replica_offline_while_a_removal_was_forgotten_needs_a_snapshot() {
    let mut ada = doc_at::<Board>(1, NOW_MS).0;
    let mut bob = doc_at::<Board>(2, NOW_MS).0;
    ada.edit(&[Op::Card(1, "milk".to_owned())]).unwrap();
    send(&ada, &mut bob);
    ada.edit(&[Op::Uncard(1)]).unwrap();
    let everything = ada.version().clone();
    ada.forget_tombstones(&everything);

    let refused = ada.delta_since(bob.version()).unwrap_err();
    assert!(refused.is_snapshot_needed());
    send(&ada, &mut bob);
    assert!(bob.state().cards.is_empty());
    assert_eq!(bytes(&bob), bytes(&ada));
}
