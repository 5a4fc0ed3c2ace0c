//! Unacknowledged transactions are rolled back, restamped, stored and loaded again without a trace.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod model;

use std::collections::BTreeMap;

use leptos_sync_core::{
    Delta, Doc, Outbox, ReplicaId, Stamp, Time, Transaction, VersionVector,
    cells::{CellMap, PathBuf},
    clock::{ManualTime, Window},
    limits,
};
use model::{Board, BoardFields as _, Cell, NOW_MS, Op, Peer, Schema as _, doc_at};
use proptest::{collection::vec, prelude::*};

/// The document under test, all other clients of the relay as one document, and another tab.
struct World {
    doc: Doc<Board>,
    outbox: Outbox,
    time: ManualTime,
    others: Doc<Board>,
    others_time: ManualTime,
    tab: Doc<Board>,
    tab_time: ManualTime,
    /// Every cell that should exist, by its transaction.
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
    /// The relay accepts only stamps near its own clock, which differs by this many seconds. `Mine`
    /// states which transactions are sent from here.
    Restamp(i64, Mine),
    Reload,
    /// Advances the clocks of the document, the others and the tab.
    Wait(u64, u64, u64),
}

/// The replicas whose transactions this document sends to the relay.
#[derive(Clone, Copy, Debug)]
enum Mine {
    Own,
    Others,
    All,
}

