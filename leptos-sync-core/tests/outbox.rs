//! What a relay has not acknowledged: taken back, stamped anew, kept and loaded again, as if it had never been otherwise.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod model;

use std::collections::BTreeMap;

use leptos_sync_core::{
    CellMap, Delta, Doc, ManualTime, Outbox, PathBuf, ReplicaId, Stamp, Time, Transaction,
    VersionVector, Window, limits,
};
use model::{Board, BoardFields as _, Cell, NOW_MS, Op, Peer, Schema as _, doc_at};
use proptest::{collection::vec, prelude::*};

/// The document under test, the relay's other clients as one, and another tab.
struct World {
    doc: Doc<Board>,
    outbox: Outbox,
    time: ManualTime,
    others: Doc<Board>,
    others_time: ManualTime,
    tab: Doc<Board>,
    tab_time: ManualTime,
    /// Every cell that should be there, by what it came with.
    settled: Vec<(PathBuf, Cell)>,
    pending: Vec<Delta>,
}

#[derive(Clone, Debug)]
enum Step {
    Edit(Vec<Op>),
    Others(Vec<Op>),
    Tab(Vec<Op>),
    /// The relay answers the first transaction of this document, or of the tab.
    Acknowledge(bool),
    Reject(bool),
    /// The relay accepts only stamps near its own time, which differs by so many seconds.
    Restamp(i64),
    Reload,
    /// Clocks move: the document's, the others', the tab's.
    Wait(u64, u64, u64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        "[a-z]{0,3}".prop_map(Op::Title),
        (0_u32..4, "[a-z]{0,3}").prop_map(|(key, text)| Op::Card(key, text)),
        (0_u32..4).prop_map(Op::Uncard),
        (1_u64..9).prop_map(Op::Like),
        (-9_i64..9).prop_map(Op::Stock),
        any::<bool>().prop_map(Op::Done),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ops = || vec(op(), 1..4);
    let step = prop_oneof![
        6 => ops().prop_map(Step::Edit),
        4 => ops().prop_map(Step::Others),
        2 => ops().prop_map(Step::Tab),
        3 => any::<bool>().prop_map(Step::Acknowledge),
        3 => any::<bool>().prop_map(Step::Reject),
        2 => (-900_i64..900).prop_map(Step::Restamp),
        1 => Just(Step::Reload),
        2 => (0_u64..200_000, 0_u64..200_000, 0_u64..200_000).prop_map(|(a, b, c)| Step::Wait(a, b, c)),
    ];
    vec(step, 1..24)
}

fn cells(delta: &Delta) -> Vec<(PathBuf, Cell)> {
    let groups = delta.cells().groups();
    let cells = groups.flat_map(|group| {
        let parent = group.parent().to_owned();
        group.cells().map(move |cell| {
            let value = cell.value.map(<[u8]>::to_vec);
            (cell.path(parent.as_path()), (cell.stamp, value))
        })
    });
    cells.collect()
}

fn winners<'a>(cells: impl Iterator<Item = &'a (PathBuf, Cell)>) -> BTreeMap<PathBuf, Cell> {
    let mut winners = BTreeMap::<PathBuf, Cell>::new();
    for (path, cell) in cells {
        let last = winners.entry(path.clone()).or_insert_with(|| cell.clone());
        if *last < *cell {
            *last = cell.clone();
        }
    }
    winners
}

