//! The page, except the rows.

use leptos::prelude::*;
use leptos_sync_web::{provide_sync, use_doc};
use web_sys::HtmlInputElement;

use crate::exchange::{self, Status};
use crate::filter::{Filter, use_filter};
use crate::grow::use_growing;
use crate::problem::{Problem, problem};
use crate::row::Row;
use crate::state::{List, Todos};

/// Renders the whole page.
#[component]
pub(crate) fn App() -> impl IntoView {
    provide_sync(exchange::options());
    let opened = use_doc::<Todos>("todos");
    let list = List(opened.doc);
    let left = Memo::new(move |_| list.left());
    let filter = use_filter();
    view! {
        <section class="todoapp">
            <header class="header">
                <h1>"todos"</h1>
                <NewTodo list />
            </header>
            <Show when=move || !list.ids().is_empty()>
                <Rows list left filter />
                <Footer list left filter />
            </Show>
        </section>
        <footer class="info">
            <Status opened />
            <p>"Completed so far: " <strong data-testid="completed-ever">{move || list.completed_ever()}</strong></p>
            <p class="hint">"Double-click a todo to edit it, or press " <kbd>"Enter"</kbd> " on its checkbox."</p>
        </footer>
    }
}

/// Renders the input for new todos. Enter adds a todo; a paste of several lines adds one for each
/// line. Rejected text stays in the input.
#[component]
fn NewTodo(list: List) -> impl IntoView {
    let rejected = Problem::default();
    let add = move |input: &HtmlInputElement, text: &str| {
        match rejected.report(list.add(text)) {
            true => input.set_value(""),
            // The input has only one line, so show the lines separated by spaces.
            false => input.set_value(&text.replace('\n', " ")),
        }
    };
    view! {
        <input class="new-todo" data-testid="new-todo" placeholder="What needs to be done?" autofocus
            autocomplete="off" enterkeyhint="done" aria-label="New todo"
            on:keydown:target=move |event| {
                if event.key() == "Enter" && !event.is_composing() {
                    add(&event.target(), &event.target().value());
                }
            }
            on:paste:target=move |event| {
                let text = event.clipboard_data().and_then(|data| data.get_data("text/plain").ok());
                if let Some(text) = text.filter(|text| text.trim().contains('\n')) {
                    event.prevent_default();
                    add(&event.target(), &text);
                }
            }
        />
        {problem(rejected)}
    }
}

/// Renders the rows. The style sheet applies the filter, so that a change costs one attribute and
/// not 10,000 rows.
#[component]
fn Rows(list: List, left: Memo<usize>, filter: ReadSignal<Filter>) -> impl IntoView {
    let shown = use_growing(move || list.ids().len());
    let rows = move || list.ids().into_iter().take(shown.get());
    view! {
        <main class="main">
            <input id="toggle-all" class="toggle-all" type="checkbox"
                prop:checked=move || left.get() == 0
                on:change:target=move |event| list.mark(&untrack(|| list.ids()), event.target().checked())
            />
            <label for="toggle-all">"Mark all as complete"</label>
            <ul class="todo-list" aria-label="Todos" data-filter=move || filter.get().name()>
                <For each=rows key=|id| *id let:id>
                    <Row list id />
                </For>
            </ul>
        </main>
    }
}

/// Renders the count, the filters, and the button that removes completed todos.
#[component]
fn Footer(list: List, left: Memo<usize>, filter: ReadSignal<Filter>) -> impl IntoView {
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
                <strong>{left}</strong>
                {move || if left.get() == 1 { " item left" } else { " items left" }}
            </span>
            <ul class="filters" aria-label="Filters">{Filter::ALL.map(link)}</ul>
            <Show when=move || { left.get() < list.ids().len() }>
                <button class="clear-completed" on:click=move |_| list.remove_completed()>"Clear completed"</button>
            </Show>
        </footer>
    }
}
