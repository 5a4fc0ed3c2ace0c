use std::sync::{Arc, Weak};

use super::name_table::NameTable;
use crate::{lock::Mutex, node::PartId};
use leptos::prelude::{ArcTrigger, IsDisposed, Notify, Track};
use leptos_sync_core::{Change, Changes, cells::Path, internal};

/// The parts of a document to which the reactive graph refers, by path: triggers, and the nodes of
/// maps' entries.
///
/// The table holds weak references. Nodes hold the triggers to which their readers subscribed, and
/// owners hold nodes. Triggers and nodes remove themselves from the table when they are dropped.
/// One table serves both, so that a page contains its code once.
#[derive(Default)]
pub(crate) struct PathTable(Mutex<Table>);

/// The links by name: see [`trigger_name`] and [`entry_name`].
type Table = NameTable<Link>;

enum Link {
    Trigger(Weak<Trigger>),
    Entry(PartId),
}

/// The kind of changes that a trigger reports.
#[derive(Clone, Copy)]
pub(crate) enum TriggerKind {
    /// Changes at a path and below it.
    Value,
    /// Additions and removals of keys of a map.
    Keys,
    /// Additions and removals of an element of a set. The path ends with the element.
    Element,
}

/// The first byte of an entry's name, after those of the trigger kinds.
const ENTRY: u8 = TriggerKind::Element as u8 + 1;

fn trigger_name(kind: TriggerKind, path: Path<'_>) -> Vec<u8> {
    [&[kind as u8], path.as_bytes()].concat()
}

/// Returns the name of the node of an entry, from its owner and its path.
fn entry_name(owner_id: usize, path: Path<'_>) -> Vec<u8> {
    [&[ENTRY], &owner_id.to_ne_bytes()[..], path.as_bytes()].concat()
}

/// A trigger that is listed in a table until it is dropped.
pub(crate) struct Trigger {
    trigger: ArcTrigger,
    name: Vec<u8>,
    table: Weak<PathTable>,
}

impl Trigger {
    /// Subscribes the current observer.
    pub(crate) fn track(&self) {
        self.trigger.track();
    }
}

impl Drop for Trigger {
    fn drop(&mut self) {
        let Some(table) = self.table.upgrade() else {
            return;
        };
        let mut table = table.0.lock();
        // Another node may have created a new trigger meanwhile.
        if let Some(Link::Trigger(trigger)) = table.get(&self.name)
            && trigger.strong_count() == 0
        {
            table.remove(&self.name);
        }
    }
}

impl PathTable {
    /// Returns the trigger of `kind` at `path`, and creates it if no node holds one.
    pub(crate) fn trigger(self: &Arc<Self>, kind: TriggerKind, path: Path<'_>) -> Arc<Trigger> {
        let name = trigger_name(kind, path);
        let mut table = self.0.lock();
        if let Some(trigger) = held(&table, &name) {
            return trigger;
        }
        let trigger = Arc::new(Trigger {
            trigger: ArcTrigger::new(),
            name: name.clone(),
            table: Arc::downgrade(self),
        });
        table.insert(name, Link::Trigger(Arc::downgrade(&trigger)));
        trigger
    }

    /// Notifies the subscribers of one trigger.
    pub(crate) fn notify_at(&self, kind: TriggerKind, path: Path<'_>) {
        let trigger = held(&self.0.lock(), &trigger_name(kind, path));
        notify_each(trigger);
    }

    /// Notifies the subscribers of each of `changes` once.
    pub(crate) fn notify(&self, changes: &Changes) {
        let affected = affected(&self.0.lock(), changes);
        notify_each(affected);
    }

    /// Notifies all subscribers.
    pub(crate) fn notify_all(&self) {
        let mut all = Vec::new();
        for link in self.0.lock().values() {
            if let Link::Trigger(trigger) = link {
                all.extend(trigger.upgrade());
            }
        }
        notify_each(all);
    }

    /// Returns the node of an entry that this owner holds.
    pub(crate) fn entry(&self, owner_id: usize, path: Path<'_>) -> Option<PartId> {
        let table = self.0.lock();
        let Some(Link::Entry(entry)) = table.get(&entry_name(owner_id, path)) else {
            return None;
        };
        let entry = *entry;
        drop(table);
        (!entry.is_disposed()).then_some(entry)
    }

    pub(crate) fn insert_entry(&self, owner_id: usize, path: Path<'_>, entry: PartId) {
        let name = entry_name(owner_id, path);
        self.0.lock().insert(name, Link::Entry(entry));
    }

    pub(crate) fn remove_entry(&self, owner_id: usize, path: Path<'_>) {
        self.0.lock().remove(&entry_name(owner_id, path));
    }

    /// Returns the number of entries with a node and the number of triggers.
    #[cfg(test)]
    pub(crate) fn len(&self) -> (usize, usize) {
        let table = self.0.lock();
        let is_entry = |link: &&Link| matches!(link, Link::Entry(_));
        let entries = table.values().filter(is_entry).count();
        (entries, table.values().count() - entries)
    }
}

fn held(table: &Table, name: &[u8]) -> Option<Arc<Trigger>> {
    match table.get(name)? {
        Link::Trigger(trigger) => trigger.upgrade(),
        Link::Entry(_) => None,
    }
}

/// Notifies triggers. The table must not be locked: a subscriber may track, edit and drop nodes.
fn notify_each(triggers: impl IntoIterator<Item = Arc<Trigger>>) {
    for trigger in triggers {
        trigger.trigger.notify();
    }
}

/// Returns the triggers at the changed paths and above them.
fn affected(table: &Table, changes: &Changes) -> Vec<Arc<Trigger>> {
    let mut affected = Vec::new();
    if table.is_empty() {
        return affected;
    }
    let mut add = |kind, path: Path<'_>| affected.extend(held(table, &trigger_name(kind, path)));
    let mut last_parent: Option<(Path<'_>, bool)> = None;
    for Change {
        path, existence, ..
    } in changes.iter()
    {
        add(TriggerKind::Value, path);
        let Some((parent, key)) = path.split_last() else {
            continue;
        };
        // Only the elements of sets have such triggers, so other keys may look tagged.
        if let Some(element) = internal::element_of(key) {
            add(
                TriggerKind::Element,
                parent.to_owned().child(element).as_path(),
            );
        }
        // A batch may change many cells of one map. Add the triggers of the map only once.
        let (added, added_keys) = match last_parent {
            Some((last, keys)) if last == parent => (true, keys),
            _ => (false, false),
        };
        if existence && !added_keys {
            add(TriggerKind::Keys, parent);
        }
        if !added {
            let mut above = Some(parent);
            while let Some(path) = above {
                add(TriggerKind::Value, path);
                above = path.split_last().map(|(parent, _)| parent);
            }
        }
        last_parent = Some((parent, existence || added_keys));
    }
    affected
}
