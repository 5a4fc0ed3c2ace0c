use std::fmt;

use super::Crdt;

/// A field of a record: its name in paths, and accessors.
///
/// `#[derive(Crdt)]` creates one for each field. `Copy`, three words.
pub struct Field<R, F> {
    /// The path segment of the field. Renaming it creates a different field.
    pub name: &'static str,
    /// A function that borrows the field.
    pub get: fn(&R) -> &F,
    /// A function that borrows the field mutably.
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

/// A handle to a record that can be narrowed to a field, such as a transaction or a reactive node.
///
/// `#[derive(Crdt)]` on `Board` generates a trait `BoardFields` with a method per field,
/// implemented for every handle to a `Board`. So `tx.title()` in a transaction and `doc.title()` in
/// a view look the same.
pub trait Focus: Sized {
    /// The record.
    type Record: Crdt;
    /// The handle to a field of type `F`.
    type At<F: Crdt>;

    /// Narrows the handle to `field`.
    fn focus_field<F: Crdt>(self, field: Field<Self::Record, F>) -> Self::At<F>;
}
