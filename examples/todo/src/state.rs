//! The todo list: what it knows, and what can be done to it. It knows nothing of the page.

use leptos::prelude::*;
use leptos_sync_web::{Crdt, GCounter, LwwMap, Node, Stamp};

/// Names a todo for ever: the transaction that added it, and its place among those added with it.
pub(crate) type Id = (Stamp, u32);

/// What is kept. A title and a mark are entries of their own, so that one tab may rename what another checks off.
#[derive(Crdt, Clone, Default)]
pub(crate) struct Todos {
    titles: LwwMap<Id, String>,
    done: LwwMap<Id, bool>,
    /// How often a todo was completed. Deleting todos takes nothing away from it.
    completed: GCounter,
}

/// The todo list of the page.
#[derive(Clone, Copy)]
pub(crate) struct List(pub(crate) Node<Todos>);

impl List {
    /// All todos, in the order in which they were added.
    pub(crate) fn ids(self) -> Vec<Id> {
        self.0.titles().keys().get()
    }

    /// How many todos are left to do.
    pub(crate) fn left(self) -> usize {
        let (titles, done) = (self.0.titles().read(), self.0.done().read());
        let is_done = |(id, done): &(&Id, &bool)| **done && titles.contains_key(*id);
        titles.len() - done.iter().filter(is_done).count()
    }

    pub(crate) fn title(self, id: Id) -> String {
        self.0.titles().entry(id).get().unwrap_or_default()
    }

    pub(crate) fn is_done(self, id: Id) -> bool {
        self.0.done().entry(id).get() == Some(true)
    }

    pub(crate) fn completed_ever(self) -> String {
        self.0.completed().get().to_string()
    }

    /// Adds a todo for every line that is more than white space.
    pub(crate) fn add(self, lines: &str) {
        let titles = lines
            .lines()
            .map(str::trim)
            .filter(|title| !title.is_empty());
        self.0.edit(|tx| {
            let stamp = tx.stamp();
            let added = (0..)
                .zip(titles)
                .map(|(n, title)| ((stamp, n), title.to_owned()));
            tx.titles().insert_batch(added);
        });
    }

    /// Gives a todo another title, or removes it if nothing is left of the title.
    pub(crate) fn rename(self, id: Id, title: &str) {
        match title.trim() {
            "" => self.remove(&[id]),
            same if same == untrack(|| self.title(id)) => {}
            title => self.0.titles().insert(id, title.to_owned()),
        }
    }

    pub(crate) fn mark(self, ids: &[Id], done: bool) {
        self.0.edit(|tx| {
            let mut ids = ids.to_vec();
            ids.retain(|id| (tx.done().get(id) == Some(&true)) != done);
            if done {
                tx.completed().increment(ids.len() as u64);
            }
            tx.done().insert_batch(ids.into_iter().map(|id| (id, done)));
        });
    }

    pub(crate) fn remove(self, ids: &[Id]) {
        self.0.edit(|tx| {
            tx.titles().remove_batch(ids);
            tx.done().remove_batch(ids);
        });
    }

    pub(crate) fn remove_completed(self) {
        let mut ids = untrack(|| self.ids());
        self.0.done().with_untracked(|done| {
            ids.retain(|id| done.get(id) == Some(&true));
        });
        self.remove(&ids);
    }
}
