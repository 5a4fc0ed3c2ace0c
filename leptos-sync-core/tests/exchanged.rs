//! A stored document that is exchanged with a relay. After a crash, nothing is lost, and rejected
//! transactions can still be rolled back.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod model;

use std::{pin::pin, task::Poll};

use leptos_sync_core::{
    Delta, Doc, Outbox, ReplicaId, Time, VersionVector,
    clock::Window,
    engine::{DocStore, StoreWrite},
    storage::{Batch, MemoryStorage, Storage},
};
use model::{Board, BoardFields as _, NOW_MS, Op, Peer as _, Schema as _, doc_at};
use proptest::{collection::vec, prelude::*};

/// Returns the output of a future that never waits, since the storage is in memory.
fn now<T>(future: impl Future<Output = T>) -> T {
    let waker = std::task::Waker::noop();
    match pin!(future).poll(&mut std::task::Context::from_waker(waker)) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("a memory store waited"),
    }
}

struct Kept {
    store: DocStore<MemoryStorage>,
    doc: Doc<Board>,
    outbox: Outbox,
}

impl Kept {
    fn open(storage: &MemoryStorage, replica: u64) -> Self {
        let clock = doc_at::<Board>(replica, NOW_MS + replica).0.clock().clone();
        let mut store = DocStore::new(storage.clone(), "board").unwrap();
        let (loaded, outbox) = now(store.load_exchanged(clock)).unwrap();
        assert!(loaded.damage.is_empty());
        let doc = loaded.doc;
        Self { store, doc, outbox }
    }

    fn edit(&mut self, ops: &[Op]) {
        let edit = |tx: &mut leptos_sync_core::Tx<'_, Board>| {
            ops.iter().for_each(|op| Board::edit(tx, op));
        };
        let done = self.outbox.transact(&mut self.doc, edit).unwrap();
        if !done.delta.is_empty() {
            let StoreWrite { batch, receipt, .. } = self.store.log(&[done.delta]);
            self.commit(batch);
            self.store.committed(receipt);
        }
    }

    fn commit(&self, batch: Batch) {
        now(self.store.storage().commit(batch)).unwrap();
    }

    fn write(&mut self, write: StoreWrite) {
        self.commit(write.batch);
        self.store.committed(write.receipt);
    }

    fn receive(&mut self, delta: &Delta) {
        self.outbox.receive(&mut self.doc, delta).unwrap();
        let write =
            self.store
                .log_received(&mut self.doc, std::slice::from_ref(delta), &self.outbox);
        self.write(write);
    }

    fn acknowledge(&mut self, upto: &VersionVector) {
        self.outbox.acknowledge(upto);
        let write = self.store.log_received(&mut self.doc, &[], &self.outbox);
        self.write(write);
    }

    fn compact(&mut self) {
        let write = self.store.compact_exchanged(&mut self.doc, &self.outbox);
        self.write(write.unwrap());
    }

    /// Returns the transactions to send. Those of each replica are in order.
    fn sent(&self) -> Vec<Delta> {
        let mut sent = self.outbox.transactions().to_vec();
        sent.sort_by_key(|delta| {
            let mut upto = delta.upto().iter();
            upto.next()
        });
        sent
    }

    fn first(&self) -> Option<VersionVector> {
        let first = self.outbox.transactions().first()?;
        Some(first.upto().clone())
    }
}

#[derive(Clone, Debug)]
enum Step {
    Edit(Vec<Op>),
    Receive(Vec<Op>),
    Acknowledge,
    /// A transaction is rolled back, which rewrites everything.
    Reject,
    Restamp,
    Compact,
    Reopen,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        "[a-z]{0,3}".prop_map(Op::Title),
        (0_u32..4, "[a-z]{0,3}").prop_map(|(key, text)| Op::Card(key, text)),
        (0_u32..4).prop_map(Op::Uncard),
        (1_u64..9).prop_map(Op::Like),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ops = || vec(op(), 1..4);
    let step = prop_oneof![
        6 => ops().prop_map(Step::Edit),
        4 => ops().prop_map(Step::Receive),
        3 => Just(Step::Acknowledge),
        2 => Just(Step::Reject),
        1 => Just(Step::Restamp),
        2 => Just(Step::Compact),
        3 => Just(Step::Reopen),
    ];
    vec(step, 1..24)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_document_and_its_outbox_survive_a_reload(steps in steps()) {
        let storage = MemoryStorage::new();
        let mut kept = Kept::open(&storage, 1);
        let mut others = doc_at::<Board>(1_000, NOW_MS + 7).0;
        let mut replica = 1;
        for step in steps {
            match step {
                Step::Edit(ops) => kept.edit(&ops),
                Step::Receive(ops) => {
                    let written = others.edit(&ops).unwrap();
                    kept.receive(&written.delta);
                }
                Step::Acknowledge => {
                    if let Some(first) = kept.first() {
                        kept.acknowledge(&first);
                    }
                }
                Step::Reject => {
                    if let Some(first) = kept.first() {
                        kept.outbox.reject(&mut kept.doc, &first).unwrap();
                        kept.compact();
                    }
                }
                Step::Restamp => {
                    let now_ms = NOW_MS + 60_000;
                    let floor = Time::from_ms(NOW_MS + 50_000);
                    kept.outbox.restamp(&mut kept.doc, Window { floor, now_ms, latest: Time::ZERO }, |_| true).unwrap();
                    kept.compact();
                }
                Step::Compact => kept.compact(),
                Step::Reopen => {
                    replica += 1;
                    let again = Kept::open(&storage, replica);
                    let cells = kept.doc.cells();
                    prop_assert_eq!(again.doc.cells(), cells);
                    prop_assert_eq!(again.doc.version(), kept.doc.version());
                    prop_assert_eq!(again.sent(), kept.sent());
                    prop_assert_eq!(
                        again.outbox.base(&again.doc).cells(),
                        kept.outbox.base(&kept.doc).cells()
                    );
                    prop_assert_eq!(again.outbox.acknowledged(), kept.outbox.acknowledged());
                    kept = again;
                }
            }
            kept.doc.assert_invariants();
        }
    }
}