impl World {
    fn new() -> Self {
        let (doc, time) = doc_at(1, NOW_MS);
        let (others, others_time) = doc_at(2, NOW_MS);
        let (tab, tab_time) = doc_at(3, NOW_MS);
        Self {
            doc,
            outbox: Outbox::new(),
            time,
            others,
            others_time,
            tab,
            tab_time,
            settled: Vec::new(),
            pending: Vec::new(),
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Edit(ops) => {
                let edit = |tx: &mut leptos_sync_core::Tx<'_, Board>| {
                    ops.iter().for_each(|op| Board::edit(tx, op));
                };
                let done = self.outbox.transact(&mut self.doc, edit).unwrap();
                self.written(done);
            }
            Step::Others(ops) => {
                let done = self.others.edit(ops).unwrap();
                if let Ok(received) = self.outbox.receive(&mut self.doc, &done.delta) {
                    assert!(received.refused.is_empty());
                    self.settled.extend(cells(&done.delta));
                } else {
                    self.others = doc_at(self.others.replica().get() + 10, NOW_MS).0;
                }
            }
            Step::Tab(ops) => {
                let done = self.tab.edit(ops).unwrap();
                match self.outbox.take(&mut self.doc, &done.delta) {
                    Ok(_) => self.written(done),
                    // Its clock is too far ahead. It starts again as another one.
                    Err(error) => {
                        assert!(error.is_drift() || error.is_gap(), "{error:?}");
                        self.tab = doc_at(self.tab.replica().get() + 10, NOW_MS).0;
                    }
                }
            }
            Step::Acknowledge(own) => {
                if let Some(delta) = self.first(*own) {
                    self.outbox.acknowledge(delta.upto());
                    self.settled.extend(cells(&delta));
                }
            }
            Step::Reject(own) => {
                if let Some(delta) = self.first(*own) {
                    let (rejected, _) = self.outbox.reject(&mut self.doc, delta.upto()).unwrap();
                    assert_eq!(rejected, delta);
                }
            }
            Step::Restamp(seconds) => self.restamp(*seconds),
            Step::Reload => self.reload(),
            Step::Wait(doc, others, tab) => {
                self.time.advance(*doc);
                self.others_time.advance(*others);
                self.tab_time.advance(*tab);
            }
        }
    }

    fn written(&mut self, done: Transaction) {
        if !done.delta.is_empty() {
            self.pending.push(done.delta);
        }
    }

    /// The first transaction without an answer, of this document or of others; answers come in order.
    fn first(&mut self, own: bool) -> Option<Delta> {
        let is_own = |delta: &Delta| delta.upto().get(ReplicaId::new(1)) > Time::ZERO;
        let at = self.pending.iter().position(|delta| is_own(delta) == own)?;
        Some(self.pending.remove(at))
    }

    fn restamp(&mut self, seconds: i64) {
        let now_ms = NOW_MS.saturating_add_signed(seconds * 1_000);
        let window = Window {
            floor: Time::from_ms(now_ms - limits::DRIFT_MS),
            now_ms,
        };
        let (restamped, _) = self
            .outbox
            .restamp(&mut self.doc, window, |_| true)
            .unwrap();
        let place = |one: &leptos_sync_core::Restamped| {
            let place = self
                .pending
                .iter()
                .position(|known| *known.upto() == one.replaced);
            place.unwrap()
        };
        let places: Vec<_> = restamped.iter().map(place).collect();
        for (one, place) in restamped.into_iter().zip(places) {
            let known = &mut self.pending[place];
            let values = |delta: &Delta| -> Vec<_> {
                let cells = cells(delta).into_iter();
                cells.map(|(path, (_, value))| (path, value)).collect()
            };
            assert_eq!(values(known), values(&one.delta), "only stamps change");
            *known = one.delta;
        }
        // The tab has not heard of it, and would write on in the future; it starts again.
        self.tab = doc_at(self.tab.replica().get() + 10, NOW_MS).0;
    }

    /// As a storage does: what is acknowledged as a snapshot, the rest beside it.
    fn reload(&mut self) {
        let base = self.outbox.base(&self.doc);
        let snapshot = base.snapshot().unwrap();
        let (fresh, time) = doc_at::<Board>(1, NOW_MS);
        let mut doc = Doc::load(&snapshot, fresh.clock().clone());
        let mut outbox = Outbox::resume(self.outbox.acknowledged().clone());
        for delta in self.outbox.transactions() {
            outbox.load(&mut doc, delta).unwrap();
        }
        assert_eq!(doc.version(), self.doc.version());
        (self.doc, self.outbox, self.time) = (doc, outbox, time);
    }

    fn check(&self) {
        self.doc.assert_invariants();
        let pending: Vec<_> = self.pending.iter().flat_map(cells).collect();
        let all = winners(self.settled.iter().chain(&pending));
        assert_eq!(self.doc.cells(), all, "the document");
        let base = self.outbox.base(&self.doc);
        base.assert_invariants();
        assert_eq!(
            base.cells(),
            winners(self.settled.iter()),
            "below the outbox"
        );
        assert_eq!(self.outbox.transactions(), self.pending, "the outbox");
        for delta in &self.pending {
            let stamp = last(delta);
            assert!(!base.version().contains(stamp) && self.doc.version().contains(stamp));
        }
        assert!(self.doc.version().covers(base.version()));
    }
}

