//! Helpers for tests of documents: schemas, operations on them, and a history that knows the
//! expected cells.
#![allow(dead_code, reason = "each test uses a part")]

use std::collections::BTreeMap;

use leptos_sync_core::{
    Changes, Clock, Crdt, Delta, Doc, Error, GCounter, LwwMap, LwwRegister, PnCounter, ReplicaId,
    Root, Snapshot, Stamp, Transaction, Tx, VersionVector,
    cells::{CellMap, PathBuf},
    clock::ManualTime,
};

/// The wall clock at the start of tests.
pub(crate) const NOW_MS: u64 = 1_700_000_000_000;

/// A record with every type, including a nested record.
#[derive(Crdt, Clone, Default, PartialEq, Debug)]
pub(crate) struct Board {
    pub(crate) title: LwwRegister<String>,
    pub(crate) cards: LwwMap<u32, String>,
    pub(crate) tags: LwwMap<String, u8>,
    pub(crate) likes: GCounter,
    pub(crate) stock: PnCounter,
    pub(crate) inner: Inner,
}

#[derive(Crdt, Clone, Default, PartialEq, Debug)]
pub(crate) struct Inner {
    pub(crate) done: LwwRegister<bool>,
    pub(crate) notes: LwwMap<u8, u64>,
    pub(crate) votes: PnCounter,
}

/// An older build of [`Board`], which lacks most fields.
#[derive(Crdt, Clone, Default, PartialEq, Debug)]
pub(crate) struct OldBoard {
    pub(crate) title: LwwRegister<String>,
    pub(crate) cards: LwwMap<u32, String>,
}

/// A build of [`Board`] with different field types, so that each rejects some of the other's
/// values.
#[derive(Crdt, Clone, Default, PartialEq, Debug)]
pub(crate) struct OddBoard {
    pub(crate) title: LwwRegister<u64>,
    pub(crate) cards: LwwMap<u32, u64>,
    pub(crate) likes: PnCounter,
    pub(crate) inner: LwwMap<String, bool>,
}

/// One operation of a transaction.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Title(String),
    Card(u32, String),
    Cards(Vec<(u32, String)>),
    Uncard(u32),
    Clear,
    Tag(String, u8),
    Untag(String),
    Like(u64),
    Stock(i64),
    Done(bool),
    Note(u8, u64),
    Unnote(u8),
    Vote(i64),
}

