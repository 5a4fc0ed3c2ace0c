//! The page: one HTML file that loads nothing else.

use anyhow::Result;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    Measured,
    chart::{Chart, Line},
    compared::{Compared, LIBRARIES},
    plot, quantity,
    tables::{amounts, bars},
};

const STYLE: &str = include_str!("style.css");

/// Explanations of the libraries' names.
const NAMES: &str = "ours: this library; plain: structs and hash tables by hand; other: the other leptos-sync-core, \
                     0.9.0; crdts, yrs, loro and automerge: the crates of these names.";

/// Returns the whole page.
///
/// # Errors
///
/// If a chart cannot be drawn.
pub(crate) fn page(measured: &Measured) -> Result<String> {
    let peers = measured.compared.charts();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "leptos-sync: benchmarks" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "leptos-sync: benchmarks" }
                    p { "Times are medians. On a shared machine they move from run to run; what is compared was measured \
                         in turn, in one process. Shorter is better everywhere." }
                    (sources(measured))
                }
                main {
                    (bars("Bars", &measured.compared, &LIBRARIES))
                    (bars("In the browser", &measured.browser, &browser_columns(&measured.browser)))
                    (amounts(&measured.compared))
                    (charts("Against other libraries, over sizes", NAMES, &peers, Legend::Shared)?)
                    (charts("This library alone, over sizes", "By criterion.", &measured.criterion, Legend::Each)?)
                }
            }
        }
    };
    Ok(page.into_string())
}

/// Lists the measurements, and the commands for those that are missing.
fn sources(measured: &Measured) -> Markup {
    let rows = |compared: &Compared, table| compared.table(table).len();
    let sources = [
        (
            "Table of targets",
            "cargo xtask bench compare --bars",
            rows(&measured.compared, "bars"),
            "rows",
        ),
        (
            "Against the other leptos-sync",
            "cargo xtask bench compare",
            rows(&measured.compared, "versus"),
            "rows",
        ),
        (
            "All libraries at all sizes",
            "cargo xtask bench compare --sizes",
            rows(&measured.compared, "sizes"),
            "rows",
        ),
        (
            "In the browser",
            "cargo xtask bench browser",
            rows(&measured.browser, "browser"),
            "rows",
        ),
        (
            "This library alone",
            "cargo xtask bench",
            measured.criterion.len(),
            "groups",
        ),
    ];
    let quick = measured.compared.quick() + measured.browser.quick();
    html! {
        ul.sources {
            @for (name, command, count, unit) in sources {
                @if count > 0 {
                    li { (name) ": " (count) " " (unit) ", by " code { (command) } }
                } @else {
                    li.missing { (name) ": " strong { "missing" } ", run " code { (command) } }
                }
            }
        }
        @if quick > 0 {
            p.missing { (quick) " rows were measured with " code { "--quick" } ": few samples." }
        }
    }
}

fn browser_columns(browser: &Compared) -> Vec<&str> {
    let mut columns = Vec::new();
    for row in browser.table("browser") {
        for (name, _) in &row.figures {
            if !columns.contains(&name.as_str()) {
                columns.push(name);
            }
        }
    }
    columns
}

/// The place of the legend.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Legend {
    /// Once, because all charts have the same lines.
    Shared,
    /// Under each chart.
    Each,
}

fn charts(title: &str, about: &str, charts: &[Chart], legend: Legend) -> Result<Markup> {
    let mut drawn = Vec::new();
    for chart in charts {
        drawn.push((chart, plot::svg(chart)?));
    }
    Ok(html! {
        @if !drawn.is_empty() {
            section {
                h2 { (title) }
                p { (about) " Both axes are logarithmic." }
                @if legend == Legend::Shared { (shared_legend()) }
                div.grid { @for (chart, svg) in &drawn { (figure(chart, svg, legend)) } }
            }
        }
    })
}

fn figure(chart: &Chart, svg: &str, legend: Legend) -> Markup {
    html! {
        figure {
            figcaption { strong { (chart.work) } " " span.per { (chart.per.name()) } }
            (PreEscaped(svg))
            @if legend == Legend::Each {
                (names(chart.lines.iter().map(|line| (line.colour, line.name.as_str()))))
            }
            (figures(chart))
        }
    }
}

/// Returns the chart as a table, for readers who cannot see it or want the exact values.
fn figures(chart: &Chart) -> Markup {
    let cell = |line: &Line, size| line.at(size).map_or_else(|| "–".to_owned(), quantity::time);
    html! {
        details {
            summary { "Figures" }
            div.scroll tabindex="0" {
                table {
                    thead {
                        tr { th { "Size" } @for line in &chart.lines { th { (line.name) } } }
                    }
                    tbody {
                        @for size in chart.sizes() {
                            tr {
                                th scope="row" { (quantity::grouped(size)) }
                                @for line in &chart.lines { td { (cell(line, size)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn shared_legend() -> Markup {
    html! { div.shared { (names(LIBRARIES.into_iter().enumerate())) } }
}

fn names<'a>(lines: impl Iterator<Item = (usize, &'a str)>) -> Markup {
    html! {
        ul.legend {
            @for (colour, name) in lines {
                li { span.key style=(format!("background: var(--line-{colour})")) {} (name) }
            }
        }
    }
}