fn last(delta: &Delta) -> Stamp {
    let (replica, time) = delta.upto().iter().next().unwrap();
    Stamp::new(time, replica)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_document_is_what_was_accepted_and_what_has_no_answer_yet(steps in steps()) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
            world.check();
        }
    }
}

#[test]
fn a_refused_edit_gives_way_to_what_the_relay_sent_meanwhile() {
    let (mut doc, time) = doc_at::<Board>(1, NOW_MS);
    let mut outbox = Outbox::new();
    let (mut other, _other_time) = doc_at::<Board>(2, NOW_MS);
    let theirs = other.edit(&[Op::Title("theirs".to_owned())]).unwrap();
    time.advance(10);
    let ours = outbox
        .transact(&mut doc, |tx| tx.title().set("ours".to_owned()))
        .unwrap();
    outbox.receive(&mut doc, &theirs.delta).unwrap();
    assert_eq!(doc.state().title.get(), "ours", "it is the later one");
    let (_, changes) = outbox.reject(&mut doc, ours.delta.upto()).unwrap();
    assert_eq!(doc.state().title.get(), "theirs");
    assert!(!changes.is_empty(), "somebody has to be told");
}

#[test]
fn a_day_ahead_becomes_now_and_the_next_edit_follows() {
    let (mut doc, time) = doc_at::<Board>(1, NOW_MS + 86_400_000);
    let mut outbox = Outbox::new();
    let edit = |doc: &mut Doc<Board>, outbox: &mut Outbox, text: &str| {
        let text = text.to_owned();
        outbox.transact(doc, |tx| tx.title().set(text)).unwrap()
    };
    let first = edit(&mut doc, &mut outbox, "first");
    edit(&mut doc, &mut outbox, "second");
    time.set(NOW_MS);
    let window = Window {
        floor: Time::ZERO,
        now_ms: NOW_MS,
    };
    let (restamped, _) = outbox.restamp(&mut doc, window, |_| true).unwrap();
    assert_eq!(restamped.len(), 2);
    assert_eq!(restamped[0].replaced, *first.delta.upto());
    assert!(window.has(doc.version().latest()));
    assert_eq!(doc.state().title.get(), "second");
    let third = edit(&mut doc, &mut outbox, "third");
    assert!(window.has(third.stamp.time));
    assert_eq!(
        *third.delta.after(),
        VersionVector::of(ReplicaId::new(1), restamped[1].delta.upto().latest())
    );
    let (again, _) = outbox.restamp(&mut doc, window, |_| true).unwrap();
    assert!(again.is_empty(), "all stamps are within the window");
}

/// The relay has stored the first and refused the second, and its answers were lost.
#[test]
fn what_became_of_edits_is_seen_when_answers_were_lost() {
    let (mut doc, _time) = doc_at::<Board>(1, NOW_MS);
    let mut outbox = Outbox::new();
    let mut relay = doc_at::<CellMap>(9, NOW_MS).0;
    let mut edit = |doc: &mut Doc<Board>, key, text: &str| {
        let text = text.to_owned();
        let done = outbox.transact(doc, |tx| tx.cards().insert(key, text));
        done.unwrap().delta
    };
    let first = edit(&mut doc, 1, "stored");
    let second = edit(&mut doc, 1, "refused");
    let third = edit(&mut doc, 2, "stored");
    relay.apply(&first).unwrap();
    let claim = Delta::collect(second.after().clone(), second.upto().clone(), |_| {});
    relay.apply(&claim.unwrap()).unwrap();
    relay.apply(&third).unwrap();

    let asked = outbox.version(&doc);
    assert!(asked.is_empty(), "nothing is known to be stored: {asked:?}");
    let told = relay.delta_since(&asked).unwrap();
    let received = outbox.receive(&mut doc, &told).unwrap();
    assert_eq!(received.refused, [second]);
    assert!(outbox.is_empty());
    assert_eq!(
        doc.state().cards.get(&1).map(String::as_str),
        Some("stored")
    );
    assert_eq!(
        doc.state().cards.get(&2).map(String::as_str),
        Some("stored")
    );
}

