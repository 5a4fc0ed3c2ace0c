//! One row: a todo, and the input that replaces it while its title is edited.

use leptos::html::Input;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use crate::state::{Todo, Todos};

/// Renders a todo of the list.
#[component]
pub(crate) fn Row(todos: Todos, todo: Todo) -> impl IntoView {
    let Todo { id, title, done } = todo.clone();
    let completed = done.clone();
    let todo = StoredValue::new(todo);
    let editing = RwSignal::new(false);
    let toggle = NodeRef::<Input>::new();
    let title_id = format!("todo-{id}");
    view! {
        <li data-testid="todo-item" class:completed=completed class:editing=editing>
            <input class="toggle" type="checkbox" aria-labelledby=title_id.clone() prop:checked=done node_ref=toggle
                on:change:target=move |event| todo.with_value(|todo| todos.set_done(todo, event.target().checked()))
                on:keydown=move |event| if matches!(event.key().as_str(), "Enter" | "F2") { editing.set(true) }
            />
            <label id=title_id.clone() data-testid="todo-title" on:dblclick=move |_| editing.set(true)>{title}</label>
            <button class="destroy" aria-label="Delete" aria-describedby=title_id
                on:click:target=move |event| {
                    focus_neighbour(&event.target());
                    todo.with_value(|todo| todos.remove(todo));
                }
            />
            {move || editing.get().then(|| view! { <Editor todos todo editing toggle /> })}
        </li>
    }
}

/// Renders the input for the title of a todo. Enter saves the title, and so does leaving the input.
/// Escape does not.
#[component]
fn Editor(
    todos: Todos,
    todo: StoredValue<Todo>,
    editing: RwSignal<bool>,
    /// The element that receives the focus afterwards.
    toggle: NodeRef<Input>,
) -> impl IntoView {
    let input = NodeRef::<Input>::new();
    input.on_load(|input| drop(input.focus()));
    let finish = move |save: bool| {
        // Removing an input that has the focus fires `blur`, so only the first call must take
        // effect.
        if editing.try_update(std::mem::take) != Some(true) {
            return;
        }
        if let Some(input) = input.get_untracked().filter(|_| save) {
            todo.with_value(|todo| todos.rename(todo, &input.value()));
        }
    };
    let back = move || {
        // The element is hidden until the next frame.
        request_animation_frame(move || drop(toggle.get_untracked().map(|toggle| toggle.focus())));
    };
    view! {
        <input class="edit" aria-label="Edit todo" autocomplete="off" enterkeyhint="done" node_ref=input
            prop:value=todo.with_value(|todo| todo.title.get_untracked())
            on:blur=move |_| finish(true)
            on:keydown=move |event| {
                let key = event.key();
                if matches!(key.as_str(), "Enter" | "Escape") && !event.is_composing() {
                    finish(key == "Enter");
                    back();
                }
            }
        />
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
