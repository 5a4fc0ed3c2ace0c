//! The todo list and its edits. It does not know the page.

use leptos::prelude::*;

/// A todo. Its title and its mark are separate signals, so that a change updates one row.
#[derive(Clone)]
pub(crate) struct Todo {
    pub(crate) id: u32,
    pub(crate) title: ArcRwSignal<String>,
    pub(crate) done: ArcRwSignal<bool>,
}

/// The list, in the order in which its todos were added.
#[derive(Clone, Copy)]
pub(crate) struct Todos {
    pub(crate) list: RwSignal<Vec<Todo>>,
    /// The number of todos that are left to do. It is updated incrementally, since counting 10,000
    /// todos at every toggle is slow.
    pub(crate) left: RwSignal<usize>,
    /// The number of times that a todo was completed. Deleting todos does not reduce it.
    pub(crate) completed_ever: RwSignal<usize>,
    next_id: StoredValue<u32>,
}

impl Todos {
    pub(crate) fn new() -> Self {
        Self {
            list: RwSignal::default(),
            left: RwSignal::new(0),
            completed_ever: RwSignal::new(0),
            next_id: StoredValue::new(0),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.list.with(Vec::len)
    }

    /// Adds a todo for every line that is not blank.
    pub(crate) fn add(&self, lines: &str) {
        let first = self.next_id.get_value();
        let titles = lines
            .lines()
            .map(str::trim)
            .filter(|title| !title.is_empty());
        let added: Vec<Todo> = (first..)
            .zip(titles)
            .map(|(id, title)| Todo {
                id,
                title: ArcRwSignal::new(title.to_owned()),
                done: ArcRwSignal::new(false),
            })
            .collect();
        if let Some(last) = added.last() {
            self.next_id.set_value(last.id + 1);
            self.left.update(|left| *left += added.len());
            self.list.update(|list| list.extend(added));
        }
    }

    /// Sets the title of a todo, or removes the todo if the title is empty.
    pub(crate) fn rename(&self, todo: &Todo, title: &str) {
        match title.trim() {
            "" => self.remove(todo),
            title if title == *todo.title.read_untracked() => {}
            title => todo.title.set(title.to_owned()),
        }
    }

    pub(crate) fn set_done(&self, todo: &Todo, done: bool) {
        if todo.done.get_untracked() == done {
            return;
        }
        todo.done.set(done);
        if done {
            self.left.update(|left| *left -= 1);
            self.completed_ever.update(|ever| *ever += 1);
        } else {
            self.left.update(|left| *left += 1);
        }
    }

    pub(crate) fn set_all_done(&self, done: bool) {
        for todo in self.list.get_untracked() {
            self.set_done(&todo, done);
        }
    }

    pub(crate) fn remove(&self, todo: &Todo) {
        if !todo.done.get_untracked() {
            self.left.update(|left| *left -= 1);
        }
        self.list
            .update(|list| list.retain(|other| other.id != todo.id));
    }

    pub(crate) fn clear_completed(&self) {
        self.list
            .update(|list| list.retain(|todo| !todo.done.get_untracked()));
    }
}