/// A root that can perform the operations on its fields.
pub(crate) trait Schema: Root {
    fn edit(tx: &mut Tx<'_, Self>, op: &Op);
}

impl Schema for Board {
    fn edit(tx: &mut Tx<'_, Self>, op: &Op) {
        match op {
            Op::Title(title) => tx.title().set(title.clone()),
            Op::Card(key, text) => tx.cards().insert(*key, text.clone()),
            Op::Cards(cards) => tx.cards().insert_batch(cards.iter().cloned()),
            Op::Uncard(key) => tx.cards().remove(key),
            Op::Clear => tx.cards().clear(),
            Op::Tag(key, tag) => tx.tags().insert(key.clone(), *tag),
            Op::Untag(key) => tx.tags().remove(key),
            Op::Like(by) => tx.likes().increment(*by),
            Op::Stock(by) if *by < 0 => tx.stock().decrement(by.unsigned_abs()),
            Op::Stock(by) => tx.stock().increment(by.unsigned_abs()),
            Op::Done(done) => tx.inner().done().set(*done),
            Op::Note(key, note) => tx.inner().notes().insert(*key, *note),
            Op::Unnote(key) => tx.inner().notes().remove(key),
            Op::Vote(by) if *by < 0 => tx.inner().votes().decrement(by.unsigned_abs()),
            Op::Vote(by) => tx.inner().votes().increment(by.unsigned_abs()),
        }
    }
}

impl Schema for OldBoard {
    fn edit(tx: &mut Tx<'_, Self>, op: &Op) {
        match op {
            Op::Title(title) => tx.title().set(title.clone()),
            Op::Card(key, text) => tx.cards().insert(*key, text.clone()),
            Op::Cards(cards) => tx.cards().insert_batch(cards.iter().cloned()),
            Op::Uncard(key) => tx.cards().remove(key),
            Op::Clear => tx.cards().clear(),
            _ => {}
        }
    }
}

impl Schema for OddBoard {
    fn edit(tx: &mut Tx<'_, Self>, op: &Op) {
        match op {
            Op::Title(title) => tx.title().set(100 + 60 * title.len() as u64),
            Op::Card(key, text) => tx.cards().insert(*key, 100 + 60 * text.len() as u64),
            Op::Uncard(key) => tx.cards().remove(key),
            Op::Like(by) => tx.likes().increment(*by),
            Op::Done(done) => tx.inner().insert("done".to_owned(), *done),
            Op::Unnote(_) => tx.inner().remove(&"done".to_owned()),
            _ => {}
        }
    }
}

/// The document of a relay, which makes no edits.
impl Schema for CellMap {
    fn edit(_: &mut Tx<'_, Self>, _: &Op) {}
}

/// A cell of a document.
pub(crate) type Cell = (Stamp, Option<Vec<u8>>);

/// A document with any schema.
pub(crate) trait Peer {
    fn edit(&mut self, ops: &[Op]) -> Result<Transaction, Error>;
    fn version(&self) -> &VersionVector;
    fn snapshot(&self) -> Snapshot;
    fn delta_since(&self, version: &VersionVector) -> Result<Delta, Error>;
    fn apply(&mut self, delta: &Delta) -> Result<Changes, Error>;
    fn merge_snapshot(&mut self, snapshot: &Snapshot) -> Result<Changes, Error>;
    fn fork_edit_merge(&mut self, replica: ReplicaId, ops: &[Op]) -> Transaction;
    fn forget_tombstones(&mut self, stable: &VersionVector);
    fn assert_invariants(&self);

    /// Returns all cells by path. There is one cell per path.
    fn cells(&self) -> BTreeMap<PathBuf, Cell> {
        let snapshot = self.snapshot();
        let cells = cells_of(&snapshot);
        assert_eq!(cells.len(), snapshot.len(), "one cell per path");
        cells
    }
}

impl<S: Schema> Peer for Doc<S> {
    fn edit(&mut self, ops: &[Op]) -> Result<Transaction, Error> {
        self.transact(|tx| ops.iter().for_each(|op| S::edit(tx, op)))
    }

    fn version(&self) -> &VersionVector {
        self.version()
    }

    fn snapshot(&self) -> Snapshot {
        self.snapshot().unwrap()
    }

    fn delta_since(&self, version: &VersionVector) -> Result<Delta, Error> {
        self.delta_since(version)
    }

    fn apply(&mut self, delta: &Delta) -> Result<Changes, Error> {
        self.apply(delta)
    }

    fn merge_snapshot(&mut self, snapshot: &Snapshot) -> Result<Changes, Error> {
        self.merge_snapshot(snapshot)
    }

    fn fork_edit_merge(&mut self, replica: ReplicaId, ops: &[Op]) -> Transaction {
        let mut fork = self.fork(replica);
        let transaction = fork.edit(ops).unwrap();
        self.merge(&fork).unwrap();
        transaction
    }

    fn forget_tombstones(&mut self, stable: &VersionVector) {
        self.forget_tombstones(stable);
    }

