//! Replicas and a relay that fail, and the rules that hold nevertheless.

use leptos_sync_core::{Doc, Tx};

use super::{
    disk::Disk,
    oracle::{Board, BoardFields, Cell, CellsByPath, Oracle, cells_of, join, seed_ids, visible},
    relay::{Db, Relay},
    siblings::Siblings,
    tab::Tab,
};

const STEPS: usize = 60;

pub(crate) struct World {
    pub(super) oracle: Oracle,
    pub(super) relay: Relay,
    pub(super) tabs: Vec<Tab>,
    backups: Vec<Db>,
    /// Copies of disks, each with its profile.
    disks: Vec<(u64, Disk)>,
    epochs: u64,
    /// Whether clocks may be wrong.
    pub(super) clocks: bool,
    /// Whether profiles have several tabs.
    shares: bool,
}

impl World {
    pub(crate) fn new(seed: u64, shares: bool, traces: bool) -> Self {
        seed_ids(seed);
        let mut tabs = ["A", "B", "C"].map(Tab::new);
        for tab in tabs.iter_mut().filter(|_| shares) {
            tab.siblings = Some(Siblings::new());
        }
        Self {
            oracle: Oracle::new(seed, traces),
            relay: Relay::new(),
            tabs: tabs.into(),
            backups: Vec::new(),
            disks: Vec::new(),
            epochs: 1,
            clocks: seed.is_multiple_of(2),
            shares,
        }
    }

    pub(crate) fn run(&mut self) {
        for _ in 0..STEPS {
            let at = self.oracle.rng.below(self.tabs.len());
            self.step(at);
            if let Some(tab) = self.tabs.get(at) {
                self.check(tab);
            }
        }
        self.heal();
    }

    pub(crate) fn trace(&self) -> &[String] {
        self.oracle.trace.as_deref().unwrap_or_default()
    }