/// An acknowledgement may not have reached the disk. What the relay's answer follows, it has.
#[test]
fn what_an_answer_takes_for_granted_was_not_refused() {
    let (mut doc, time) = doc_at::<Board>(1, NOW_MS);
    let mut outbox = Outbox::new();
    let edit = |doc: &mut Doc<Board>, outbox: &mut Outbox, text: &str| {
        time.advance(1);
        let text = text.to_owned();
        let done = outbox.transact(doc, |tx| tx.title().set(text));
        done.unwrap().delta
    };
    let first = edit(&mut doc, &mut outbox, "first");
    // The relay was asked when it was known to have the first, and tells of a second that it has, by another tab.
    let (mut tab, _tab_time) = doc_at::<Board>(2, NOW_MS);
    tab.apply(&first).unwrap();
    let asked = tab.version().clone();
    let likes = tab.edit(&[Op::Like(1)]).unwrap().delta;
    let mut upto = asked.clone();
    upto.join(likes.upto());
    let answer = Delta::collect(asked, upto, |_| {}).unwrap();
    let received = outbox.receive(&mut doc, &answer).unwrap();
    assert!(received.refused.is_empty());
    assert_eq!(doc.state().title.get(), "first");
    assert!(outbox.is_empty());
}

#[test]
fn an_outbox_without_a_relay_keeps_nothing() {
    let (mut doc, _time) = doc_at::<Board>(1, NOW_MS);
    let mut outbox = Outbox::without_relay();
    let done = outbox.transact(&mut doc, |tx| tx.title().set("kept".to_owned()));
    let delta = done.unwrap().delta;
    let (mut other, _other_time) = doc_at::<Board>(2, NOW_MS);
    let theirs = other.edit(&[Op::Like(1)]).unwrap().delta;
    outbox.take(&mut doc, &theirs).unwrap();
    assert!(outbox.is_empty());
    assert_eq!(outbox.version(&doc), *doc.version());
    assert!(doc.version().covers(delta.upto()) && doc.version().covers(theirs.upto()));
    assert_eq!(outbox.base(&doc).state(), doc.state());
}

/// A document that was edited before there was a relay is brought to it; one whose relay has lost its disk is brought back
/// as far as this replica wrote it, and nobody claims what others wrote.
#[test]
fn what_is_in_no_transaction_is_sent_for_each_who_wrote_it() {
    let (mut doc, _time) = doc_at::<Board>(1, NOW_MS);
    doc.edit(&[Op::Title("before".to_owned())]).unwrap();
    let (mut other, _other_time) = doc_at::<Board>(2, NOW_MS);
    let theirs = other.edit(&[Op::Card(1, "theirs".to_owned())]).unwrap();
    doc.apply(&theirs.delta).unwrap();
    let nothing = VersionVector::new();
    let mine = |replica| replica == ReplicaId::new(1);

    let mut outbox = Outbox::new();
    let mut relay = doc_at::<Board>(9, NOW_MS).0;
    for delta in outbox.pending(&doc, &nothing, mine).unwrap() {
        assert_eq!(delta.upto().len(), 1, "each may be refused by itself");
        relay.apply(&delta).unwrap();
    }
    assert_eq!(
        relay.state(),
        doc.state(),
        "no relay was ever known to have it"
    );

    outbox.acknowledge(doc.version());
    let again = outbox.pending(&doc, &nothing, mine).unwrap();
    let writers: Vec<_> = again.iter().flat_map(|delta| delta.upto().iter()).collect();
    assert_eq!(
        writers,
        [(ReplicaId::new(1), doc.version().get(ReplicaId::new(1)))]
    );
    assert!(
        outbox
            .pending(&doc, doc.version(), mine)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn what_another_tab_sends_is_neither_sent_nor_stamped_anew_here() {
    let (mut doc, _time) = doc_at::<Board>(1, NOW_MS);
    let mut outbox = Outbox::new();
    let ours = outbox.transact(&mut doc, |tx| tx.title().set("ours".to_owned()));
    let ours = ours.unwrap().delta;
    let (mut tab, _tab_time) = doc_at::<Board>(2, NOW_MS);
    let theirs = tab.edit(&[Op::Like(1)]).unwrap().delta;
    outbox.take(&mut doc, &theirs).unwrap();
    let mine = |replica| replica == ReplicaId::new(1);
    let pending = outbox.pending(&doc, &VersionVector::new(), mine).unwrap();
    assert_eq!(pending, std::slice::from_ref(&ours));
    let window = Window {
        floor: Time::ZERO,
        now_ms: NOW_MS - 86_400_000,
    };
    let (restamped, _) = outbox.restamp(&mut doc, window, mine).unwrap();
    let replaced: Vec<_> = restamped.iter().map(|one| &one.replaced).collect();
    assert_eq!(replaced, [ours.upto()]);
    assert!(doc.version().covers(theirs.upto()));
}
