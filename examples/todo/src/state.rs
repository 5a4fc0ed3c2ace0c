//! The todo list and its edits. It does not know the page.

use leptos::prelude::*;
use leptos_sync_web::{Crdt, Error, GCounter, LwwMap, Node, Stamp};

/// The id of a todo: the stamp of the transaction that added it, and its position in that
/// transaction.
pub(crate) type Id = (Stamp, u32);

/// The document. Titles and marks are separate entries, so that one tab can rename a todo while
/// another checks it off.
#[derive(Crdt, Clone, Default)]
pub(crate) struct Todos {
    titles: LwwMap<Id, String>,
    done: LwwMap<Id, bool>,
    /// The number of times that a todo was completed. Deleting todos does not reduce it.
    completed: GCounter,
}

/// The todo list of the page.
#[derive(Clone, Copy)]
pub(crate) struct List(pub(crate) Node<Todos>);

impl List {
    /// Returns all todos in the order in which they were added.
    pub(crate) fn ids(self) -> Vec<Id> {
        self.0.titles().keys().get()
    }

    /// Returns the number of todos that are left to do.
    pub(crate) fn left(self) -> usize {
        let (titles, done) = (self.0.titles().read(), self.0.done().read());
        let is_done = |(id, done): &(&Id, &bool)| **done && titles.contains(*id);
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

    /// Adds a todo for every line that is not blank.
    ///
    /// # Errors
    ///
    /// If the lines are too long for one transaction. In that case, nothing is added.
    pub(crate) fn add(self, lines: &str) -> Result<(), Error> {
        let titles = lines
            .lines()
            .map(str::trim)
            .filter(|title| !title.is_empty());
        self.0.transact(|tx| {
            let stamp = tx.stamp();
            let added = (0..)
                .zip(titles)
                .map(|(n, title)| ((stamp, n), title.to_owned()));
            tx.titles().insert_batch(added);
        })
    }

    /// Sets the title of a todo, or removes the todo if the title is empty.
    ///
    /// # Errors
    ///
    /// If the title is too long. In that case, the todo keeps its title.
    pub(crate) fn rename(self, id: Id, title: &str) -> Result<(), Error> {
        match title.trim() {
            "" => self.remove(&[id]),
            same if same == untrack(|| self.title(id)) => {}
            title => {
                return self
                    .0
                    .transact(|tx| tx.titles().insert(id, title.to_owned()));
            }
        }
        Ok(())
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
