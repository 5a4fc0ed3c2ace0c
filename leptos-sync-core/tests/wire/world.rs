//! Clients and a relay that fail, and the rules that hold nevertheless.

use std::collections::BTreeSet;

use leptos_sync_core::{Tx, cells::PathBuf, sync::Permission};

use super::peer::Peer;
use crate::replicas::{
    disk::Disk,
    oracle::{Board, BoardFields, Cell, Oracle, Uid, is_counter, seed_ids, visible},
    relay::{Db, Relay},
};

const STEPS: usize = 120;

/// The rounds after which everybody must be synced once all faults are over. Nobody should wait for
/// another connection.
const ROUNDS: usize = 1;

pub(crate) struct World {
    oracle: Oracle,
    relay: Relay,
    peers: Vec<Peer>,
    backups: Vec<Db>,
    disks: Vec<(usize, Disk)>,
    epochs: u64,
    /// Whether clocks may be wrong.
    clocks: bool,
}

impl World {
    pub(crate) fn new(seed: u64, traces: bool) -> Self {
        seed_ids(seed);
        let peer = |(at, name): (u64, &str)| Peer::new(name, Disk::new(), 8 * seed + at);
        let mut peers: Vec<Peer> = (0..).zip(["A", "B", "C"]).map(peer).collect();
        if seed.is_multiple_of(3) {
            peers[2].permission = Permission::Read;
        }
        Self {
            oracle: Oracle::new(seed, traces),
            relay: Relay::new(),
            peers,
            backups: Vec::new(),
            disks: Vec::new(),
            epochs: 1,
            clocks: seed.is_multiple_of(2),
        }
    }

    pub(crate) fn run(&mut self) {
        for _ in 0..STEPS {
            let at = self.oracle.rng.below(self.peers.len());
            self.step(at);
        }
        self.heal();
    }

    pub(crate) fn trace(&self) -> &[String] {
        self.oracle.trace.as_deref().unwrap_or_default()
    }

    /// Lets frames arrive.
    fn pass(&mut self, at: usize, count: usize) {
        for _ in 0..count {
            let changed = self.peers[at].step(&mut self.relay, &mut self.oracle);
            if changed {
                for peer in &mut self.peers {
                    if let Some(line) = &mut peer.line {
                        line.publish(&self.relay);
                    }
                }
            }
            self.peers[at].check_synced(&self.relay);
        }
    }

    fn step(&mut self, at: usize) {
        if at.is_multiple_of(2) {
            let mut this = self.peers[at].handle.0.borrow_mut();
            this.replica.pack_tombstones(1);
        }
        self.oracle.now += self.oracle.rng.pick(&[0, 1, 1, 2]);
        self.peers[at].set_time(&self.oracle);
        match self.oracle.rng.below(1_000) {
            0..220 => self.edit(at),
            220..640 => {
                if self.oracle.rng.chance(60) {
                    self.peers[at].hurry();
                }
                let count = self.oracle.rng.pick(&[1, 3, 10, 40]);
                self.pass(at, count);
                if self.oracle.rng.chance(6) {
                    self.peers[at].cut(&self.oracle);
                    self.log(at, "is cut");
                }
            }
            640..740 => drop(self.peers[at].handle.0.borrow_mut().save()),
            740..780 => {
                self.load(at, None);
                self.log(at, "is killed");
            }
            780..810 => {
                let disk = self.peers[at].handle.0.borrow().disk.copy();
                self.disks.push((at, disk));
                self.log(at, "has its disk copied");
            }
            810..840 if !self.disks.is_empty() => {
                let (at, disk) = &self.disks[self.oracle.rng.below(self.disks.len())];
                let (at, disk) = (*at, disk.copy());
                self.load(at, Some(disk));
                self.log(at, "is restored");
            }
            840..855 if self.peers.len() < 5 => {
                let name = format!("{}'", self.peers[at].name);
                let disk = self.peers[at].handle.0.borrow().disk.copy();
                let mut peer = Peer::new(&name, disk, self.oracle.rng.next());
                peer.permission = self.peers[at].permission;
                self.peers.push(peer);
                self.log(at, "is cloned");
            }
            855..890 => {
                self.backups.push(self.relay.db.clone());
                let head = self.relay.db.sequence;
                self.oracle.log(|| format!("backup at {head}"));
            }
            890..920 if !self.backups.is_empty() => {
                let backup = self.oracle.rng.below(self.backups.len());
                self.relay.db = self.backups[backup].clone();
                self.restart();
                let head = self.relay.db.sequence;
                self.oracle.log(|| format!("relay restored to {head}"));
            }
            920..930 => self.restart(),
            930..945 if self.clocks => {
                self.relay.skew = self.oracle.rng.pick(&[0, 0, -40, 300]);
                self.restart();
                let skew = self.relay.skew;
                self.oracle
                    .log(|| format!("relay's clock is off by {skew}"));
            }
            945..955 if self.clocks => {
                self.peers[at].skew = self.oracle.rng.pick(&[0, 0, -30, 200]);
            }
            955..970 => self.relay.forget(&self.oracle),
            970..980 => {
                let mut this = self.peers[at].handle.0.borrow_mut();
                this.replica.forget_tombstones();
            }
            980..990 => self.oracle.now += self.oracle.rng.pick(&[20, 80]),
            _ => {}
        }
    }

