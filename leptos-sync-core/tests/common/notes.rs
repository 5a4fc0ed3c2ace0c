//! A collection of notes, and helpers.

use leptos_sync_core::{
    Collection, Crdt, Delta, LwwMap, LwwRegister, PnCounter,
    index::{Index, Query, Schema},
    storage::{MemoryStorage, Storage},
};

use super::{clock, now};

#[derive(Crdt, Clone, Default, Debug, PartialEq)]
pub(crate) struct Note {
    pub(crate) title: LwwRegister<String>,
    pub(crate) stars: LwwRegister<u8>,
    pub(crate) votes: PnCounter,
    pub(crate) marks: LwwMap<u8, String>,
}

pub(crate) type Notes<S = MemoryStorage> = Collection<S, String, Note>;

pub(crate) fn by_stars() -> Index<Note, u8> {
    Index::new("stars", |note: &Note| *note.stars.get())
}

pub(crate) fn by_title() -> Index<Note, String> {
    Index::unique("title", |note: &Note| note.title.get().clone())
}

pub(crate) fn schema() -> Schema<Note> {
    Schema::new(1).index(&by_stars())
}

pub(crate) fn open<S: Storage>(store: S, replica: u64) -> Notes<S> {
    now(Notes::open(store, "notes", schema(), clock(replica))).unwrap()
}

pub(crate) fn notes(replica: u64) -> Notes {
    open(MemoryStorage::new(), replica)
}

pub(crate) fn all<S: Storage>(notes: &Notes<S>) -> Vec<(String, Note)> {
    let page = now(notes.query(Query::all())).unwrap();
    assert!(page.damage.is_empty(), "{:?}", page.damage);
    page.records
}

pub(crate) fn key(n: u8) -> String {
    format!("note {n}")
}

/// Sends all operations that `to` lacks, as an encoded delta.
pub(crate) fn sync<S: Storage, R: Storage>(from: &Notes<S>, to: &Notes<R>) {
    let delta = now(from.delta_since(&to.version())).unwrap();
    let delta = Delta::decode(&delta.encode()).unwrap();
    now(to.apply(&delta)).unwrap();
}

/// Returns the cells as a sorted list, since two copies may have written them in different orders.
pub(crate) fn cells(delta: &Delta) -> Vec<String> {
    let mut cells = Vec::new();
    for group in delta.cells().groups() {
        for cell in group.cells() {
            cells.push(format!(
                "{} {:?} {:?}",
                cell.path(group.parent()),
                cell.stamp,
                cell.value
            ));
        }
    }
    cells.sort();
    cells
}
