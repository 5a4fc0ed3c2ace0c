//! The page, except the rows.

use leptos::prelude::*;

use crate::filter::{Filter, use_filter};
use crate::grow::use_growing;
use crate::row::Row;
use crate::state::Todos;

/// Renders the whole page.
#[component]
pub(crate) fn App() -> impl IntoView {
    let todos = Todos::new();
    let filter = use_filter();
    view! {
        <section class="todoapp">
            <header class="header">
                <h1>"todos"</h1>
                <NewTodo todos />
            </header>
            <Show when=move || todos.len() != 0>
                <List todos filter />
                <Footer todos filter />
            </Show>
        </section>
        <footer class="info">
            <p class="saved-mark" data-testid="saved-mark" data-state="memory" role="status" aria-live="polite">
                "In memory only."
            </p>
            <p>"Completed so far: " <strong data-testid="completed-ever">{todos.completed_ever}</strong></p>
            <p class="hint">"Double-click a todo to edit it, or press " <kbd>"Enter"</kbd> " on its checkbox."</p>
        </footer>
    }
}

/// Renders the input for new todos. Enter adds a todo; a paste of several lines adds one for each
/// line.
#[component]
fn NewTodo(todos: Todos) -> impl IntoView {
    view! {
        <input class="new-todo" data-testid="new-todo" placeholder="What needs to be done?" autofocus
            autocomplete="off" enterkeyhint="done" aria-label="New todo"
            on:keydown:target=move |event| {
                if event.key() == "Enter" && !event.is_composing() {
                    todos.add(&event.target().value());
                    event.target().set_value("");
                }
            }
            on:paste=move |event| {
                let text = event.clipboard_data().and_then(|data| data.get_data("text/plain").ok());
                if let Some(text) = text.filter(|text| text.trim().contains('\n')) {
                    event.prevent_default();
                    todos.add(&text);
                }
            }
        />
    }
}

/// Renders the rows. The style sheet applies the filter, so that a change costs one attribute and
/// not 10,000 rows.
#[component]
fn List(todos: Todos, filter: ReadSignal<Filter>) -> impl IntoView {
    let shown = use_growing(move || todos.len());
    let rows = move || {
        todos
            .list
            .with(|list| list.iter().take(shown.get()).cloned().collect::<Vec<_>>())
    };
    view! {
        <main class="main">
            <input id="toggle-all" class="toggle-all" type="checkbox"
                prop:checked=move || todos.left.get() == 0
                on:change:target=move |event| todos.set_all_done(event.target().checked())
            />
            <label for="toggle-all">"Mark all as complete"</label>
            <ul class="todo-list" aria-label="Todos" data-filter=move || filter.get().name()>
                <For each=rows key=|todo| todo.id let:todo>
                    <Row todos todo />
                </For>
            </ul>
        </main>
    }
}

/// Renders the count, the filters, and the button that removes completed todos.
#[component]
fn Footer(todos: Todos, filter: ReadSignal<Filter>) -> impl IntoView {
    let link = move |to: Filter| {
        let selected = move || filter.get() == to;
        view! {
            <li>
                <a href=to.address() class:selected=selected aria-current=move || selected().then_some("page")>
                    {to.name()}
                </a>
            </li>
        }
    };
    view! {
        <footer class="footer">
            <span class="todo-count" data-testid="todo-count">
                <strong>{todos.left}</strong>
                {move || if todos.left.get() == 1 { " item left" } else { " items left" }}
            </span>
            <ul class="filters" aria-label="Filters">{Filter::ALL.map(link)}</ul>
            <Show when=move || { todos.left.get() < todos.len() }>
                <button class="clear-completed" on:click=move |_| todos.clear_completed()>"Clear completed"</button>
            </Show>
        </footer>
    }
}
