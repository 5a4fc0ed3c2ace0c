//! The cost of a transaction, counted in visited parts, and the ids that it creates.

use std::cell::Cell;

use super::*;
use crate::{
    codec::{CellRef, Group},
    crdt::{Crdt, Join, LwwMap, OldCell, Records, Stable},
    id::Id,
    path::{Path, Segments},
};

thread_local! {
    static VISITED: Cell<usize> = const { Cell::new(0) };
}

/// A map that counts how often its cells are requested.
#[derive(Clone, Default)]
struct Counted(LwwMap<u32, u32>);

impl Root for Counted {}

impl Crdt for Counted {
    fn merge(&mut self, other: &Self) {
        self.0.merge(&other.0);
    }

    fn write_cells(&self, path: &mut PathBuf, since: &VersionVector, out: &mut CellWriter) {
        VISITED.set(VISITED.get() + 1);
        self.0.write_cells(path, since, out);
    }

    fn write_stamped(
        &self,
        rest: Segments<'_>,
        path: Path<'_>,
        stamp: Stamp,
        out: &mut CellWriter,
    ) {
        VISITED.set(VISITED.get() + 1);
        self.0.write_stamped(rest, path, stamp, out);
    }

    fn apply_cell(&mut self, group: &Group<'_>, cell: CellRef<'_>, out: &mut Applied<'_>) {
        self.0.apply_cell(group, cell, out);
    }

    fn apply_group(&mut self, rest: Segments<'_>, group: &Group<'_>, out: &mut Applied<'_>) {
        self.0.apply_group(rest, group, out);
    }

    fn join(&mut self, other: &Self, join: &mut Join<'_>) {
        self.0.join(&other.0, join);
    }

    fn cell_at<'a>(&self, rest: Segments<'_>, value: &'a mut Vec<u8>) -> Option<OldCell<'a>> {
        self.0.cell_at(rest, value)
    }

    fn restore(&mut self, rest: Segments<'_>, old: Option<OldCell<'_>>) {
        self.0.restore(rest, old);
    }

    fn forget_tombstones(&mut self, stable: Stable<'_>) {
        Crdt::forget_tombstones(&mut self.0, stable);
    }
}

fn key(record: u32) -> [u8; 4] {
    record.to_be_bytes()
}

fn write(tx: &mut Tx<'_, Records<Counted>>, record: u32, entries: u32) {
    let mut record = tx.record(&key(record));
    let mut map = record.at_key(b"", |record| &mut record.0);
    for entry in 0..entries {
        map.insert(entry, entry);
    }
}

/// Creates a document with `count` records of one entry each.
fn records(count: u32) -> Doc<Records<Counted>> {
    let mut doc = Doc::<Records<Counted>>::new(Clock::system(ReplicaId::new(1)));
    doc.transact(|tx| {
        for record in 0..count {
            tx.insert(&key(record));
            write(tx, record, 1);
        }
    })
    .unwrap();
    doc
}

/// Returns the number of parts that a transaction visits to write its delta, and the number of
/// cells in the delta.
fn visits(
    doc: &mut Doc<Records<Counted>>,
    edit: impl FnOnce(&mut Tx<'_, Records<Counted>>),
) -> (usize, usize) {
    VISITED.set(0);
    let done = doc.transact(edit).unwrap();
    (VISITED.get(), done.delta.len())
}

#[test]
fn a_transaction_visits_only_the_records_that_it_wrote() {
    let mut doc = records(10_000);
    assert_eq!(visits(&mut doc, |tx| write(tx, 4_711, 1)), (1, 1));
    assert_eq!(visits(&mut doc, |tx| write(tx, 4_711, 50)), (1, 50));
    let in_turns = |tx: &mut Tx<'_, _>| {
        for _ in 0..3 {
            (0..20).for_each(|record| write(tx, record, 2));
        }
    };
    assert_eq!(visits(&mut doc, in_turns), (20, 40), "each once");
    assert_eq!(visits(&mut doc, |_| ()), (0, 0));
}

/// Returns the ids that a transaction creates.
fn ids(doc: &mut Doc<LwwMap<u32, u32>>, count: usize) -> Vec<Id> {
    let mut ids = Vec::new();
    doc.transact(|tx| ids.extend((0..count).map(|_| tx.new_id())))
        .unwrap();
    ids
}

#[test]
fn a_writer_creates_each_id_once_and_a_copy_creates_others() {
    let mut doc = Doc::new(Clock::system(ReplicaId::new(1)));
    let mut all = ids(&mut doc, 3);
    let cancelled = doc.transact(|tx| {
        all.push(tx.new_id());
        tx.cancel(Error::limit("cancelled"));
    });
    assert!(cancelled.is_err());
    // The same replica continues with its random number; another one draws a new number.
    doc.set_replica(ReplicaId::new(1));
    all.extend(ids(&mut doc, 2));
    let origins = |ids: &[Id]| -> Vec<u64> { ids.iter().map(|id| id.parts().0).collect() };
    assert!(
        origins(&all)
            .iter()
            .all(|origin| *origin == all[0].parts().0)
    );
    let snapshot = doc.snapshot().unwrap();
    let mut copies = [
        doc.fork(ReplicaId::new(2)),
        doc.fork(ReplicaId::new(1)),
        Doc::load(&snapshot, doc.clock().clone()),
        Doc::load(&snapshot, Clock::system(ReplicaId::new(1))),
    ];
    for copy in &mut copies {
        all.extend(ids(copy, 2));
    }
    doc.set_replica(ReplicaId::new(3));
    all.extend(ids(&mut doc, 2));
    let count = all.len();
    let mut origins = origins(&all);
    origins.dedup();
    assert_eq!(origins.len(), 6);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
}
