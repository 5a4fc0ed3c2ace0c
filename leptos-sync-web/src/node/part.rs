use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, Weak},
};

use leptos::prelude::{GetValue, IsDisposed, Owner, StoredValue, WeakOwner};
use leptos_sync_core::cells::PathBuf;

use super::{Access, EntryAccess, NodeDocument};
use crate::{
    live::{Trigger, TriggerKind, shrink},
    lock::Mutex,
};

/// Names a [`Part`] in leptos' arena. The part ends with the reactive owner that holds it.
pub(super) type PartId = StoredValue<Arc<Part>>;

/// An `Arc<dyn Access<T>>` or an `Arc<dyn EntryAccess<V>>`.
pub(super) type AnyAccess = Box<dyn Any + Send + Sync>;

/// A part of a document that a node stands for.
///
/// It is the same for nodes of all types, so that a page has its code once. A reactive owner holds
/// it; it holds its owner weakly.
pub(super) struct Part {
    document: Arc<dyn NodeDocument>,
    path: PathBuf,
    access: AnyAccess,
    owner: Option<WeakOwner>,
    /// The map that lists this part among its entries.
    map: Weak<Part>,
    links: Mutex<Links>,
}

/// The triggers that a part holds, and the parts below it.
#[derive(Default)]
struct Links {
    value: Option<Arc<Trigger>>,
    keys: Option<Arc<Trigger>>,
    /// Fields that were asked for. They have this part's owner.
    fields: Vec<(&'static str, PartId)>,
    /// Entries by encoded key. Each has the owner under which it was asked for.
    entries: HashMap<Vec<u8>, Vec<(Weak<Part>, PartId)>>,
}

impl Part {
    /// Makes the part of a whole document, which the current owner holds.
    pub(super) fn root(document: Arc<dyn NodeDocument>, access: AnyAccess) -> PartId {
        StoredValue::new(Arc::new(Self {
            document,
            path: PathBuf::new(),
            access,
            owner: Owner::current().map(|owner| owner.downgrade()),
            map: Weak::new(),
            links: Mutex::default(),
        }))
    }

    /// Returns the part of a field. All callers share it, and it lives as long as the record's.
    pub(super) fn field(&self, name: &'static str, access: &dyn Fn() -> AnyAccess) -> PartId {
        let mut links = self.links.lock();
        let fields = &mut links.fields;
        if let Some((_, field)) = fields.iter().find(|(known, _)| *known == name) {
            return *field;
        }
        let (_, field) = self.make(self.owner(), name.as_bytes(), Weak::new(), access());
        fields.push((name, field));
        field
    }

    /// Returns the part of the entry at `key`. It belongs to the current owner, or to one above it
    /// that asked for the key before.
    pub(super) fn entry(self: &Arc<Self>, key: Vec<u8>, access: &dyn Fn() -> AnyAccess) -> PartId {
        let owner = Owner::current().or_else(|| self.owner());
        let outlives = |(part, id): &(Arc<Self>, PartId)| {
            !id.is_disposed() && part.belongs_above(owner.clone())
        };
        if let Some((_, entry)) = self.entries(&key).into_iter().find(outlives) {
            return entry;
        }
        let (part, entry) = self.make(owner, &key, Arc::downgrade(self), access());
        let mut links = self.links.lock();
        let known = links.entries.entry(key).or_default();
        known.push((Arc::downgrade(&part), entry));
        entry
    }

    /// Makes a part below this one.
    fn make(
        &self,
        owner: Option<Owner>,
        segment: &[u8],
        map: Weak<Self>,
        access: AnyAccess,
    ) -> (Arc<Self>, PartId) {
        let part = Arc::new(Self {
            document: Arc::clone(&self.document),
            path: self.path.child(segment),
            access,
            owner: owner.as_ref().map(Owner::downgrade),
            map,
            links: Mutex::default(),
        });
        let hold = || StoredValue::new(Arc::clone(&part));
        let id = match owner {
            Some(owner) => owner.with(hold),
            None => hold(),
        };
        (part, id)
    }

    fn owner(&self) -> Option<Owner> {
        self.owner.as_ref()?.upgrade()
    }

    /// Returns whether this part's owner is `owner` or one above it. A part without an owner is
    /// never dropped.
    fn belongs_above(&self, mut owner: Option<Owner>) -> bool {
        if self.owner.is_none() {
            return true;
        }
        let own = self.owner();
        while owner.is_some() && owner != own {
            owner = owner.and_then(|owner| owner.parent());
        }
        owner.is_some()
    }

    /// Returns the parts at `key` that are alive. They must not be dropped while the table is
    /// locked, which dropping the last of them locks again.
    fn entries(&self, key: &[u8]) -> Vec<(Arc<Self>, PartId)> {
        let links = self.links.lock();
        let Some(known) = links.entries.get(key) else {
            return Vec::new();
        };
        let alive = known
            .iter()
            .filter_map(|(part, id)| Some((part.upgrade()?, *id)));
        alive.collect()
    }

    /// Removes the entries at `key` that are gone.
    fn forget_entry(&self, key: &[u8]) {
        let entries = &mut self.links.lock().entries;
        if let Some(known) = entries.get_mut(key) {
            known.retain(|(part, _)| part.strong_count() > 0);
            if known.is_empty() {
                entries.remove(key);
                shrink(entries);
            }
        }
    }

    /// Returns the access to a CRDT of type `T`.
    pub(super) fn access<T: 'static>(&self) -> Option<Arc<dyn Access<T>>> {
        self.access.downcast_ref().map(Arc::clone)
    }

    /// Returns the access to an entry with values of type `V`.
    pub(super) fn entry_access<V: 'static>(&self) -> Option<Arc<dyn EntryAccess<V>>> {
        self.access.downcast_ref().map(Arc::clone)
    }

    /// Subscribes the current observer.
    pub(super) fn track(&self, kind: TriggerKind) {
        let mut links = self.links.lock();
        let held = match kind {
            TriggerKind::Value => &mut links.value,
            TriggerKind::Keys => &mut links.keys,
        };
        let triggers = self.document.triggers();
        let held = held.get_or_insert_with(|| triggers.get(kind, self.path.as_path()));
        let trigger = Arc::clone(held);
        drop(links);
        trigger.track();
    }

    pub(super) fn notify(&self) {
        let triggers = self.document.triggers();
        triggers.notify_at(TriggerKind::Value, self.path.as_path());
    }

    pub(super) fn is_nested_edit(&self) -> bool {
        self.document.is_nested_edit()
    }

    /// Returns how many keys have an entry.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.links.lock().entries.len()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(map) = self.map.upgrade()
            && let Some((_, key)) = self.path.as_path().split_last()
        {
            map.forget_entry(key);
        }
    }
}

/// Returns the part that `id` names, `None` once its owner is gone.
pub(super) fn get(id: Option<PartId>) -> Option<Arc<Part>> {
    id?.try_get_value()
}
