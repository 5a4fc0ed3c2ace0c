//! The writes of types whose cells end with a tag.

use std::borrow::Borrow;

use super::transaction::Tx;
use crate::{
    codec,
    crdt::{MvRegister, OrSet, TagCells, Tagged, Value, encode_key},
    id::Id,
    path,
};

impl<T: Value + Ord> Tx<'_, OrSet<T>> {
    /// Adds an element. Writes nothing if it is present.
    pub fn insert(&mut self, element: T) {
        if !self.contains(&element) && self.allows(|scratch| codec::check_key(&element, scratch)) {
            let tag = self.new_id();
            write_tag(self, &element, tag, Some(()));
        }
    }

    /// Adds many elements.
    pub fn insert_batch(&mut self, elements: impl IntoIterator<Item = T>) {
        let mut tx = self.owned();
        for element in elements {
            tx.insert(element);
        }
    }

    /// Removes an element. Writes nothing if it is absent.
    pub fn remove<Q>(&mut self, element: &Q)
    where
        T: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let tags = self.tags(element);
        let tags = tags.map(|(element, tags)| (element.clone(), tags.collect::<Vec<_>>()));
        if let Some((element, tags)) = tags {
            for tag in tags {
                write_tag(self, &element, tag, None);
            }
        }
    }

    /// Removes many elements.
    pub fn remove_batch<'q, Q>(&mut self, elements: impl IntoIterator<Item = &'q Q>)
    where
        T: Borrow<Q>,
        Q: Ord + ?Sized + 'q,
    {
        let mut tx = self.owned();
        for element in elements {
            tx.remove(element);
        }
    }

    /// Removes an element if it is present, and adds it otherwise.
    pub fn toggle(&mut self, element: T) {
        match self.contains(&element) {
            true => self.remove(&element),
            false => self.insert(element),
        }
    }

    /// Removes every element. O(elements).
    pub fn clear(&mut self) {
        let elements: Vec<T> = self.iter().cloned().collect();
        self.remove_batch(&elements);
    }
}

impl<T: Value> Tx<'_, MvRegister<T>> {
    /// Writes the value, and replaces all current ones. So it also resolves a conflict.
    pub fn set(&mut self, value: T) {
        if self.allows(|scratch| codec::check(&value, scratch)) {
            let tags: Vec<_> = self.tags().collect();
            for tag in tags {
                write_tag(self, &(), tag, None);
            }
            let tag = self.new_id();
            write_tag(self, &(), tag, Some(value));
        }
    }

    /// Applies `change` to a copy of the latest value, or of the default, and writes the result.
    pub fn update(&mut self, change: impl FnOnce(&mut T))
    where
        T: Default,
    {
        let mut value = self.get().cloned().unwrap_or_default();
        change(&mut value);
        self.set(value);
    }
}

/// Writes the cell of a tag. Fails the transaction if the element cannot be encoded or is too long.
fn write_tag<S: Tagged>(
    tx: &mut Tx<'_, S>,
    element: &S::Element,
    tag: Id,
    value: Option<S::Value>,
) {
    let key = |bytes: &mut Vec<u8>| {
        let start = bytes.len();
        encode_key::<S>(element, tag, bytes)?;
        // A rollback finds the cell by its path, so reject a key that is longer than any path may
        // be.
        path::check_length(bytes.len() - start)
    };
    let look = tx.look(key, |state, value| state.old_cell(element, tag, value));
    if let Some(before) = look {
        let stamp = tx.stamp();
        let put = |cells: &mut TagCells<S::Value>| cells.put(tag, stamp, value);
        let ((), existence) = tx.state().change(element, put);
        tx.changed_cell(before, existence);
    }
}
