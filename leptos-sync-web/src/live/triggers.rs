use std::collections::HashMap;

use crate::lock::Mutex;
use leptos::prelude::{ArcTrigger, Notify, Track};
use leptos_sync_core::{Change, Changes, Path};

/// What the reactive graph listens to, by path: a trigger for each cell, for each map's set of keys, and for each
/// value as a whole, made when first tracked.
///
/// They are held strongly, since a subscriber holds them weakly. A cell's trigger is let go when its key comes or
/// goes: whoever listened runs again and makes a new one if it still cares.
#[derive(Default)]
pub(crate) struct Triggers(Mutex<Tables>);

#[derive(Default)]
struct Tables {
    cells: HashMap<Box<[u8]>, ArcTrigger>,
    keys: HashMap<Box<[u8]>, ArcTrigger>,
    wholes: HashMap<Box<[u8]>, ArcTrigger>,
}

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
        let mut tables = self.0.lock();
        let table = tables.table(what);
        match table.get(path.as_bytes()) {
            Some(trigger) => trigger.clone(),
            None => {
                let trigger = ArcTrigger::new();
                table.insert(path.as_bytes().into(), trigger.clone());
                trigger
            }
        }
    }

    pub(crate) fn track(&self, what: What, path: Path<'_>) {
        self.get(what, path).track();
    }

    /// Tells whoever listens to one of `changes`, each once.
    pub(crate) fn notify(&self, changes: &Changes) {
        // Notified after the lock is dropped: a subscriber may track and edit.
        let triggers = self.0.lock().affected(changes);
        for trigger in triggers {
            trigger.notify();
        }
    }

    /// Tells everybody.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn notify_all(&self) {
        let mut triggers = Vec::new();
        {
            let tables = self.0.lock();
            for table in [&tables.cells, &tables.keys, &tables.wholes] {
                triggers.extend(table.values().cloned());
            }
        }
        for trigger in triggers {
            trigger.notify();
        }
    }
}

impl Tables {
    fn table(&mut self, what: What) -> &mut HashMap<Box<[u8]>, ArcTrigger> {
        match what {
            What::Cell => &mut self.cells,
            What::Keys => &mut self.keys,
            What::Whole => &mut self.wholes,
        }
    }

    fn affected(&mut self, changes: &Changes) -> Vec<ArcTrigger> {
        let mut affected = Vec::new();
        let mut last_parent: Option<(Path<'_>, bool)> = None;
        for Change { path, existence } in changes.iter() {
            let cell = if existence {
                self.cells.remove(path.as_bytes())
            } else {
                self.cells.get(path.as_bytes()).cloned()
            };
            affected.extend(cell);
            affected.extend(self.wholes.get(path.as_bytes()).cloned());
            let Some((parent, _)) = path.split_last() else {
                continue;
            };
            // A batch changes many cells of one map: what stands above them is told once.
            let (told, told_keys) = match last_parent {
                Some((last, keys)) if last == parent => (true, keys),
                _ => (false, false),
            };
            if existence && !told_keys {
                affected.extend(self.keys.get(parent.as_bytes()).cloned());
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
            affected.extend(self.wholes.get(path.as_bytes()).cloned());
            match path.split_last() {
                Some((parent, _)) => path = parent,
                None => return,
            }
        }
    }
}
