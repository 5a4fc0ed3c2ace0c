use std::collections::HashMap;

use crate::lock::Mutex;
use leptos::prelude::{ArcTrigger, Notify, Track};
use leptos_sync_core::{Change, Changes, cells::Path};

/// What the reactive graph listens to, by path: a trigger for each cell, for each map's set of keys, and for each
/// value as a whole, made when first tracked.
///
/// They are held strongly, since a subscriber holds them weakly. A cell's trigger is let go when its key comes or
/// goes: whoever listened runs again and makes a new one if it still cares.
#[derive(Default)]
pub(crate) struct Triggers(Mutex<Table>);

/// By [`What::key`].
#[derive(Default)]
struct Table(HashMap<Vec<u8>, ArcTrigger>);

/// What is listened to at a path.
#[derive(Clone, Copy)]
pub(crate) enum What {
    /// One cell.
    Cell,
    /// Which keys a map has.
    Keys,
    /// Everything at the path and below.
    Whole,
}

impl Triggers {
    /// The trigger of `what` at `path`.
    pub(crate) fn get(&self, what: What, path: Path<'_>) -> ArcTrigger {
        let mut table = self.0.lock();
        if let Some(trigger) = table.at(what, path) {
            return trigger;
        }
        let trigger = ArcTrigger::new();
        table.0.insert(what.key(path), trigger.clone());
        trigger
    }

    pub(crate) fn track(&self, what: What, path: Path<'_>) {
        self.get(what, path).track();
    }

    /// Tells whoever listens to one of `changes`, each once.
    pub(crate) fn notify(&self, changes: &Changes) {
        let triggers = self.0.lock().affected(changes);
        tell(triggers);
    }

    /// Tells everybody.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn notify_all(&self) {
        let triggers = self.0.lock().all();
        tell(triggers);
    }
}

/// Called after the lock is dropped: a subscriber may track and edit.
fn tell(triggers: Vec<ArcTrigger>) {
    for trigger in triggers {
        trigger.notify();
    }
}

impl What {
    fn key(self, path: Path<'_>) -> Vec<u8> {
        [path.as_bytes(), &[self as u8]].concat()
    }
}

impl Table {
    fn at(&self, what: What, path: Path<'_>) -> Option<ArcTrigger> {
        self.0.get(&what.key(path)).cloned()
    }

    #[cfg(target_arch = "wasm32")]
    fn all(&self) -> Vec<ArcTrigger> {
        self.0.values().cloned().collect()
    }

    fn affected(&mut self, changes: &Changes) -> Vec<ArcTrigger> {
        let mut affected = Vec::new();
        let mut last_parent: Option<(Path<'_>, bool)> = None;
        for Change { path, existence } in changes.iter() {
            affected.extend(self.at(What::Cell, path));
            affected.extend(self.at(What::Whole, path));
            if existence {
                self.0.remove(&What::Cell.key(path));
            }
            let Some((parent, _)) = path.split_last() else {
                continue;
            };
            // A batch changes many cells of one map: what stands above them is told once.
            let (told, told_keys) = match last_parent {
                Some((last, keys)) if last == parent => (true, keys),
                _ => (false, false),
            };
            if existence && !told_keys {
                affected.extend(self.at(What::Keys, parent));
            }
            if !told {
                self.above(parent, &mut affected);
            }
            last_parent = Some((parent, existence || told_keys));
        }
        affected
    }

    /// The wholes at `path` and at everything above it.
    fn above(&self, mut path: Path<'_>, affected: &mut Vec<ArcTrigger>) {
        loop {
            affected.extend(self.at(What::Whole, path));
            match path.split_last() {
                Some((parent, _)) => path = parent,
                None => return,
            }
        }
    }
}