/// Both deltas end with the same operation of Bob, but only the first contains Ada's edit.
#[test]
fn two_deltas_with_the_same_end_are_both_stored() {
    let storage = MemoryStorage::new();
    let mut kept = Kept::open(&storage, 1);
    let (mut ada, mut bob) = (
        doc_at::<Board>(2, NOW_MS).0,
        doc_at::<Board>(3, NOW_MS + 9).0,
    );
    ada.transact(|tx| tx.title().set("Ada's".to_owned()))
        .unwrap();
    bob.apply(&ada.delta_since(bob.version()).unwrap()).unwrap();
    bob.transact(|tx| tx.likes().increment(1)).unwrap();
    let all = bob.delta_since(&VersionVector::new()).unwrap();
    kept.receive(&all);
    let last = VersionVector::of(ReplicaId::new(2), ada.version().latest());
    let again = bob.delta_since(&last).unwrap();
    assert_eq!(again.upto().latest(), all.upto().latest());
    kept.receive(&again);
    let kept = Kept::open(&storage, 4);
    assert_eq!(kept.doc.state().title.get(), "Ada's");
    assert_eq!(kept.doc.state().likes.value(), 1);
}

/// The last transaction of a compaction may come from another tab, which logs it too. Both records
/// must remain.
#[test]
fn one_tabs_compaction_is_not_overwritten_by_anothers_log() {
    let storage = MemoryStorage::new();
    let mut ours = Kept::open(&storage, 1);
    let mut theirs = Kept::open(&storage, 2);
    ours.edit(&[Op::Card(1, "ours".to_owned())]);
    // The tab receives the transaction before its author logs it, and compacts it with the rest.
    let edit = |tx: &mut leptos_sync_core::Tx<'_, Board>| tx.cards().insert(2, "theirs".to_owned());
    let told = theirs.outbox.transact(&mut theirs.doc, edit).unwrap().delta;
    ours.outbox.take(&mut ours.doc, &told).unwrap();
    ours.compact();
    let StoreWrite { batch, .. } = theirs.store.log(&[told]);
    theirs.commit(batch);
    let again = Kept::open(&storage, 3);
    assert_eq!(again.outbox.len(), 2, "our transaction is present too");
    assert_eq!(again.doc.cells(), ours.doc.cells());
}

/// A page edits before its storage is open. The stored document becomes the base of these edits.
#[test]
fn rejecting_an_edit_from_before_the_load_restores_the_stored_value() {
    let storage = MemoryStorage::new();
    let mut kept = Kept::open(&storage, 1);
    kept.edit(&[Op::Title("stored".to_owned())]);
    let first = kept.first().unwrap();
    kept.acknowledge(&first);
    kept.compact();
    let mut doc = doc_at::<Board>(2, NOW_MS + 9).0;
    let mut outbox = Outbox::new();
    let early = outbox.transact(&mut doc, |tx| tx.title().set("early".to_owned()));
    let mut store = DocStore::new(storage.clone(), "board").unwrap();
    let records = now(storage.scan_prefix(store.prefix())).unwrap();
    let damage = store
        .read_exchanged(records, &mut doc, &mut outbox)
        .unwrap();
    assert!(damage.is_empty());
    assert_eq!(doc.state().title.get(), "early");
    assert_eq!(outbox.base(&doc).state().title.get(), "stored");
    outbox
        .reject(&mut doc, early.unwrap().delta.upto())
        .unwrap();
    assert_eq!(doc.state().title.get(), "stored");
}
