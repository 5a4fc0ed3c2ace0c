use leptos::{
    tachys::{
        html::{attribute::AttributeValue, property::IntoProperty},
        reactive_graph::bind::{FromEventTarget, GetValue},
        renderer::types::Element,
    },
    wasm_bindgen::JsValue,
    web_sys::Event,
};

use super::field;

/// The text of an input that is bound to a node.
///
/// When Leptos writes a `String` into an input, the caret moves to the end. This type differs from
/// `String` only in how it is written into an element; see [`field::show`].
#[derive(Clone, PartialEq, Eq)]
pub struct FieldText(pub(super) String);

impl FromEventTarget for FieldText {
    fn from_event_target(event: &Event) -> Self {
        Self(String::from_event_target(event))
    }
}

impl GetValue<FieldText> for Element {
    fn get_value(&self) -> FieldText {
        FieldText(GetValue::<String>::get_value(self))
    }
}

impl From<FieldText> for JsValue {
    fn from(text: FieldText) -> Self {
        Self::from(text.0)
    }
}

impl IntoProperty for FieldText {
    type State = (Element, JsValue);
    type Cloneable = Self;
    type CloneableOwned = Self;

    fn hydrate<const FROM_SERVER: bool>(self, element: &Element, key: &str) -> Self::State {
        IntoProperty::build(self, element, key)
    }

    fn build(self, element: &Element, key: &str) -> Self::State {
        field::listen();
        IntoProperty::build(self.0, element, key)
    }

    fn rebuild(self, state: &mut Self::State, key: &str) {
        field::show(&state.0, key, self.0);
    }

    fn into_cloneable(self) -> Self {
        self
    }

    fn into_cloneable_owned(self) -> Self {
        self
    }
}

/// `bind:` requires this trait of values, but never uses it.
impl AttributeValue for FieldText {
    type State = <String as AttributeValue>::State;
    type AsyncOutput = String;
    type Cloneable = <String as AttributeValue>::Cloneable;
    type CloneableOwned = <String as AttributeValue>::CloneableOwned;

    fn html_len(&self) -> usize {
        self.0.html_len()
    }

    fn to_html(self, key: &str, buffer: &mut String) {
        AttributeValue::to_html(self.0, key, buffer);
    }

    fn to_template(key: &str, buffer: &mut String) {
        <String as AttributeValue>::to_template(key, buffer);
    }

    fn hydrate<const FROM_SERVER: bool>(self, key: &str, element: &Element) -> Self::State {
        AttributeValue::hydrate::<FROM_SERVER>(self.0, key, element)
    }

    fn build(self, element: &Element, key: &str) -> Self::State {
        AttributeValue::build(self.0, element, key)
    }

    fn rebuild(self, key: &str, state: &mut Self::State) {
        AttributeValue::rebuild(self.0, key, state);
    }

    fn into_cloneable(self) -> Self::Cloneable {
        AttributeValue::into_cloneable(self.0)
    }

    fn into_cloneable_owned(self) -> Self::CloneableOwned {
        AttributeValue::into_cloneable_owned(self.0)
    }

    fn dry_resolve(&mut self) {}

    async fn resolve(self) -> String {
        self.0
    }
}
