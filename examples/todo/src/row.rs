//! One row: a todo, and the input that replaces it while its title is edited.

use leptos::html::Input;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use crate::problem::{Problem, problem};
use crate::state::{Id, List};

/// Renders a todo of the list.
#[component]
pub(crate) fn Row(list: List, id: Id) -> impl IntoView {
    let done = move || list.is_done(id);
    let editing = RwSignal::new(false);
    let toggle = NodeRef::<Input>::new();
    let title_id = format!("todo-{}-{}-{}", id.0.time.get(), id.0.replica.get(), id.1);
    view! {
        <li data-testid="todo-item" class:completed=done class:editing=editing>
            <input class="toggle" type="checkbox" aria-labelledby=title_id.clone() prop:checked=done node_ref=toggle
                on:change:target=move |event| list.mark(&[id], event.target().checked())
                on:keydown=move |event| if matches!(event.key().as_str(), "Enter" | "F2") { editing.set(true) }
            />
            <label id=title_id.clone() data-testid="todo-title" on:dblclick=move |_| editing.set(true)>{move || list.title(id)}</label>
            <button class="destroy" aria-label="Delete" aria-describedby=title_id
                on:click:target=move |event| {
                    focus_neighbour(&event.target());
                    list.remove(&[id]);
                }
            />
            {move || editing.get().then(|| view! { <Editor list id editing toggle /> })}
        </li>
    }
}

/// Renders the input for the title of a todo. Enter saves the title, and so does leaving the input.
/// Escape does not. A rejected title stays in the input.
#[component]
fn Editor(
    list: List,
    id: Id,
    editing: RwSignal<bool>,
    /// The element that receives the focus afterwards.
    toggle: NodeRef<Input>,
) -> impl IntoView {
    let input = NodeRef::<Input>::new();
    input.on_load(|input| drop(input.focus()));
    let rejected = Problem::default();
    let save = move || match input.get_untracked() {
        Some(input) => rejected.report(list.rename(id, &input.value())),
        None => true,
    };
    // Removing an input that has the focus fires `blur`, which must be ignored.
    let is_open = move || editing.try_get_untracked() == Some(true);
    let focus = move || {
        // The element is hidden until the next frame.
        request_animation_frame(move || drop(toggle.get_untracked().map(|toggle| toggle.focus())));
    };
    view! {
        <input class="edit" aria-label="Edit todo" autocomplete="off" enterkeyhint="done" node_ref=input
            prop:value=untrack(|| list.title(id))
            on:blur=move |_| if is_open() && save() { editing.set(false) }
            on:keydown=move |event| {
                let key = event.key();
                let closes = match key.as_str() {
                    "Enter" => !event.is_composing() && save(),
                    "Escape" => !event.is_composing(),
                    _ => false,
                };
                if closes {
                    editing.set(false);
                    focus();
                }
            }
        />
        {problem(rejected)}
    }
}

/// Moves the focus to the next todo, or to the previous one after the last, so that the user can
/// keep deleting by keyboard.
fn focus_neighbour(button: &Element) {
    let row = button.closest("li").ok().flatten();
    let neighbour = row.and_then(|row| {
        row.next_element_sibling()
            .or_else(|| row.previous_element_sibling())
    });
    let target = neighbour.and_then(|row| row.query_selector(".destroy").ok().flatten());
    if let Some(target) = target.and_then(|target| target.dyn_into::<HtmlElement>().ok()) {
        drop(target.focus());
    }
}
