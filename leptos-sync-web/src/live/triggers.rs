use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use crate::lock::Mutex;
use leptos::prelude::{ArcTrigger, Notify, Track};
use leptos_sync_core::{Change, Changes, cells::Path};

/// The parts of a document that the reactive graph subscribes to, by path.
///
/// The table is weak: the nodes that were read hold their triggers, and the last one to go takes
/// the trigger out of the table.
#[derive(Default)]
pub(crate) struct Triggers(Mutex<HashMap<Vec<u8>, Subscriptions>>);

/// What a subscriber is notified of.
#[derive(Clone, Copy)]
pub(crate) enum TriggerKind {
    /// Changes at a path and below.
    Value,
    /// Keys that a map gains or loses.
    Keys,
}

/// The triggers of one path.
#[derive(Default)]
struct Subscriptions {
    value: Weak<Trigger>,
    keys: Weak<Trigger>,
}

/// A trigger that stands in a table until it is dropped.
pub(crate) struct Trigger {
    trigger: ArcTrigger,
    path: Vec<u8>,
    table: Weak<Triggers>,
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
        // Another node may have made a new trigger in the meantime.
        let is_unused = |subscriptions: &Subscriptions| {
            subscriptions.value.strong_count() + subscriptions.keys.strong_count() == 0
        };
        if table.get(&self.path).is_some_and(is_unused) {
            table.remove(&self.path);
            shrink(&mut table);
        }
    }
}

/// Releases the memory of a table that was much larger once.
pub(crate) fn shrink<V>(table: &mut HashMap<Vec<u8>, V>) {
    if table.capacity() > 256 && table.len() < table.capacity() / 8 {
        table.shrink_to_fit();
    }
}

impl Triggers {
    /// Returns the trigger of `kind` at `path`, new where no node holds one.
    pub(crate) fn get(self: &Arc<Self>, kind: TriggerKind, path: Path<'_>) -> Arc<Trigger> {
        let mut table = self.0.lock();
        let path = path.as_bytes().to_vec();
        let place = table.entry(path.clone()).or_default().of(kind);
        if let Some(trigger) = place.upgrade() {
            return trigger;
        }
        let trigger = Arc::new(Trigger {
            trigger: ArcTrigger::new(),
            path,
            table: Arc::downgrade(self),
        });
        *place = Arc::downgrade(&trigger);
        trigger
    }

    /// Notifies the subscribers of `kind` at `path`.
    pub(crate) fn notify_at(&self, kind: TriggerKind, path: Path<'_>) {
        let mut table = self.0.lock();
        let subscriptions = table.get_mut(path.as_bytes());
        let trigger = subscriptions.and_then(|subscriptions| subscriptions.of(kind).upgrade());
        drop(table);
        notify_each(trigger);
    }

    /// Notifies the subscribers of each of `changes` once.
    pub(crate) fn notify(&self, changes: &Changes) {
        let affected = affected(&self.0.lock(), changes);
        notify_each(affected);
    }

    /// Notifies all subscribers.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn notify_all(&self) {
        let table = self.0.lock();
        let all = table
            .values()
            .flat_map(|subscriptions| [&subscriptions.value, &subscriptions.keys])
            .filter_map(Weak::upgrade)
            .collect::<Vec<_>>();
        drop(table);
        notify_each(all);
    }

    /// Returns how many paths have a trigger.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.lock().len()
    }
}

impl Subscriptions {
    fn of(&mut self, kind: TriggerKind) -> &mut Weak<Trigger> {
        match kind {
            TriggerKind::Value => &mut self.value,
            TriggerKind::Keys => &mut self.keys,
        }
    }
}

/// Notifies triggers. The table must not be locked: a subscriber may track, edit and drop nodes.
fn notify_each(triggers: impl IntoIterator<Item = Arc<Trigger>>) {
    for trigger in triggers {
        trigger.trigger.notify();
    }
}

type Table = HashMap<Vec<u8>, Subscriptions>;

/// Returns the triggers at the paths that changed and at those above them.
fn affected(table: &Table, changes: &Changes) -> Vec<Arc<Trigger>> {
    let mut affected = Vec::new();
    if table.is_empty() {
        return affected;
    }
    let mut last_parent: Option<(Path<'_>, bool)> = None;
    for Change {
        path, existence, ..
    } in changes.iter()
    {
        add_value(table, path, &mut affected);
        let Some((parent, _)) = path.split_last() else {
            continue;
        };
        // A batch changes many cells of one map, whose own triggers are then added once.
        let (added, added_keys) = match last_parent {
            Some((last, keys)) if last == parent => (true, keys),
            _ => (false, false),
        };
        if existence
            && !added_keys
            && let Some(subscriptions) = table.get(parent.as_bytes())
        {
            affected.extend(subscriptions.keys.upgrade());
        }
        if !added {
            let mut above = Some(parent);
            while let Some(path) = above {
                add_value(table, path, &mut affected);
                above = path.split_last().map(|(parent, _)| parent);
            }
        }
        last_parent = Some((parent, existence || added_keys));
    }
    affected
}

fn add_value(table: &Table, path: Path<'_>, affected: &mut Vec<Arc<Trigger>>) {
    if let Some(subscriptions) = table.get(path.as_bytes()) {
        affected.extend(subscriptions.value.upgrade());
    }
}
