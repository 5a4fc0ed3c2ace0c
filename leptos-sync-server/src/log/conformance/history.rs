//! Random histories. Replicas write, send, fall behind, are rejected and catch up. After each step,
//! the log must equal a `Doc<CellMap>` with the same operations.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use leptos_sync_core::{
    Clock, Delta, Doc, ReplicaId, Time, VersionVector,
    cells::CellMap,
    clock::{ManualTime, TimeSource},
};
use proptest::{collection::vec, prelude::*};

use super::{
    Place,
    ask::{CellsByPath, Whole, cells_of, fails, since, state, succeeds},
    board::{Board, NOW_MS, Op, doc, ops, write},
};
use crate::{DocumentState, DurableLog};

const REPLICAS: usize = 3;
const DOCUMENT: &str = "board";

/// One step of a history. Indices wrap around.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Write(usize, Vec<Op>),
    /// A replica sends up to this many transactions in one call.
    Send(usize, usize),
    /// A replica sends all its transactions except the first, which leaves a gap.
    SendAhead(usize),
    Pull(usize, usize),
    /// Rejects a replica's transactions for good; it continues under a new id.
    Refuse(usize),
    /// Forgets tombstones older than this many milliseconds.
    Forget(u64),
    /// Requests the operations that a replica at an earlier version lacks, in parts of this many
    /// bytes.
    Since(usize, usize),
    Bind(Vec<u64>, u8),
    Reopen,
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = 0..REPLICAS;
    let bytes = || prop_oneof![Just(1_usize), 20..200_usize, Just(64 * 1024)];
    let step = prop_oneof![
        8 => (who.clone(), ops()).prop_map(|(who, ops)| Step::Write(who, ops)),
        6 => (who.clone(), 1..4_usize).prop_map(|(who, count)| Step::Send(who, count)),
        1 => who.clone().prop_map(Step::SendAhead),
        4 => (who.clone(), bytes()).prop_map(|(who, bytes)| Step::Pull(who, bytes)),
        1 => who.prop_map(Step::Refuse),
        2 => (0..20_u64).prop_map(Step::Forget),
        4 => (any::<usize>(), bytes()).prop_map(|(version, bytes)| Step::Since(version, bytes)),
        1 => (vec(0..6_u64, 0..3), 0..3_u8).prop_map(|(ids, user)| Step::Bind(ids, user)),
        1 => Just(Step::Reopen),
    ];
    vec(step, 1..60)
}

/// Runs all steps and compares the log with the model after each.
pub(super) async fn follow(place: &impl Place, steps: Vec<Step>) {
    let mut world = World::new(place.open());
    for step in steps {
        world.time.advance(1);
        world.take(place, step).await;
        let found = state(&*world.log, DOCUMENT).await;
        assert_eq!(found, world.expected(), "the state matches the model");
        world.versions.push(found.version);
    }
    let all = since(&*world.log, DOCUMENT, &VersionVector::new(), 1000).await;
    assert_eq!(
        all.cells(),
        world.cells(),
        "the final cells match the model"
    );
}

struct Replica {
    doc: Doc<Board>,
    /// The transactions that were not sent yet.
    pending: VecDeque<Delta>,
}

struct World {
    log: Arc<dyn DurableLog>,
    time: ManualTime,
    oracle: Doc<CellMap>,
    floor: Time,
    replicas: Vec<Replica>,
    next_id: u64,
    /// The versions that replicas have had.
    versions: Vec<VersionVector>,
    bound: BTreeMap<u64, u8>,
}

impl World {
    fn new(log: Arc<dyn DurableLog>) -> Self {
        let time = ManualTime::at(NOW_MS);
        let replica = |id| Replica {
            doc: doc(id, &time),
            pending: VecDeque::new(),
        };
        Self {
            log,
            oracle: Doc::new(Clock::new(ReplicaId::new(u64::MAX), time.clone())),
            floor: Time::ZERO,
            replicas: (0..REPLICAS as u64).map(replica).collect(),
            next_id: 1 << 63,
            versions: vec![VersionVector::new()],
            bound: BTreeMap::new(),
            time,
        }
    }

    fn expected(&self) -> DocumentState {
        let snapshot = self.oracle.snapshot().expect("the oracle is small");
        DocumentState {
            version: snapshot.version().clone(),
            horizon: snapshot.horizon().clone(),
            floor: self.floor,
        }
    }

    fn cells(&self) -> CellsByPath {
        cells_of(self.oracle.snapshot().expect("the oracle is small").cells())
    }

    fn replica(&mut self, who: usize) -> &mut Replica {
        self.replicas
            .get_mut(who)
            .expect("the index of the replica is in range")
    }

    async fn take(&mut self, place: &impl Place, step: Step) {
        match step {
            Step::Write(who, ops) => {
                let Replica { doc, pending } = self.replica(who);
                let delta = write(doc, &ops);
                if !delta.upto().is_empty() {
                    pending.push_back(delta);
                }
                let version = doc.version().clone();
                self.versions.push(version);
            }
            Step::Send(who, count) => self.send(who, count).await,
            Step::SendAhead(who) => self.send_ahead(who).await,
            Step::Pull(who, bytes) => self.pull(who, bytes).await,
            Step::Refuse(who) => self.refuse(who).await,
            Step::Forget(age) => self.forget(age).await,
            Step::Since(which, bytes) => self.since(which, bytes).await,
            Step::Bind(ids, user) => self.bind(&ids, user).await,
            Step::Reopen => {
                // Drop the old log before opening it again.
                self.log = Arc::new(crate::MemoryLog::new());
                self.log = place.open();
            }
        }
    }

