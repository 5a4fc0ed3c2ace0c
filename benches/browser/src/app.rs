use browser_bench::{Row, Side, markdown};
use leptos::{prelude::*, task::spawn_local};
use serde_json::json;

use crate::{
    effort::Effort,
    scratch::Failure,
    works::{self, Work},
};

/// The progress of the measurement.
#[derive(Clone, PartialEq)]
enum State {
    Measuring(String),
    Done,
    Failed(String),
}

/// Renders the page, which starts to measure immediately.
///
/// Its driver reads `data-result` of `main`, which is set at the end: JSON with `markdown`, `rows`
/// and `missed`, or with `failure`.
#[component]
pub(crate) fn App() -> impl IntoView {
    let effort = Effort::asked();
    let rows = RwSignal::new(Vec::<Row>::new());
    let state = RwSignal::new(State::Measuring("starting".to_owned()));
    spawn_local(async move {
        let ended = match measure_all(effort, rows, state).await {
            Ok(()) => State::Done,
            Err(failure) => State::Failed(failure.to_string()),
        };
        state.set(ended);
    });
    let result = move || match state.get() {
        State::Measuring(_) => None,
        State::Done => Some(result(&rows.read(), effort)),
        State::Failed(failure) => Some(json!({ "failure": failure }).to_string()),
    };
    view! {
        <main data-result=result>
            <h1>"leptos-sync in this browser"</h1>
            <p class="quiet">
                "Medians of " {effort.rounds} " samples, taken in turn, each on a database of its own. Shorter is better. Last \
                in a line: how many times as much as ours it has to take, where that is asked."
            </p>
            <p role="status" class:missed=move || matches!(state.get(), State::Failed(_))>
                {move || words(&state.get())}
            </p>
            {move || rows.get().into_iter().map(shown).collect_view()}
        </main>
    }
}

async fn measure_all(
    effort: Effort,
    rows: RwSignal<Vec<Row>>,
    state: RwSignal<State>,
) -> Result<(), Failure> {
    for work in works::all(effort) {
        let row = measure(&work, effort, state).await?;
        rows.write().push(row);
    }
    Ok(())
}

async fn measure(work: &Work, effort: Effort, state: RwSignal<State>) -> Result<Row, Failure> {
    let progress = |round, side| {
        let of = format!("{}: {side}, {round} of {}", work.name, effort.rounds);
        state.set(State::Measuring(of));
    };
    work.measure(effort.rounds, progress).await
}

fn result(rows: &[Row], effort: Effort) -> String {
    let saved = rows.iter().map(|row| row.to_json(effort.is_quick()));
    let saved = format!("[{}]", saved.collect::<Vec<_>>().join(","));
    let missed: Vec<_> = rows.iter().flat_map(Row::missed).collect();
    json!({ "markdown": markdown(rows), "rows": saved, "missed": missed }).to_string()
}

fn words(state: &State) -> String {
    match state {
        State::Measuring(what) => format!("Measuring. {what} …"),
        State::Done => "Done.".to_owned(),
        State::Failed(failure) => format!("It failed: {failure}"),
    }
}

fn shown(row: Row) -> impl IntoView {
    let sides = row.sides.iter().map(|side| line(&row, side)).collect_view();
    view! {
        <h2>{row.work.clone()}": " {row.size}" entries"</h2>
        <table>{sides}</table>
    }
}

fn line(row: &Row, side: &Side) -> impl IntoView + use<> {
    let ratio = row.ratio(&side.name).unwrap_or(f64::NAN);
    let bar = row.bars.iter().find(|bar| bar.side == side.name);
    let verdict = bar.map(|bar| match row.meets(bar) {
        true => ("met", format!("✓ {} ×", bar.times)),
        false => ("missed", format!("✗ {} ×", bar.times)),
    });
    view! {
        <tr>
            <th scope="row">{side.name.clone()}</th>
            <td>{side.shown()}</td>
            <td class="quiet">{format!("{ratio:.2} ×")}</td>
            <td>{verdict.map(|(class, words)| view! { <span class=class>{words}</span> })}</td>
        </tr>
    }
}
