//! The tables of targets and of bytes.

use maud::{Markup, html};

use super::{
    compared::{self, Compared, Row},
    quantity,
};

/// Returns a table of each side's results, the targets, and whether they are met.
pub(super) fn bars(title: &str, compared: &Compared, columns: &[&str]) -> Markup {
    let rows: Vec<_> = ["bars", "browser"]
        .into_iter()
        .flat_map(|table| compared.table(table))
        .collect();
    let asked = rows.iter().filter(|row| !row.asked.is_empty());
    let (met, all) = asked.fold((0, 0), |(met, all), row| {
        (met + usize::from(row.missed.is_empty()), all + 1)
    });
    html! {
        @if !rows.is_empty() {
            section {
                h2 { (title) }
                p { (met) " of " (all) " targets are met. Values in brackets are relative to ours." }
                table.bars {
                    thead {
                        tr {
                            th { "Work" }
                            th { "Size" }
                            @for name in columns { th { (name) } }
                            th { "Bar" }
                            th { "Met" }
                        }
                    }
                    tbody { @for row in rows { (bar(row, columns)) } }
                }
            }
        }
    }
}

fn bar(row: &Row, columns: &[&str]) -> Markup {
    let ours = row.of("ours");
    html! {
        tr {
            th scope="row" { (row.work) }
            td data-label="Size" { (quantity::grouped(row.size)) }
            @for name in columns {
                @match row.of(name) {
                    None => td.none data-label=(name) { "–" },
                    Some(figure) => td data-label=(name) {
                        span.figure { (quantity::of_unit(figure, &row.unit)) }
                        @if let (Some(ours), false) = (ours, *name == "ours") {
                            " " span.ratio { "(" (format!("{:.2}", figure / ours)) " ×)" }
                        }
                    },
                }
            }
            td.words.none[row.asked.is_empty()] data-label="Bar" {
                (or_dash(&row.asked))
            }
            td.words.none[row.asked.is_empty()] data-label="Met" { (verdict(row)) }
        }
    }
}

fn verdict(row: &Row) -> Markup {
    html! {
        @if row.asked.is_empty() {
            "–"
        } @else if row.missed.is_empty() {
            span.met { "✓ met" }
        } @else {
            span.missed { "✗ missed: " (row.missed.join(", ")) }
        }
        @if row.measured > 1 {
            " " span.ratio { "(measured " (row.measured) " times)" }
        }
    }
}

fn or_dash(words: &[String]) -> String {
    match words {
        [] => "–".to_owned(),
        words => words.join(", "),
    }
}

/// Returns the bytes of each library side by side.
pub(super) fn amounts(compared: &Compared) -> Markup {
    let rows = compared.amounts();
    html! {
        @if !rows.is_empty() {
            section {
                h2 { "Bytes" }
                div.grid { @for row in rows { (amount(row)) } }
            }
        }
    }
}

fn amount(row: &Row) -> Markup {
    let most = row.figures.iter().map(|(_, figure)| *figure);
    let most = most.fold(f64::MIN_POSITIVE, f64::max);
    html! {
        figure {
            figcaption { strong { (row.work) } " " span.per { (quantity::grouped(row.size)) " entries" } }
            dl.amounts {
                @for (name, figure) in &row.figures {
                    dt { (name) }
                    dd {
                        span.bar style=(bar_style(name, figure / most)) {}
                        span { (quantity::of_unit(*figure, &row.unit)) }
                    }
                }
            }
        }
    }
}

fn bar_style(name: &str, share: f64) -> String {
    let colour = compared::colour(name);
    format!("--share: {share:.4}; background: var(--line-{colour})")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &str = r#"[
        {"table":"bars","work":"decode","size":1000,"unit":"ns","each":true,"quick":false,
         "figures":[["ours",2e6],["yrs",5e6]],"asked":["2 × yrs"],"missed":[],"measured":1},
        {"table":"bars","work":"heap <bytes>","size":10,"unit":"bytes","each":false,"quick":false,
         "figures":[["ours",40.0]],"asked":["at most 30"],"missed":["40.00"],"measured":4}
    ]"#;

    #[test]
    fn a_table_shows_what_each_takes_what_is_asked_and_what_is_missed() {
        let table = bars("Bars", &Compared::of(ROWS), &["ours", "yrs"]).into_string();
        for shown in [
            "1 of 2 targets are met",
            "1,000",
            "5.00 ms",
            "(2.50 ×)",
            "✓ met",
            "✗ missed: 40.00",
            "(measured 4 times)",
            "heap &lt;bytes&gt;",
        ] {
            assert!(table.contains(shown), "{shown}: {table}");
        }
    }

    #[test]
    fn bytes_stand_side_by_side_in_their_shares_of_the_most() {
        let side_by_side = amounts(&Compared::of(ROWS)).into_string();
        assert!(side_by_side.contains("--share: 1.0000"), "{side_by_side}");
        assert!(!side_by_side.contains("decode"), "{side_by_side}");
    }
}
