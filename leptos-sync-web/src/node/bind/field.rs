//! Updates the text of an input in which the user may be typing.

use std::cell::{Cell, RefCell};

use leptos::tachys::{dom, html::property::IntoProperty, renderer::types::Element};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Event, HtmlInputElement};

use super::caret::Replacement;

thread_local! {
    static IS_LISTENING: Cell<bool> = const { Cell::new(false) };
    /// The composition in progress, that is, text that an input method has not finished. A page has
    /// at most one.
    static COMPOSITION: RefCell<Option<Composition>> = const { RefCell::new(None) };
}

struct Composition {
    element: Element,
    has_ended: bool,
    /// The text that arrived for the element during the composition.
    waiting: Option<String>,
}

/// Listens for compositions of input methods. Only the first call in a page has an effect.
pub(super) fn listen() {
    if IS_LISTENING.replace(true) {
        return;
    }
    on("compositionstart", |event| {
        let element = event.composed_path().get(0).dyn_into().ok();
        let composition = element.map(|element| Composition {
            element,
            has_ended: false,
            waiting: None,
        });
        COMPOSITION.set(composition);
    });
    on("compositionend", |_| {
        COMPOSITION.with_borrow_mut(|composition| {
            if let Some(composition) = composition {
                composition.has_ended = true;
            }
        });
        // Some browsers fire the last `input` event after this one.
        leptos::prelude::set_timeout(show_waiting, std::time::Duration::ZERO);
    });
}

fn on(name: &str, listener: fn(Event)) {
    let listener = Closure::<dyn Fn(Event)>::new(listener).into_js_value();
    // Adding a listener fails only for wrong arguments.
    let _ = dom::document().add_event_listener_with_callback_and_bool(
        name,
        listener.unchecked_ref(),
        true,
    );
}

/// Shows the text that arrived during a composition that has ended.
fn show_waiting() {
    let ended = COMPOSITION
        .with_borrow_mut(|composition| composition.take_if(|composition| composition.has_ended));
    if let Some(Composition {
        element,
        waiting: Some(text),
        ..
    }) = ended
    {
        replace(element.unchecked_ref(), &text);
    }
}

/// Shows `text` in an element. If the user is typing there, the caret and the selection keep their
/// place in the text. A composition is not interrupted: the new text waits for its end.
pub(super) fn show(element: &Element, key: &str, text: String) {
    let is_focused = dom::document().active_element().as_ref() == Some(element);
    if key != "value" || !is_focused {
        // Show the text as leptos shows a `String`.
        IntoProperty::build(text, element, key);
        return;
    }
    // A text area is not an input element, but it has all members that are used here.
    let field: &HtmlInputElement = element.unchecked_ref();
    let waiting = (field.value() != text).then_some(text);
    let composes = COMPOSITION.with_borrow_mut(|composition| {
        let composition = composition
            .as_mut()
            .filter(|composition| composition.element == *element);
        if let Some(composition) = composition {
            composition.waiting.clone_from(&waiting);
            return true;
        }
        false
    });
    if let Some(text) = waiting
        && !composes
    {
        replace(field, &text);
    }
}

/// Replaces the text of the field that has the focus.
fn replace(field: &HtmlInputElement, text: &str) {
    let selection = (field.selection_start(), field.selection_end());
    let direction = field.selection_direction();
    let before = field.value();
    field.set_value(text);
    // A field of another type, such as a number, has no selection.
    if let (Ok(Some(start)), Ok(Some(end))) = selection {
        let (start, end) = Replacement::between(&before, &field.value()).select(start, end);
        let direction = direction.ok().flatten().unwrap_or_default();
        let _ = field.set_selection_range_with_direction(start, end, &direction);
    }
}
