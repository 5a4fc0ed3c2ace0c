//! `bind:value` and `bind:checked` on nodes.

#[cfg(any(target_arch = "wasm32", test))]
mod caret;
#[cfg_attr(not(target_arch = "wasm32"), path = "field_absent.rs")]
mod field;
mod text;

use std::panic::Location;

use leptos::{prelude::*, tachys::reactive_graph::bind::IntoSplitSignal};

use self::text::FieldText;
use super::Node;

/// A type whose nodes can be bound to an input.
#[diagnostic::on_unimplemented(
    message = "`bind:` cannot be used with a node of `{Self}`",
    label = "not a `String`, `bool`, or an `Option` of one of them",
    note = "show the value with `prop:value` and write it in an `on:input` or `on:change` handler"
)]
pub trait FieldValue: Clone + 'static {
    /// The type of the value that the input shows.
    type Shown: Clone;

    fn into_shown(self) -> Self::Shown;
    fn from_shown(shown: Self::Shown) -> Self;
}

impl FieldValue for String {
    type Shown = FieldText;

    fn into_shown(self) -> FieldText {
        FieldText(self)
    }

    fn from_shown(shown: FieldText) -> Self {
        shown.0
    }
}

impl FieldValue for bool {
    type Shown = Self;

    fn into_shown(self) -> Self {
        self
    }

    fn from_shown(shown: Self) -> Self {
        shown
    }
}

/// An absent value shows as an empty field or an unchecked box. Typed text becomes a present value.
impl<T: FieldValue + Default> FieldValue for Option<T> {
    type Shown = T::Shown;

    fn into_shown(self) -> T::Shown {
        self.unwrap_or_default().into_shown()
    }

    fn from_shown(shown: T::Shown) -> Self {
        Some(T::from_shown(shown))
    }
}

/// A node, with the traits that an input uses to read and write it.
#[derive(Clone, Copy)]
pub struct Bound<N>(N);

impl<N: DefinedAt> DefinedAt for Bound<N> {
    fn defined_at(&self) -> Option<&'static Location<'static>> {
        self.0.defined_at()
    }
}

impl<N, V> Get for Bound<N>
where
    N: Get<Value = V>,
    V: FieldValue,
{
    type Value = V::Shown;

    fn try_get(&self) -> Option<V::Shown> {
        self.0.try_get().map(V::into_shown)
    }
}

impl<N, V> Set for Bound<N>
where
    N: Set<Value = V>,
    V: FieldValue,
{
    type Value = V::Shown;

    fn set(&self, shown: V::Shown) {
        self.0.set(V::from_shown(shown));
    }

    fn try_set(&self, shown: V::Shown) -> Option<V::Shown> {
        let unwritten = self.0.try_set(V::from_shown(shown))?;
        Some(unwritten.into_shown())
    }
}

impl<T, V> IntoSplitSignal for Node<T>
where
    Self: Get<Value = V> + Set<Value = V>,
    V: FieldValue,
{
    type Value = V::Shown;
    type Read = Bound<Self>;
    type Write = Bound<Self>;

    fn into_split_signal(self) -> (Bound<Self>, Bound<Self>) {
        (Bound(self), Bound(self))
    }
}
