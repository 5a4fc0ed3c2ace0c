//! The simulated world: replicas, their clocks, the network, and events.

mod network;
mod oracle;
mod random;

use leptos_sync_core::{
    Clock, Delta, Doc, ReplicaId, Snapshot, Time, Transaction, VersionVector, clock::ManualTime,
};

use self::{
    network::{Message, Network, Sent},
    oracle::{CARDS, Oracle, View},
    random::Random,
};
use crate::model::{self, Board, History, NOW_MS, Op, Peer, stable};

const STEPS: u64 = 50;

pub(crate) struct World {
    random: Random,
    now: u64,
    /// The maximum error of a clock in milliseconds, in either direction.
    skew: u64,
    nodes: Vec<Node>,
    network: Network,
    oracle: Oracle,
    history: History,
    replicas: u64,
}

/// A replica and its state.
struct Node {
    doc: Doc<Board>,
    time: ManualTime,
    fork: Option<Doc<Board>>,
    saved: Snapshot,
    /// The known versions of the other replicas.
    peers: Vec<VersionVector>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let count = 3 + random.index(6);
        // Some clocks agree, so that times are equal and ids decide. Twice the greatest error is
        // within the permitted drift.
        let skew = [0, 5, 100_000][random.index(3)];
        let nodes = (0..count).map(|at| {
            let time = ManualTime::at(NOW_MS);
            let doc = Doc::new(Clock::new(ReplicaId::new(1 + at as u64), time.clone()));
            Node {
                saved: Peer::snapshot(&doc),
                doc,
                time,
                fork: None,
                peers: vec![VersionVector::new(); count],
            }
        });
        Self {
            nodes: nodes.collect(),
            random,
            now: NOW_MS,
            skew,
            network: Network::default(),
            oracle: Oracle::default(),
            history: History::default(),
            replicas: count as u64,
        }
    }

    pub(crate) fn run(mut self) {
        for _ in 0..STEPS {
            self.step();
        }
        self.heal();
    }

    fn step(&mut self) {
        self.now += [0, 1, 10, 500][self.random.index(4)];
        let at = self.random.index(self.nodes.len());
        let wall_clock = self.wall_clock();
        self.nodes[at].time.set(wall_clock);
        match self.random.below(100) {
            0..40 => self.edit(at),
            40..55 => {
                let to = self.random.index(self.nodes.len());
                self.send_since(at, to);
            }
            55..62 => {
                let to = self.random.index(self.nodes.len());
                self.send_snapshot(at, to);
            }
            62..70 => self.nodes[at].saved = Peer::snapshot(&self.nodes[at].doc),
            70..75 => self.restart(at),
            75..90 => self.fork(at),
            90..95 => self.forget(at),
            _ => {}
        }
        self.check(at);
        self.history.check(&self.nodes[at].doc);
        for sent in self.network.arrived(self.now) {
            let to = sent.to;
            self.receive(sent);
            self.check(to);
        }
    }

    /// Returns the error of a clock that was just set forwards or backwards.
    fn wall_clock(&mut self) -> u64 {
        self.now - self.skew + self.random.below(2 * self.skew + 1)
    }

    fn edit(&mut self, at: usize) {
        let ops = self.ops();
        let node = &mut self.nodes[at];
        let written = edit(&mut self.oracle, &mut self.history, &mut node.doc, &ops);
        for to in 0..self.nodes.len() {
            if self.random.chance(70) {
                self.send_delta(at, to, &written.delta);
            }
        }
    }

    fn ops(&mut self) -> Vec<Op> {
        (0..=self.random.below(3)).map(|_| self.op()).collect()
    }

    fn op(&mut self) -> Op {
        let random = &mut self.random;
        let card = random.below(u64::from(CARDS)) as u32;
        let text = format!("{}", random.below(1_000));
        let by = random.below(800) as i64 - 400;
        match random.below(14) {
            0 => Op::Title(text),
            1 | 2 => Op::Card(card, text),
            3 => {
                let again = random.below(u64::from(CARDS)) as u32;
                Op::Cards(vec![
                    (card, text),
                    (again, "2".to_owned()),
                    (card, "3".to_owned()),
                ])
            }
            4 | 5 => Op::Uncard(card),
            6 if random.chance(30) => Op::Clear,
            6 | 7 => Op::Tag(["a", "b"][random.index(2)].to_owned(), card as u8),
            8 => Op::Untag(["a", "b"][random.index(2)].to_owned()),
            9 => Op::Like(by.unsigned_abs()),
            10 => Op::Stock(by),
            11 => Op::Done(by > 0),
            12 if by > 0 => Op::Note(card as u8, random.next()),
            12 => Op::Unnote(card as u8),
            _ => Op::Vote(by),
        }
    }

    fn send(&mut self, from: usize, to: usize, upto: VersionVector, message: Message) {
        if from != to {
            let due = self.now;
            let sent = Sent {
                due,
                from,
                to,
                upto,
                message,
            };
            self.network.send(&mut self.random, self.now, sent);
        }
    }

    fn send_delta(&mut self, from: usize, to: usize, delta: &Delta) {
        self.send(
            from,
            to,
            delta.upto().clone(),
            Message::Delta(delta.encode()),
        );
    }

    fn send_snapshot(&mut self, from: usize, to: usize) {
        let snapshot = Peer::snapshot(&self.nodes[from].doc);
        let upto = snapshot.version().clone();
        self.send(from, to, upto, Message::Snapshot(snapshot.encode()));
    }

    /// Sends the operations that the other replica lacks, as far as this replica knows.
    fn send_since(&mut self, from: usize, to: usize) {
        match self.nodes[from]
            .doc
            .delta_since(&self.nodes[from].peers[to])
        {
            Ok(delta) => {
                self.send_delta(from, to, &delta);
                self.nodes[from].peers[to].join(delta.upto());
            }
            Err(error) => {
                assert!(error.is_snapshot_needed(), "{error:?}");
                self.send_snapshot(from, to);
            }
        }
    }

    fn receive(
        &mut self,
        Sent {
            from, to, message, ..
        }: Sent,
    ) {
        let node = &mut self.nodes[to];
        match message {
            Message::Delta(bytes) => {
                let delta = Delta::decode(&bytes).unwrap();
                let before = node.doc.version().clone();
                match node.doc.apply(&delta) {
                    Ok(_) => assert!(before.covers(delta.after()), "a gap is always reported"),
                    Err(error) => {
                        assert!(error.is_gap(), "{error:?}");
                        assert_eq!(*node.doc.version(), before, "an error changes nothing");
                        self.send(to, from, VersionVector::new(), Message::Ask(before));
                    }
                }
            }
            Message::Snapshot(bytes) => {
                let snapshot = Snapshot::decode(&bytes).unwrap();
                node.doc.merge_snapshot(&snapshot).unwrap();
                assert!(node.doc.version().covers(snapshot.version()));
            }
            Message::Ask(version) => {
                node.peers[from] = version;
                self.send_since(to, from);
            }
        }
    }

    /// Restarts a replica under a new id, from its saved state or after a clean shutdown.
    fn restart(&mut self, at: usize) {
        let id = self.fresh();
        let node = &mut self.nodes[at];
        if self.random.chance(50) {
            node.saved = Peer::snapshot(&node.doc);
        }
        let saved = Snapshot::decode(&node.saved.encode()).unwrap();
        node.doc = Doc::load(&saved, Clock::new(id, node.time.clone()));
        assert_eq!(
            Peer::snapshot(&node.doc).encode(),
            saved.encode(),
            "a snapshot equals the state"
        );
    }

    fn fork(&mut self, at: usize) {
        let id = self.fresh();
        let ops = self.ops();
        let node = &mut self.nodes[at];
        match &mut node.fork {
            Some(fork) if self.random.chance(30) => {
                node.doc.merge(fork).unwrap();
                node.fork = None;
            }
            fork => {
                let fork = fork.get_or_insert_with(|| node.doc.fork(id));
                edit(&mut self.oracle, &mut self.history, fork, &ops);
                self.history.check(fork);
            }
        }
    }

    fn fresh(&mut self) -> ReplicaId {
        self.replicas += 1;
        // The order of ids is unrelated to their creation.
        ReplicaId::new(self.random.below(1 << 40) << 16 | self.replicas)
    }

    fn forget(&mut self, at: usize) {
        let stable = self.stable();
        let random = &mut self.random;
        let some = stable.iter().filter(|_| random.chance(70)).collect();
        self.nodes[at].doc.forget_tombstones(&some);
    }

    /// Returns the version that every replica has seen and that no message in flight precedes.
    ///
    /// It does not suffice that all replicas have seen a removal: an older write to the same key
    /// may still be in flight, and would revive the key at a replica that has forgotten the
    /// removal.
    fn stable(&self) -> VersionVector {
        let forks = || self.nodes.iter().filter_map(|node| node.fork.as_ref());
        let docs = || self.nodes.iter().map(|node| &node.doc).chain(forks());
        let saved = self.nodes.iter().map(|node| node.saved.version());
        let seen = stable(docs().map(Doc::version).chain(saved));
        let mut known = VersionVector::new();
        for doc in docs() {
            known.join(doc.version());
        }
        for sent in self.network.in_flight() {
            known.join(&sent.upto);
        }
        let Some(first) = self.oracle.first_missing(&known, &seen) else {
            return seen;
        };
        let before = Time::new(first.get() - 1);
        seen.iter()
            .map(|(replica, time)| (replica, time.min(before)))
            .collect()
    }

    fn check(&self, at: usize) {
        let doc = &self.nodes[at].doc;
        doc.assert_invariants();
        assert_eq!(
            View::of(doc.state()),
            self.oracle.at(doc.version()),
            "node {at}"
        );
    }

    /// Exchanges all operations until nothing changes. Afterwards, all replicas are equal.
    fn heal(&mut self) {
        for node in &mut self.nodes {
            node.time.set(self.now);
            if let Some(fork) = node.fork.take() {
                node.doc.merge(&fork).unwrap();
            }
        }
        for from in (0..self.nodes.len()).chain(0..self.nodes.len()) {
            for to in 0..self.nodes.len() {
                self.exchange(from, to, model::send);
            }
        }
        let horizons = |world: &Self| {
            let mut horizons = world
                .nodes
                .iter()
                .map(|node| Peer::snapshot(&node.doc).horizon().clone());
            let first = horizons.next().unwrap();
            horizons.all(|horizon| horizon == first)
        };
        if !horizons(self) {
            // A delta does not convey forgotten tombstones; snapshots do.
            for at in 0..2 * self.nodes.len() {
                let count = self.nodes.len();
                self.exchange(at % count, (at + 1) % count, model::send_snapshot);
            }
        }
        let settled = Peer::snapshot(&self.nodes[0].doc).encode();
        for at in 0..self.nodes.len() {
            self.check(at);
            self.history.check(&self.nodes[at].doc);
            assert_eq!(self.nodes[at].doc.version(), self.nodes[0].doc.version());
            let bytes = Peer::snapshot(&self.nodes[at].doc).encode();
            assert!(
                bytes == settled,
                "node {at} does not equal node 0 byte for byte"
            );
        }
    }

    fn exchange(&mut self, from: usize, to: usize, send: fn(&dyn Peer, &mut dyn Peer)) {
        if let Ok([from, to]) = self.nodes.get_disjoint_mut([from, to]) {
            send(&from.doc, &mut to.doc);
        }
    }
}

fn edit(
    oracle: &mut Oracle,
    history: &mut History,
    doc: &mut Doc<Board>,
    ops: &[Op],
) -> Transaction {
    let before = doc.version().clone();
    let written = doc.edit(ops).unwrap();
    oracle.record(&before, written.stamp, ops);
    history.record(&written);
    written
}
