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
    owner_id: usize,
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
    /// Entries by [`entry_name`]. Each has the owner under which it was asked for.
    entries: HashMap<Vec<u8>, (Weak<Part>, PartId)>,
}

/// The owners that are searched for the node of an entry: the current one, which may be that of an
/// effect, and those around it up to a row's. Every node costs a search through all of them.
const OWNERS: usize = 4;

impl Part {
    /// Makes the part of a whole document, which the current owner holds.
    pub(super) fn root(document: Arc<dyn NodeDocument>, access: AnyAccess) -> PartId {
        let owner = Owner::current();
        StoredValue::new(Arc::new(Self {
            document,
            path: PathBuf::new(),
            access,
            owner: owner.as_ref().map(Owner::downgrade),
            owner_id: owner_id(owner.as_ref()),
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

    /// Returns the part of the entry at `key`. It belongs to the current owner, or to one close
    /// above it that asked for the key before.
    pub(super) fn entry(self: &Arc<Self>, key: Vec<u8>, access: &dyn Fn() -> AnyAccess) -> PartId {
        let owner = Owner::current().or_else(|| self.owner());
        let mut name = entry_name(&key, 0);
        if let Some(entry) = self.known_entry(&mut name, owner.clone()) {
            return entry;
        }
        set_owner(&mut name, owner_id(owner.as_ref()));
        let (part, entry) = self.make(owner, &key, Arc::downgrade(self), access());
        let mut links = self.links.lock();
        links.entries.insert(name, (Arc::downgrade(&part), entry));
        entry
    }

    /// Searches for the part of an entry. `name` has its key.
    fn known_entry(&self, name: &mut [u8], mut owner: Option<Owner>) -> Option<PartId> {
        for _ in 0..OWNERS {
            set_owner(name, owner_id(owner.as_ref()));
            let links = self.links.lock();
            let entry = links.entries.get(name).map(|(_, entry)| *entry);
            drop(links);
            if let Some(entry) = entry
                && !entry.is_disposed()
            {
                return Some(entry);
            }
            owner = owner?.parent();
        }
        None
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
            owner_id: owner_id(owner.as_ref()),
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

    /// Removes an entry that is gone.
    fn forget_entry(&self, name: &[u8]) {
        let entries = &mut self.links.lock().entries;
        // The same owner may have asked for the key again in the meantime.
        let is_gone = |(part, _): &(Weak<Self>, PartId)| part.strong_count() == 0;
        if entries.get(name).is_some_and(is_gone) {
            entries.remove(name);
            shrink(entries);
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

    /// Returns how many entries have a part.
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
            map.forget_entry(&entry_name(key, self.owner_id));
        }
    }
}

/// Names an owner among those that are alive, or referred to weakly; 0 is none.
fn owner_id(owner: Option<&Owner>) -> usize {
    owner.map_or(0, Owner::debug_id)
}

/// Names an entry in the table of its map: by the owner that holds its part, then its key.
fn entry_name(key: &[u8], owner_id: usize) -> Vec<u8> {
    [&owner_id.to_ne_bytes(), key].concat()
}

fn set_owner(entry_name: &mut [u8], owner_id: usize) {
    if let Some(owner) = entry_name.first_chunk_mut() {
        *owner = owner_id.to_ne_bytes();
    }
}

/// Returns the part that `id` names, `None` once its owner is gone.
pub(super) fn get(id: Option<PartId>) -> Option<Arc<Part>> {
    id?.try_get_value()
}
