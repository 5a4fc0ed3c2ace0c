use std::{any::Any, sync::Arc};

use leptos::prelude::{GetValue, Owner, StoredValue, WeakOwner};
use leptos_sync_core::cells::PathBuf;

use super::{Access, EntryAccess, NodeDocument};
use crate::{
    live::{Trigger, TriggerKind},
    lock::Mutex,
};

/// The id of a [`Part`] in leptos' arena. The part is dropped with the reactive owner that holds
/// it.
pub(crate) type PartId = StoredValue<Arc<Part>>;

/// An `Arc<dyn Access<T>>` or an `Arc<dyn EntryAccess<V>>`.
pub(super) type AnyAccess = Box<dyn Any + Send + Sync>;

/// The part of a document that a node represents.
///
/// Nodes of all types share this type, so that a page contains its code once. A reactive owner
/// holds the part, and the part refers to the owner weakly.
pub(crate) struct Part {
    document: Arc<dyn NodeDocument>,
    path: PathBuf,
    access: AnyAccess,
    owner: Option<WeakOwner>,
    owner_id: usize,
    /// Whether this is the part of an entry, which the document's table lists.
    is_entry: bool,
    links: Mutex<Links>,
}

/// The triggers that a part holds, and the parts below it.
#[derive(Default)]
struct Links {
    /// The trigger of the value, or of the element of a set.
    value: Option<Arc<Trigger>>,
    keys: Option<Arc<Trigger>>,
    /// The fields that were requested. They have this part's owner.
    fields: Vec<(&'static str, PartId)>,
}

/// The number of owners that are searched for the node of an entry. They are the current one, which
/// may be that of an effect, and its ancestors up to that of a row. Every new node costs a search
/// through all of them.
const OWNERS: usize = 4;

impl Part {
    /// Creates the part of a whole document, held by the current owner.
    pub(super) fn root(document: Arc<dyn NodeDocument>, access: AnyAccess) -> PartId {
        let owner = Owner::current();
        StoredValue::new(Arc::new(Self {
            document,
            path: PathBuf::new(),
            access,
            owner: owner.as_ref().map(Owner::downgrade),
            owner_id: owner_id(owner.as_ref()),
            is_entry: false,
            links: Mutex::default(),
        }))
    }

    /// Returns the part of a field. All callers share it, and it lives as long as the part of the
    /// record.
    pub(super) fn field(&self, name: &'static str, access: &dyn Fn() -> AnyAccess) -> PartId {
        let mut links = self.links.lock();
        let fields = &mut links.fields;
        if let Some((_, field)) = fields.iter().find(|(known, _)| *known == name) {
            return *field;
        }
        let path = self.path.child(name.as_bytes());
        let field = self.make(self.owner(), path, false, access());
        fields.push((name, field));
        field
    }

    /// Returns the part of the entry at `key`. It belongs to the current owner, or to a near
    /// ancestor that requested the key before.
    pub(super) fn entry(&self, key: &[u8], access: &dyn Fn() -> AnyAccess) -> PartId {
        let table = self.document.table();
        let path = self.path.child(key);
        let owner = Owner::current().or_else(|| self.owner());
        let mut above = owner.clone();
        for _ in 0..OWNERS {
            if let Some(entry) = table.entry(owner_id(above.as_ref()), path.as_path()) {
                return entry;
            }
            above = above.and_then(|owner| owner.parent());
            if above.is_none() {
                break;
            }
        }
        let owner_id = owner_id(owner.as_ref());
        let entry = self.make(owner, path.clone(), true, access());
        table.insert_entry(owner_id, path.as_path(), entry);
        entry
    }

    /// Creates a part below this one.
    fn make(
        &self,
        owner: Option<Owner>,
        path: PathBuf,
        is_entry: bool,
        access: AnyAccess,
    ) -> PartId {
        let part = Arc::new(Self {
            document: Arc::clone(&self.document),
            path,
            access,
            owner: owner.as_ref().map(Owner::downgrade),
            owner_id: owner_id(owner.as_ref()),
            is_entry,
            links: Mutex::default(),
        });
        match owner {
            Some(owner) => owner.with(|| StoredValue::new(part)),
            None => StoredValue::new(part),
        }
    }

    fn owner(&self) -> Option<Owner> {
        self.owner.as_ref()?.upgrade()
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
            TriggerKind::Value | TriggerKind::Element => &mut links.value,
            TriggerKind::Keys => &mut links.keys,
        };
        let table = self.document.table();
        let held = held.get_or_insert_with(|| table.trigger(kind, self.path.as_path()));
        let trigger = Arc::clone(held);
        drop(links);
        trigger.track();
    }

    pub(super) fn notify(&self, kind: TriggerKind) {
        self.document.table().notify_at(kind, self.path.as_path());
    }

    pub(super) fn is_nested_edit(&self) -> bool {
        self.document.is_nested_edit()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.is_entry {
            let table = self.document.table();
            table.remove_entry(self.owner_id, self.path.as_path());
        }
    }
}

/// Returns the id of an owner, or 0 for none. The id differs from those of all other owners that
/// are alive or weakly referenced.
fn owner_id(owner: Option<&Owner>) -> usize {
    owner.map_or(0, Owner::debug_id)
}

/// Returns the part with this id, or `None` if its owner is gone.
pub(super) fn get(id: Option<PartId>) -> Option<Arc<Part>> {
    id?.try_get_value()
}