impl Mine {
    fn has(self, replica: ReplicaId) -> bool {
        match self {
            Self::Own => replica == ReplicaId::new(1),
            Self::Others => replica != ReplicaId::new(1),
            Self::All => true,
        }
    }
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
    let mine = prop_oneof![Just(Mine::Own), Just(Mine::Others), Just(Mine::All)];
    let step = prop_oneof![
        6 => ops().prop_map(Step::Edit),
        4 => ops().prop_map(Step::Others),
        2 => ops().prop_map(Step::Tab),
        3 => any::<bool>().prop_map(Step::Acknowledge),
        3 => any::<bool>().prop_map(Step::Reject),
        2 => (-900_i64..900, mine).prop_map(|(seconds, mine)| Step::Restamp(seconds, mine)),
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
    /// Creates a world whose document was edited long before there was a relay.
    fn new(before: &[Op]) -> Self {
        let (mut doc, time) = doc_at::<Board>(1, NOW_MS - 100 * limits::DRIFT_MS);
        let settled = cells(&doc.edit(before).unwrap().delta);
        time.set(NOW_MS);
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
            settled,
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
                let received = self.outbox.receive(&mut self.doc, &done.delta).unwrap();
                assert!(received.rejected.is_empty());
                self.settled.extend(cells(&done.delta));
            }
            Step::Tab(ops) => {
                let done = self.tab.edit(ops).unwrap();
                match self.outbox.take(&mut self.doc, &done.delta) {
                    Ok(_) => self.written(done),
                    // The tab's clock is too far ahead, so the tab restarts under a new id.
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
                    let rejected = self
                        .outbox
                        .reject(&mut self.doc, delta.upto())
                        .unwrap()
                        .delta;
                    assert_eq!(rejected, delta);
                }
            }
            Step::Restamp(seconds, mine) => self.restamp(*seconds, *mine),
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

    /// Returns the first unanswered transaction, of this document or of others. Answers arrive in
    /// order.
    fn first(&mut self, own: bool) -> Option<Delta> {
        let is_own = |delta: &Delta| delta.upto().get(ReplicaId::new(1)) > Time::ZERO;
        let at = self.pending.iter().position(|delta| is_own(delta) == own)?;
        Some(self.pending.remove(at))
    }

    fn restamp(&mut self, seconds: i64, mine: Mine) {
        let now_ms = NOW_MS.saturating_add_signed(seconds * 1_000);
        let window = Window {
            floor: Time::from_ms(now_ms - limits::DRIFT_MS),
            now_ms,
            latest: self.outbox.acknowledged().latest(),
        };
        let (restamped, _) = self
            .outbox
            .restamp(&mut self.doc, window, |replica| mine.has(replica))
            .unwrap();
        let place = |one: &leptos_sync_core::sync::Restamped| {
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
            assert_eq!(
                values(known),
                values(&one.delta),
                "restamping changes only stamps"
            );
            *known = one.delta;
        }
        self.check_taken(window, mine);
        // The tab has not received the new stamps and would continue with stamps in the future, so
        // it restarts.
        self.tab = doc_at(self.tab.replica().get() + 10, NOW_MS).0;
    }

    /// Checks that the relay would accept the transactions that are sent from here: each follows
    /// operations that the relay has or will have, and its stamps are within the window.
    fn check_taken(&self, mut window: Window, mine: Mine) {
        let mut ends = VersionVector::new();
        for delta in &self.pending {
            let Stamp { time, replica } = last(delta);
            if !mine.has(replica) {
                // Another page sends this transaction.
                if window.has(time) {
                    window.accept(time);
                }
                continue;
            }
            let (end, after) = (ends.get(replica), delta.after().get(replica));
            let known = self.outbox.acknowledged().get(replica);
            match end == Time::ZERO {
                true => assert!(
                    after <= known || window.has(after),
                    "the transaction follows {after:?}"
                ),
                false => assert_eq!(after, end),
            }
            ends.include(replica, time);
            assert!(window.has(time), "{time:?} in {window:?}");
            window.accept(time);
        }
    }

    /// Reloads the document as from a storage: acknowledged operations as a snapshot, and the rest
    /// as transactions.
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
        assert_eq!(self.doc.cells(), all, "the document has the expected cells");
        let base = self.outbox.base(&self.doc);
        base.assert_invariants();
        assert_eq!(
            base.cells(),
            winners(self.settled.iter()),
            "the base has the expected cells"
        );
        assert_eq!(
            self.outbox.transactions(),
            self.pending,
            "the outbox has the pending transactions"
        );
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
    fn a_document_holds_accepted_and_unanswered_transactions(before in vec(op(), 0..4), steps in steps()) {
        let mut world = World::new(&before);
        for step in &steps {
            world.step(step);
            world.check();
        }
    }
}

#[test]
fn rolling_back_an_edit_reveals_what_the_relay_sent_meanwhile() {
    let (mut doc, time) = doc_at::<Board>(1, NOW_MS);
    let mut outbox = Outbox::new();
    let (mut other, _other_time) = doc_at::<Board>(2, NOW_MS);
    let theirs = other.edit(&[Op::Title("theirs".to_owned())]).unwrap();
    time.advance(10);
    let ours = outbox
        .transact(&mut doc, |tx| tx.title().set("ours".to_owned()))
        .unwrap();
    outbox.receive(&mut doc, &theirs.delta).unwrap();
    assert_eq!(doc.state().title.get(), "ours", "our edit is the later one");
    let rejected = outbox.reject(&mut doc, ours.delta.upto()).unwrap();
    assert_eq!(doc.state().title.get(), "theirs");
    assert!(!rejected.changes.is_empty(), "the rollback is reported");
    doc.transact(|tx| tx.title().set("later".to_owned()))
        .unwrap();
    assert_eq!(
        rejected.before.title.get(),
        "ours",
        "the user can still get at the rejected edit"
    );
}

#[test]
fn edits_stamped_a_day_ahead_are_restamped_and_later_edits_follow() {
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
        latest: Time::ZERO,
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

/// The relay has stored the first edit and rejected the second, and its answers were lost.
#[test]
fn the_fate_of_edits_is_known_even_if_answers_were_lost() {
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
    assert!(asked.is_empty(), "no edit is known to be stored: {asked:?}");
    let told = relay.delta_since(&asked).unwrap();
    let received = outbox.receive(&mut doc, &told).unwrap();
    assert_eq!(received.rejected, [second]);
    let before = received.before.unwrap();
    assert_eq!(
        before.cards.get(&1).map(String::as_str),
        Some("refused"),
        "the user can still get at the rejected edit"
    );
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

/// An acknowledgement may be lost before it is stored. But the relay has all operations on which
/// its answer relies.
#[test]
fn edits_that_an_answer_relies_on_are_acknowledged() {
    let (mut doc, time) = doc_at::<Board>(1, NOW_MS);
    let mut outbox = Outbox::new();
    let edit = |doc: &mut Doc<Board>, outbox: &mut Outbox, text: &str| {
        time.advance(1);
        let text = text.to_owned();
        let done = outbox.transact(doc, |tx| tx.title().set(text));
        done.unwrap().delta
    };
    let first = edit(&mut doc, &mut outbox, "first");
    // The request states that the relay has the first edit. The answer contains a second edit, by
    // another tab.
    let (mut tab, _tab_time) = doc_at::<Board>(2, NOW_MS);
    tab.apply(&first).unwrap();
    let asked = tab.version().clone();
    let likes = tab.edit(&[Op::Like(1)]).unwrap().delta;
    let mut upto = asked.clone();
    upto.join(likes.upto());
    let answer = Delta::collect(asked, upto, |_| {}).unwrap();
    let received = outbox.receive(&mut doc, &answer).unwrap();
    assert!(received.rejected.is_empty());
    assert_eq!(doc.state().title.get(), "first");
    assert!(outbox.is_empty());
}

#[test]
fn an_outbox_without_a_relay_stores_nothing() {
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

/// A document that was edited before there was a relay is uploaded. If the relay loses its disk,
/// each replica uploads its own operations again, and none uploads those of others.
#[test]
fn operations_outside_transactions_are_sent_per_writer() {
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
        assert_eq!(
            delta.upto().len(),
            1,
            "each writer's delta can be rejected on its own"
        );
        relay.apply(&delta).unwrap();
    }
    assert_eq!(
        relay.state(),
        doc.state(),
        "no relay is known to have had it"
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

/// The page has received the relay's whole state before, because tombstones were forgotten.
#[test]
fn a_relay_that_lost_its_disk_is_restored_although_tombstones_were_forgotten() {
    let (mut doc, _time) = doc_at::<Board>(1, NOW_MS);
    let mut outbox = Outbox::new();
    let mut relay = doc_at::<CellMap>(9, NOW_MS).0;
    let mut other = doc_at::<Board>(2, NOW_MS).0;
    other.edit(&[Op::Card(1, "gone".to_owned())]).unwrap();
    let removal = other.edit(&[Op::Uncard(1)]).unwrap();
    relay
        .apply(&other.delta_since(&VersionVector::new()).unwrap())
        .unwrap();
    relay.forget_tombstones(removal.delta.upto());
    outbox
        .receive_snapshot(&mut doc, &[relay.snapshot().unwrap()])
        .unwrap();
    let written = outbox.transact(&mut doc, |tx| tx.title().set("kept".to_owned()));
    outbox.acknowledge(written.unwrap().delta.upto());

    let mine = |replica| replica == ReplicaId::new(1);
    let mut empty = doc_at::<Board>(9, NOW_MS).0;
    for delta in outbox.pending(&doc, empty.version(), mine).unwrap() {
        empty.apply(&delta).unwrap();
    }
    assert_eq!(empty.state().title.get(), "kept");
    let mut part = VersionVector::of(ReplicaId::new(2), Time::from_ms(NOW_MS));
    let error = outbox.pending(&doc, &part, mine).unwrap_err();
    assert!(
        error.is_snapshot_needed(),
        "removed cells may still be present"
    );
    part.join(removal.delta.upto());
    assert_eq!(outbox.pending(&doc, &part, mine).unwrap().len(), 1);
}

#[test]
fn transactions_of_another_tab_are_neither_sent_nor_restamped_here() {
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
        latest: Time::ZERO,
    };
    let (restamped, _) = outbox.restamp(&mut doc, window, mine).unwrap();
    let replaced: Vec<_> = restamped.iter().map(|one| &one.replaced).collect();
    assert_eq!(replaced, [ours.upto()]);
    assert!(doc.version().covers(theirs.upto()));
}

/// A tab of a browser. Its clock is an hour ahead until a relay reports the time.
struct Tab {
    doc: Doc<Board>,
    outbox: Outbox,
    time: ManualTime,
}

const HOUR_MS: u64 = 3_600_000;

impl Tab {
    fn new(replica: u64) -> Self {
        let (doc, time) = doc_at(replica, NOW_MS + HOUR_MS);
        Self {
            doc,
            outbox: Outbox::new(),
            time,
        }
    }

    fn edit(&mut self, op: Op, other: &mut Self) {
        let edit = |tx: &mut leptos_sync_core::Tx<'_, Board>| Board::edit(tx, &op);
        let done = self.outbox.transact(&mut self.doc, edit).unwrap();
        other.outbox.take(&mut other.doc, &done.delta).unwrap();
    }

    /// Exchanges the document like a page that has opened it at the relay and sends for its own id.
    /// Notifies the other tab.
    fn exchange(&mut self, relay: &mut Doc<CellMap>, other: &mut Self) {
        self.time.set(NOW_MS);
        let own = self.doc.replica();
        let mine = |replica| replica == own;
        let asked = self.outbox.version(&self.doc);
        let told = relay.delta_since(&asked).unwrap();
        let received = self.outbox.receive(&mut self.doc, &told).unwrap();
        assert!(received.rejected.is_empty());
        let (restamped, _) = self.outbox.restamp(&mut self.doc, NOW, mine).unwrap();
        other.outbox.replace(&mut other.doc, &restamped);
        let pending = self.outbox.pending(&self.doc, relay.version(), mine);
        for delta in pending.unwrap() {
            assert!(
                NOW.has(delta.upto().latest()),
                "the relay would reject the stamp"
            );
            relay.apply(&delta).unwrap();
            self.outbox.acknowledge(delta.upto());
        }
        self.doc.assert_invariants();
    }
}

/// The window of the relay.
const NOW: Window = Window {
    floor: Time::ZERO,
    now_ms: NOW_MS,
    latest: Time::ZERO,
};

/// Transactions that the other tab has not restamped yet do not move this tab's edits beyond the
/// relay's window.
#[test]
fn two_tabs_with_a_fast_clock_deliver_their_edits_in_any_order() {
    for first in 0..2 {
        let mut tabs = [Tab::new(1), Tab::new(2)];
        let mut relay = doc_at::<CellMap>(9, NOW_MS).0;
        let [a, b] = &mut tabs;
        a.edit(Op::Card(1, "a".to_owned()), b);
        b.edit(Op::Card(2, "b".to_owned()), a);
        if first == 1 {
            tabs.reverse();
        }
        let [a, b] = &mut tabs;
        a.exchange(&mut relay, b);
        // The clock advances beyond the other tab's edits, and is corrected again.
        a.edit(Op::Card(3, "a".to_owned()), b);
        a.exchange(&mut relay, b);
        b.exchange(&mut relay, a);
        a.edit(Op::Card(4, "a".to_owned()), b);
        assert!(NOW.has(a.doc.version().latest()), "all clocks are correct");
        a.exchange(&mut relay, b);
        b.exchange(&mut relay, a);
        assert!(a.outbox.is_empty() && b.outbox.is_empty());
        assert_eq!(a.doc.cells(), b.doc.cells());
        assert_eq!(a.doc.state().cards.len(), 4);
        assert_eq!(a.doc.version(), relay.version());
        assert_eq!(a.doc.cells(), relay.cells());
    }
}

/// A relay's clock was a day ahead for a moment. What it accepted then can be read and edited by
/// everyone immediately.
#[test]
fn a_document_with_stamps_from_the_future_can_be_read_and_edited() {
    let (mut early, _) = doc_at::<Board>(1, NOW_MS + 24 * HOUR_MS);
    let written = early.edit(&[Op::Title("early".to_owned())]).unwrap().delta;
    let (mut doc, _time) = doc_at::<Board>(2, NOW_MS);
    let mut outbox = Outbox::new();
    outbox.receive(&mut doc, &written).unwrap();
    assert_eq!(doc.state().title.get(), "early");
    let mut window = Window {
        latest: doc.version().latest(),
        ..NOW
    };
    for title in ["first", "second"] {
        let set = |tx: &mut leptos_sync_core::Tx<'_, Board>| tx.title().set(title.to_owned());
        outbox.transact(&mut doc, set).unwrap();
    }
    let (restamped, _) = outbox.restamp(&mut doc, window, |_| true).unwrap();
    assert!(restamped.is_empty(), "the relay accepts the stamps");
    for delta in outbox.transactions() {
        assert!(window.has(delta.upto().latest()));
        window.accept(delta.upto().latest());
    }
    assert_eq!(doc.state().title.get(), "second");
}

/// The relay restarts with a clock that is an hour behind. An edit of a value that was written
/// before must still win over it.
#[test]
fn an_edit_made_after_what_it_replaces_is_never_restamped_to_before_it() {
    let (mut ada, _) = doc_at::<Board>(1, NOW_MS);
    let first = ada.edit(&[Op::Title("Ada's".to_owned())]).unwrap().delta;
    for ahead_ms in [0, HOUR_MS] {
        let (mut bob, time) = doc_at::<Board>(2, NOW_MS + ahead_ms);
        let mut outbox = Outbox::new();
        outbox.receive(&mut bob, &first).unwrap();
        if ahead_ms == 0 {
            time.set(NOW_MS - HOUR_MS);
        }
        let set = |tx: &mut leptos_sync_core::Tx<'_, Board>| tx.title().set("Bob's".to_owned());
        outbox.transact(&mut bob, set).unwrap();
        let window = Window {
            floor: Time::ZERO,
            now_ms: NOW_MS - HOUR_MS,
            latest: first.upto().latest(),
        };
        outbox.restamp(&mut bob, window, |_| true).unwrap();
        assert_eq!(bob.state().title.get(), "Bob's");
        let stamp = outbox.transactions()[0].upto().latest();
        assert!(
            window.has(stamp),
            "the relay accepts {stamp:?} in {window:?}"
        );
    }
}

/// The relay has the other tab's earlier operations but not its later ones. An edit that was made
/// after its author saw the later ones must stay after them.
#[test]
fn a_restamped_edit_stays_after_the_other_tabs_edits_at_the_relay() {
    let mut tabs = [Tab::new(1), Tab::new(2)];
    let mut relay = doc_at::<CellMap>(9, NOW_MS).0;
    let [a, b] = &mut tabs;
    b.time.set(NOW_MS + 60_000);
    b.edit(Op::Title("theirs".to_owned()), a);
    b.exchange(&mut relay, a);
    a.exchange(&mut relay, b);
    a.time.set(NOW_MS + HOUR_MS);
    b.time.set(NOW_MS + HOUR_MS);
    b.edit(Op::Like(1), a);
    a.edit(Op::Title("ours".to_owned()), b);
    a.exchange(&mut relay, b);
    assert_eq!(a.doc.state().title.get(), "ours");
}

/// The relay accepts neither operations that are too old nor operations that follow missing ones.
#[test]
fn rejected_operations_from_before_the_relay_block_no_later_edit() {
    for then_ms in [NOW_MS - HOUR_MS, NOW_MS + HOUR_MS] {
        let (mut doc, time) = doc_at::<Board>(1, then_ms);
        doc.edit(&[Op::Title("before".to_owned())]).unwrap();
        let mut outbox = Outbox::new();
        time.set(NOW_MS);
        let edit = outbox.transact(&mut doc, |tx| tx.likes().increment(1));
        assert_eq!(outbox.unknown(&doc), 1, "the relay is reported to lack it");
        let window = Window {
            floor: Time::from_ms(NOW_MS - HOUR_MS / 2),
            now_ms: NOW_MS,
            latest: Time::ZERO,
        };
        let (restamped, _) = outbox.restamp(&mut doc, window, |_| true).unwrap();
        assert_eq!(restamped[0].replaced, *edit.unwrap().delta.upto());
        let mut relay = doc_at::<Board>(9, NOW_MS).0;
        for delta in outbox.pending(&doc, relay.version(), |_| true).unwrap() {
            assert!(window.has(delta.upto().latest()));
            relay.apply(&delta).unwrap();
            outbox.acknowledge(delta.upto());
        }
        assert_eq!(relay.state().likes.value(), 1);
        assert_eq!(doc.state().title.get(), "before", "it stays on this device");
        let (again, _) = outbox.restamp(&mut doc, window, |_| true).unwrap();
        assert!(again.is_empty());
    }
}
