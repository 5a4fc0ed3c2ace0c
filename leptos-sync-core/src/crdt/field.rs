use std::fmt;

use super::Crdt;

/// A field of a record: its name in paths, and how to reach it.
///
/// `#[derive(Crdt)]` makes one for each field. `Copy`, three words.
pub struct Field<R, F> {
    /// The segment under which the field's cells stand. Renaming it makes another field of it.
    pub name: &'static str,
    /// Reaches the field.
    pub get: fn(&R) -> &F,
    /// Reaches the field, to change it.
    pub get_mut: fn(&mut R) -> &mut F,
}

impl<R, F> Clone for Field<R, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, F> Copy for Field<R, F> {}

impl<R, F> fmt::Debug for Field<R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Field").field(&self.name).finish()
    }
}

/// Something that stands for a record and can be narrowed to one of its fields: a transaction, a reactive node.
///
/// `#[derive(Crdt)]` on `Board` makes a trait `BoardFields` with a method for each field, for everything that focuses
/// on a `Board`. So `tx.title()` in a transaction and `doc.title()` in a view are the same words.
pub trait Focus: Sized {
    /// The record.
    type Record: Crdt;
    /// The same kind of thing for a field of type `F`.
    type At<F: Crdt>;

    /// Narrows to `field`.
    fn focus_field<F: Crdt>(self, field: Field<Self::Record, F>) -> Self::At<F>;
}