    fn step(&mut self, at: usize) {
        if at.is_multiple_of(2) {
            self.tabs[at].replica.pack_tombstones(1);
        }
        self.oracle.now += self.oracle.rng.pick(&[0, 1, 1, 2]);
        self.tabs[at].set_time(&self.oracle);
        let kind = self.oracle.rng.below(1_000);
        if self.shares && !self.step_siblings(at, kind) {
            return;
        }
        match kind {
            0..220 => self.edit(at),
            220..620 => {
                for _ in 0..self.oracle.rng.pick(&[1, 3, 40]) {
                    self.trip(at);
                    if self.tabs[at].flight.is_none() {
                        break;
                    }
                }
                if self.oracle.rng.chance(8) {
                    self.tabs[at].cut();
                }
            }
            620..740 => drop(self.tabs[at].save(&mut self.oracle)),
            740..780 => {
                self.tabs[at].load();
                self.log(at, "is killed");
            }
            780..810 => {
                let tab = &self.tabs[at];
                self.disks.push((tab.profile, tab.disk.copy()));
                self.log(at, "has its disk copied");
            }
            810..840 if !self.disks.is_empty() => {
                let (profile, disk) = &self.disks[self.oracle.rng.below(self.disks.len())];
                let of_profile = |tab: &&mut Tab| tab.profile == *profile;
                for tab in self.tabs.iter_mut().filter(of_profile) {
                    tab.disk.replace(disk);
                    tab.load();
                    self.oracle.log(|| format!("{} is restored", tab.name));
                }
            }
            840..855 if self.tabs.len() < 5 => {
                let name = format!("{}'", self.tabs[at].name);
                let copy = self.tabs[at].copy(&name);
                self.tabs.push(copy);
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
            945..955 if self.clocks => self.tabs[at].skew = self.oracle.rng.pick(&[0, 0, -30, 200]),
            955..970 => {
                // The relay forgets nothing while its clock is wrong.
                self.relay.forget(&self.oracle);
                let (floor, horizon) = (self.relay.db.floor, self.relay.db.horizon);
                self.oracle
                    .log(|| format!("forgets below {floor:?}, horizon {horizon}"));
            }
            970..980 => drop(self.tabs[at].replica.forget_tombstones()),
            980..990 => self.oracle.now += self.oracle.rng.pick(&[20, 80]),
            990.. if self.shares && self.tabs.len() < 6 => {
                let name = format!("{}+", self.tabs[at].name);
                let tab = self.tabs[at].open(&name);
                self.tabs.push(tab);
                self.log(at, "opens another tab");
            }
            _ => {}
        }
    }

    pub(super) fn log(&mut self, at: usize, text: &str) {
        let name = &self.tabs[at].name;
        self.oracle.log(|| format!("{name} {text}"));
    }

    fn restart(&mut self) {
        self.epochs += 1;
        self.relay.epoch = self.epochs;
        self.tabs.iter_mut().for_each(Tab::cut);
    }

    fn edit(&mut self, at: usize) {
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
        let before = self.tabs[at].joined();
        let tab = &mut self.tabs[at];
        tab.rests = false;
        let Some(entry) = tab.replica.transact(edit).unwrap().entry else {
            return;
        };
        self.oracle.note(&entry, uid);
        tab.send_entry(entry.id);
        for path in cells_of([&entry.cells]).into_keys() {
            if let Some((stamp, _)) = before.get(&path) {
                self.oracle
                    .seen
                    .entry((path, uid))
                    .or_default()
                    .insert(*stamp);
            }
        }
        let name = &self.tabs[at].name;
        self.oracle.log(|| {
            let cells = cells_of([&entry.cells]);
            format!("{name} edits {uid} as {:?}: {cells:?}", entry.id)
        });
        self.deliver(at);
    }

    /// Makes one round trip.
    pub(super) fn trip(&mut self, at: usize) {
        let Self {
            oracle,
            relay,
            tabs,
            ..
        } = self;
        let tab = &mut tabs[at];
        tab.set_time(oracle);
        let request = match tab.flight.take() {
            Some(request) => request,
            // A tab that rests may stay connected.
            None if tab.rests && oracle.rng.chance(50) => match tab.push(oracle) {
                Some(request) => request,
                None => return,
            },
            None => tab.start(),
        };
        let before = oracle.edits_of(tab.replica.entries());
        let response = tab.send(relay, request, oracle);
        if oracle.faulty && oracle.rng.chance(6) {
            oracle.log(|| format!("{} loses an answer", tab.name));
            tab.cut();
            return self.deliver(at);
        }
        tab.flight = tab.on(response, oracle);
        oracle.check_contained(&before, tab.replica.entries(), &tab.name);
        if tab.flight.is_none() && tab.rests && tab.replica.is_synced() {
            let (shown, stored) = (visible(&tab.joined()), visible(&relay.cells()));
            assert_eq!(shown, stored, "FALSELY SYNCED {}", tab.name);
        }
        self.deliver(at);
    }

    /// Checks what holds at every moment.
    pub(super) fn check(&self, tab: &Tab) {
        let doc = tab.replica.doc();
        doc.assert_invariants();
        let joined = tab.joined();
        assert_eq!(cells_in(doc), joined, "the document of {}", tab.name);
        let progress = tab.replica.progress();
        let at = progress.cursor.position;
        let db = &self.relay.db;
        let is_here = at.sequence.get() == db.sequence
            && db.epochs.contains(at.sequence, at)
            && db
                .epochs
                .contains(at.sequence, progress.cursor.witness.head);
        if is_here && progress.complete == at.sequence && !progress.comparing {
            let above = |cells: CellsByPath| -> CellsByPath {
                let kept =
                    |cell: &Cell| cell.1.is_some() || cell.0.time >= self.relay.greatest_floor;
                cells.into_iter().filter(|(_, cell)| kept(cell)).collect()
            };
            let (ours, theirs) = (above(tab.base()), above(self.relay.cells()));
            assert_eq!(ours, theirs, "the base of {}", tab.name);
        }
    }
}

/// Returns the cells of a document, including packed tombstones.
fn cells_in(doc: &Doc<Board>) -> CellsByPath {
    let (snapshot, mut cells) = (doc.snapshot().unwrap(), CellsByPath::new());
    for group in snapshot.cells().groups() {
        for cell in group.cells() {
            let value = (cell.stamp, cell.value.map(<[u8]>::to_vec));
            join(&mut cells, cell.path(group.parent()), value);
        }
    }
    cells
}