    fn log(&mut self, at: usize, text: &str) {
        let name = &self.peers[at].name;
        self.oracle.log(|| format!("{name} {text}"));
    }

    fn load(&mut self, at: usize, disk: Option<Disk>) {
        self.peers[at].cut(&self.oracle);
        let mut this = self.peers[at].handle.0.borrow_mut();
        if let Some(disk) = disk {
            this.disk = disk;
        }
        this.load();
    }

    fn restart(&mut self) {
        self.epochs += 1;
        self.relay.epoch = self.epochs;
        for peer in &mut self.peers {
            peer.cut(&self.oracle);
        }
    }

    fn edit(&mut self, at: usize) {
        if self.peers[at].permission == Permission::Read {
            return;
        }
        let uid = self.oracle.edit();
        let kind = self.oracle.rng.below(13);
        let key = self.oracle.rng.below(2) as u8;
        let mut bit = 0;
        if kind < 3 && self.oracle.increments.len() < 60 {
            bit = 1_u64 << self.oracle.increments.len();
            self.oracle.increments.push(uid);
        }
        let edit = |tx: &mut Tx<'_, Board>| match kind {
            0 => tx.likes().increment(bit),
            1 => tx.stock().increment(bit),
            2 => tx.stock().decrement(bit),
            3 => tx.title().set(uid),
            4 | 5 => tx.items().remove(&key),
            6 => {
                tx.title().set(uid);
                tx.items().insert(key, uid);
            }
            7..10 => tx.items().insert(key, uid),
            10 => tx.draft().set(uid),
            _ => tx.labels().toggle(key),
        };
        let written = self.peers[at].handle.0.borrow_mut().replica.transact(edit);
        let Some(entry) = written.unwrap().entry else {
            return;
        };
        self.oracle.note(&entry, uid);
        self.log(at, &format!("edits {uid} as {:?}", entry.id));
        self.peers[at].edited(&self.oracle);
    }

    /// Ends all faults. Then everybody gets everything that anybody holds.
    fn heal(&mut self) {
        self.oracle.log(|| "--- healing".to_owned());
        self.oracle.faulty = false;
        self.relay.skew = 0;
        let held = self.held();
        let counted = self.counted(&held);
        for peer in &mut self.peers {
            peer.skew = 0;
            peer.permission = Permission::Write;
            peer.cut(&self.oracle);
            peer.handle.0.borrow().disk.heal();
        }
        for round in 0..ROUNDS {
            for _ in 0..400 {
                for at in 0..self.peers.len() {
                    self.peers[at].hurry();
                    self.pass(at, 2);
                }
                if self.peers.iter().all(Peer::rests) {
                    break;
                }
            }
            self.oracle.log(|| format!("--- round {round} is over"));
            if self.peers.iter().all(Peer::rests) {
                break;
            }
            // Longer than any delay.
            self.oracle.now += 301;
        }
        let cells = self.relay.cells();
        for peer in &self.peers {
            let this = peer.handle.0.borrow();
            this.replica.doc().assert_invariants();
            let rest = this.outbox();
            assert!(peer.is_synced(), "NEVER SYNCED {}: {rest:?}", peer.name);
            let shown = visible(&this.joined());
            assert_eq!(shown, visible(&cells), "NOT EQUAL {}", peer.name);
        }
        self.oracle.check_held(&held, &cells, self.clocks);
        self.oracle.check_counts(&counted, &visible(&cells));
    }

    /// Returns all cells that the relay and the replicas' bases hold.
    fn held(&self) -> Vec<(PathBuf, Cell)> {
        let bases = self.peers.iter().map(|peer| peer.handle.0.borrow().base());
        let all = std::iter::once(self.relay.cells()).chain(bases);
        all.flatten().collect()
    }

    /// Returns the edits whose increments anybody holds.
    fn counted(&self, held: &[(PathBuf, Cell)]) -> BTreeSet<Uid> {
        let held = held.iter().filter(|(path, _)| is_counter(path));
        let mut counted: BTreeSet<_> = held
            .flat_map(|(path, cell)| self.oracle.uids(path, cell))
            .collect();
        for peer in &self.peers {
            let edits = self
                .oracle
                .edits_of(peer.handle.0.borrow().replica.entries());
            counted.extend(
                edits
                    .iter()
                    .filter(|uid| self.oracle.increments.contains(uid)),
            );
        }
        counted
    }
}