    async fn send(&mut self, who: usize, count: usize) {
        let pending = &mut self.replica(who).pending;
        let sent: Vec<_> = pending.drain(..count.min(pending.len())).collect();
        let appended = self.log.append(DOCUMENT, sent.clone()).await;
        let stale = |delta: &Delta| delta.cells_upto().latest() < self.floor;
        // All cells of a transaction share one stamp.
        if sent.iter().any(|delta| !delta.is_empty() && stale(delta)) {
            assert!(fails(appended, "an operation below the floor").is_stale());
            self.replica(who).pending.extend(sent);
            return self.refuse(who).await;
        }
        succeeds(appended, "append");
        for delta in &sent {
            self.oracle
                .apply(delta)
                .expect("the oracle accepts what the log accepted");
        }
    }

    async fn send_ahead(&mut self, who: usize) {
        let ahead: Vec<_> = self.replica(who).pending.iter().skip(1).cloned().collect();
        if !ahead.is_empty() {
            let refused = fails(self.log.append(DOCUMENT, ahead).await, "a gap");
            assert!(refused.is_gap(), "{refused:?}");
        }
    }

    async fn pull(&mut self, who: usize, bytes: usize) {
        let log = Arc::clone(&self.log);
        let Replica { doc, pending } = self.replica(who);
        match since(&*log, DOCUMENT, doc.version(), bytes).await {
            Whole::Delta(delta) => doc.apply(&delta).expect("the delta has no gap"),
            Whole::Snapshot(snapshot) => doc
                .merge_snapshot(&snapshot)
                .expect("the snapshot is newer than the document"),
        };
        doc.assert_invariants();
        let here = cells_of(
            doc.snapshot()
                .expect("the document is within the limits")
                .cells(),
        );
        let all_sent = pending.is_empty();
        let ours = doc.version().clone();
        assert!(ours.covers(self.oracle.version()));
        if all_sent {
            // The two may differ in tombstones, but not in live cells.
            let live = |cells: CellsByPath| -> CellsByPath {
                let cells = cells.into_iter();
                cells.filter(|(_, (_, value))| value.is_some()).collect()
            };
            assert_eq!(
                live(here),
                live(self.cells()),
                "replica {who} is up to date"
            );
        }
    }

    async fn refuse(&mut self, who: usize) {
        let pending = &mut self.replica(who).pending;
        let mut upto = VersionVector::new();
        pending.iter().for_each(|delta| upto.join(delta.upto()));
        succeeds(self.log.claim(DOCUMENT, upto.clone()).await, "claim");
        let nothing = Delta::collect(VersionVector::new(), upto, |_| {});
        let nothing = nothing.expect("an empty delta is within the limits");
        self.oracle
            .apply(&nothing)
            .expect("the oracle accepts an empty delta");
        self.next_id += 1;
        let doc = doc(self.next_id, &self.time);
        *self.replica(who) = Replica {
            doc,
            pending: VecDeque::new(),
        };
        self.pull(who, 64 * 1024).await;
    }

    async fn forget(&mut self, age: u64) {
        let before = Time::from_ms(self.time.now_ms() - age);
        succeeds(self.log.forget_tombstones(DOCUMENT, before).await, "forget");
        if before <= self.floor || self.oracle.version().is_empty() {
            return;
        }
        self.floor = before;
        let last = Time::new(before.get() - 1);
        let version = self.oracle.version().iter();
        let stable = version.map(|(replica, time)| (replica, time.min(last)));
        let stable = stable.collect();
        self.oracle.forget_tombstones(&stable);
    }

    async fn since(&mut self, which: usize, bytes: usize) {
        let version = self.versions.get(which % self.versions.len());
        let version = version.expect("the index of the version is in range");
        match since(&*self.log, DOCUMENT, version, bytes).await {
            Whole::Delta(delta) => {
                let expected = self
                    .oracle
                    .delta_since(version)
                    .expect("the oracle needs no snapshot either");
                assert_eq!(delta.after(), expected.after(), "after");
                assert_eq!(delta.upto(), expected.upto(), "upto");
                assert_eq!(delta.encode(), expected.encode(), "byte for byte");
            }
            Whole::Snapshot(snapshot) => {
                let refused = self.oracle.delta_since(version);
                assert!(refused.is_err_and(|error| error.is_snapshot_needed()));
                let expected = self.oracle.snapshot().expect("the oracle is small");
                assert_eq!(snapshot.encode(), expected.encode(), "byte for byte");
            }
        }
    }

    async fn bind(&mut self, ids: &[u64], user: u8) {
        let replicas: Vec<_> = ids.iter().copied().map(ReplicaId::new).collect();
        let taken = self.log.bind(&replicas, &user.to_string()).await;
        let taken: Vec<_> = succeeds(taken, "bind").iter().map(|id| id.get()).collect();
        let others = |id: &&u64| self.bound.get(id).is_some_and(|&of| of != user);
        let expected: Vec<_> = ids.iter().filter(others).copied().collect();
        assert_eq!(taken, expected, "the ids that other users hold");
        if expected.is_empty() {
            self.bound.extend(ids.iter().map(|&id| (id, user)));
        }
    }
}
