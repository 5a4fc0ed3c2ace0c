use serde::Serialize;

/// A row: the measurements of each side, and the targets.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The work.
    pub work: String,
    /// The number of entries.
    pub size: usize,
    /// The measurements of each side, ours first.
    pub sides: Vec<Side>,
    /// The targets, all of which must be met.
    pub bars: Vec<Bar>,
}

/// The measurement of a side.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    /// The name of the side.
    pub name: String,
    /// The median of its samples, in milliseconds.
    pub ms: f64,
}

/// A target: a side must take at least this many times as long as ours.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// The factor.
    pub times: f64,
    /// The name of the side.
    pub side: String,
}

/// A row as `cargo xtask bench report` reads it, in the format of `benches/compare/src/saved.rs`.
#[derive(Serialize)]
struct Saved<'a> {
    table: &'static str,
    work: &'a str,
    size: usize,
    unit: &'static str,
    each: bool,
    quick: bool,
    figures: Vec<(&'a str, f64)>,
    asked: Vec<String>,
    missed: Vec<String>,
    measured: usize,
}

impl Row {
    /// Creates a row from the samples of each side, in milliseconds. A side's result is their
    /// median.
    pub fn of_samples(
        work: &str,
        size: usize,
        samples: impl IntoIterator<Item = (&'static str, Vec<f64>)>,
    ) -> Self {
        let side = |(name, samples): (&str, _)| Side {
            name: name.to_owned(),
            ms: median(samples),
        };
        Self {
            work: work.to_owned(),
            size,
            sides: samples.into_iter().map(side).collect(),
            bars: Vec::new(),
        }
    }

    /// Returns the factor by which a side takes longer than ours.
    pub fn ratio(&self, side: &str) -> Option<f64> {
        let ours = self.sides.first()?.ms;
        let side = self.sides.iter().find(|one| one.name == side)?;
        Some(side.ms / ours)
    }

    /// Returns whether a target is met. A target whose side was not measured is not met.
    pub fn meets(&self, bar: &Bar) -> bool {
        self.ratio(&bar.side)
            .is_some_and(|ratio| ratio >= bar.times)
    }

    /// Describes the targets.
    pub fn asked(&self) -> Vec<String> {
        self.bars.iter().map(Bar::asked).collect()
    }

    /// Describes the missed targets.
    pub fn missed(&self) -> Vec<String> {
        let missed = self.bars.iter().filter(|bar| !self.meets(bar));
        let words = missed.map(|bar| match self.ratio(&bar.side) {
            Some(ratio) => format!("{ratio:.2} × {}", bar.side),
            None => format!("no figure of {}", bar.side),
        });
        words.collect()
    }

    /// Returns the row as JSON for the report. `quick` is true if the measurement took only a few
    /// samples.
    pub fn to_json(&self, quick: bool) -> String {
        let saved = Saved {
            table: "browser",
            work: &self.work,
            size: self.size,
            unit: "ns",
            each: false,
            quick,
            figures: self
                .sides
                .iter()
                .map(|side| (&*side.name, side.ms * 1e6))
                .collect(),
            asked: self.asked(),
            missed: self.missed(),
            measured: 1,
        };
        // Strings and finite numbers always convert to JSON.
        serde_json::to_string(&saved).unwrap_or_default()
    }
}

impl Bar {
    fn asked(&self) -> String {
        format!("{} × {}", self.times, self.side)
    }
}

impl Side {
    /// Formats the time with three digits.
    pub fn shown(&self) -> String {
        match self.ms {
            ..10.0 => format!("{:.2} ms", self.ms),
            ..100.0 => format!("{:.1} ms", self.ms),
            ..1_000.0 => format!("{:.0} ms", self.ms),
            _ => format!("{:.2} s", self.ms / 1e3),
        }
    }
}

/// Formats a table: a line for each side, with the targets in the first one.
pub fn markdown(rows: &[Row]) -> String {
    let mut table = String::from("| Work | Size | Side | Time | × ours | Bar | Met |\n");
    table.push_str("|---|--:|---|--:|--:|---|---|\n");
    for row in rows {
        for side in &row.sides {
            let bar = row.bars.iter().find(|bar| bar.side == side.name);
            let asked = bar.map_or_else(|| "–".to_owned(), |bar| format!("{} ×", bar.times));
            let met = match bar.map(|bar| row.meets(bar)) {
                None => "–",
                Some(true) => "yes",
                Some(false) => "**no**",
            };
            let ratio = row.ratio(&side.name).unwrap_or(f64::NAN);
            table.push_str(&format!(
                "| {} | {} | {} | {} | {ratio:.2} | {asked} | {met} |\n",
                row.work,
                row.size,
                side.name,
                side.shown()
            ));
        }
    }
    table
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_unstable_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ours: f64, theirs: f64) -> Row {
        let samples = [("ours", vec![9.0, ours, 0.1]), ("theirs", vec![theirs])];
        let mut row = Row::of_samples("open", 100, samples);
        row.bars.push(Bar {
            times: 5.0,
            side: "theirs".to_owned(),
        });
        row
    }

    #[test]
    fn a_bar_is_met_at_its_figure_and_missed_just_below() {
        assert_eq!(row(2.0, 10.0).missed(), Vec::<String>::new());
        assert_eq!(row(2.0, 9.8).missed(), ["4.90 × theirs"]);
    }

    #[test]
    fn a_bar_whose_side_was_not_measured_is_missed() {
        let mut row = row(2.0, 10.0);
        row.sides.pop();
        assert_eq!(row.missed(), ["no figure of theirs"]);
    }

    #[test]
    fn the_table_shows_medians_and_how_they_compare() {
        let table = markdown(&[row(2.0, 1_500.0)]);
        assert!(
            table.contains("| open | 100 | ours | 2.00 ms | 1.00 | – | – |"),
            "{table}"
        );
        assert!(
            table.contains("| theirs | 1.50 s | 750.00 | 5 × | yes |"),
            "{table}"
        );
    }

    #[test]
    fn a_saved_row_has_nanoseconds_and_its_verdict() {
        let saved: serde_json::Value = serde_json::from_str(&row(2.0, 4.0).to_json(true)).unwrap();
        assert_eq!(
            saved["figures"],
            serde_json::json!([["ours", 2e6], ["theirs", 4e6]])
        );
        assert_eq!(saved["missed"], serde_json::json!(["2.00 × theirs"]));
        assert_eq!(saved["quick"], true);
    }
}