    fn assert_invariants(&self) {
        self.assert_invariants();
    }
}

/// Sends the operations that `to` lacks from `from`, as encoded messages, like two sessions.
pub(crate) fn send(from: &dyn Peer, to: &mut dyn Peer) {
    match from.delta_since(to.version()) {
        Ok(delta) => {
            let delta = Delta::decode(&delta.encode()).unwrap();
            to.apply(&delta).unwrap();
        }
        Err(error) => {
            assert!(error.is_snapshot_needed(), "{error:?}");
            send_snapshot(from, to);
        }
    }
}

pub(crate) fn send_snapshot(from: &dyn Peer, to: &mut dyn Peer) {
    let snapshot = Snapshot::decode(&from.snapshot().encode()).unwrap();
    to.merge_snapshot(&snapshot).unwrap();
}

pub(crate) fn cells_of(snapshot: &Snapshot) -> BTreeMap<PathBuf, Cell> {
    let mut cells = BTreeMap::new();
    for group in snapshot.cells().groups() {
        for cell in group.cells() {
            let value = cell.value.map(<[u8]>::to_vec);
            cells.insert(cell.path(group.parent()), (cell.stamp, value));
        }
    }
    cells
}

/// A log of every cell ever written, which determines the expected content of a document at any
/// version.
///
/// It shares no code with the code under test except the decoding of deltas.
#[derive(Default)]
pub(crate) struct History(Vec<(PathBuf, Stamp, Option<Vec<u8>>)>);

impl History {
    pub(crate) fn record(&mut self, transaction: &Transaction) {
        for group in transaction.delta.cells().groups() {
            for cell in group.cells() {
                assert_eq!(cell.stamp, transaction.stamp, "a transaction has one stamp");
                let value = cell.value.map(<[u8]>::to_vec);
                self.0.push((cell.path(group.parent()), cell.stamp, value));
            }
        }
    }

    /// Returns the last of the writes that `version` contains, for each path.
    pub(crate) fn at(&self, version: &VersionVector) -> BTreeMap<&PathBuf, (Stamp, Option<&[u8]>)> {
        let mut cells = BTreeMap::new();
        for (path, stamp, value) in &self.0 {
            if stamp.time <= version.get(stamp.replica) {
                let written = (*stamp, value.as_deref());
                let last = cells.entry(path).or_insert(written);
                *last = (*last).max(written);
            }
        }
        cells
    }

    /// Checks that `peer` holds exactly the cells that its version contains, except for forgotten
    /// tombstones.
    pub(crate) fn check(&self, peer: &dyn Peer) {
        peer.assert_invariants();
        let snapshot = peer.snapshot();
        let mut cells = peer.cells();
        for (path, (stamp, value)) in self.at(peer.version()) {
            match cells.remove(path) {
                Some(cell) => {
                    assert_eq!(
                        (cell.0, cell.1.as_deref()),
                        (stamp, value),
                        "the last write at {path}"
                    );
                    assert!(
                        value.is_some() || !snapshot.horizon().contains(stamp),
                        "{path} was forgotten but is present"
                    );
                }
                None => assert!(
                    value.is_none() && snapshot.horizon().contains(stamp),
                    "{path} is missing, written at {stamp:?}"
                ),
            }
        }
        assert!(
            cells.is_empty(),
            "cells that were never written or should be forgotten: {cells:?}"
        );
    }
}

/// Returns the version that every replica covers.
pub(crate) fn stable<'a>(mut versions: impl Iterator<Item = &'a VersionVector>) -> VersionVector {
    let mut stable = versions.next().unwrap().clone();
    for version in versions {
        stable = stable
            .iter()
            .map(|(replica, time)| (replica, time.min(version.get(replica))))
            .collect();
    }
    stable
}

/// Creates a document whose clock stands at `ms` until the returned time is advanced.
pub(crate) fn doc_at<S: Root>(replica: u64, ms: u64) -> (Doc<S>, ManualTime) {
    let time = ManualTime::at(ms);
    let doc = Doc::new(Clock::new(ReplicaId::new(replica), time.clone()));
    (doc, time)
}

pub(crate) fn doc<S: Root>(replica: u64) -> Doc<S> {
    doc_at(replica, NOW_MS).0
}
