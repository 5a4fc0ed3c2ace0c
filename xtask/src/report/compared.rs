//! The results of `cargo xtask bench compare`: rows of three tables. `benches/compare/src/saved.rs`
//! describes their format.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::chart::{Chart, Per};

/// The libraries, in the order of their columns and colours.
pub(crate) const LIBRARIES: [&str; 7] = [
    "ours",
    "plain",
    "other",
    "crdts",
    "yrs",
    "loro",
    "automerge",
];

/// All rows of the file.
#[derive(Debug, Default)]
pub(crate) struct Compared(Vec<Row>);

/// A row of any table.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Row {
    table: String,
    /// The work, or the counted quantity.
    pub(crate) work: String,
    /// The number of entries.
    pub(crate) size: usize,
    /// `ns`, `times` or `bytes`.
    pub(crate) unit: String,
    each: bool,
    quick: bool,
    /// The result of each library.
    pub(crate) figures: Vec<(String, f64)>,
    /// The targets.
    pub(crate) asked: Vec<String>,
    /// The targets that are missed.
    pub(crate) missed: Vec<String>,
    /// The number of measurements, of which the best one counts.
    pub(crate) measured: usize,
}

impl Compared {
    /// Reads the file. A missing file is an empty one.
    ///
    /// # Errors
    ///
    /// If the file has another format.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        if !path.is_file() {
            return Ok(Self::default());
        }
        let rows = fs::read(path).map(|bytes| serde_json::from_slice(&bytes));
        let named = || format!("{}: remove it and measure again", path.display());
        Ok(Self(rows.with_context(named)?.with_context(named)?))
    }

    /// Parses the text of a file.
    #[cfg(test)]
    pub(crate) fn of(json: &str) -> Self {
        Self(serde_json::from_str(json).unwrap())
    }

    /// Returns the rows of a table.
    pub(crate) fn table(&self, name: &str) -> Vec<&Row> {
        self.0.iter().filter(|row| row.table == name).collect()
    }

    /// Returns the number of rows of quick measurements.
    pub(crate) fn quick(&self) -> usize {
        self.0.iter().filter(|row| row.quick).count()
    }

    /// Returns a chart for each timed work, with a line per library. The points come from the table
    /// of sizes. If it has none, they come from the table of targets and the comparison with the
    /// other library.
    pub(crate) fn charts(&self) -> Vec<Chart> {
        let mut charts: Vec<Chart> = Vec::new();
        let tables = ["sizes", "bars", "versus"].into_iter();
        for row in tables.flat_map(|name| self.table(name)) {
            if row.unit != "ns" {
                continue;
            }
            let at = charts.iter().position(|chart| chart.work == row.work);
            let at = at.unwrap_or_else(|| {
                charts.push(row.chart());
                charts.len() - 1
            });
            if let Some(chart) = charts.get_mut(at) {
                for (name, ns) in &row.figures {
                    let ns = chart.per.of_run(*ns, row.size);
                    chart.add(name, colour(name), row.size, ns);
                }
            }
        }
        for chart in &mut charts {
            chart.lines.sort_by_key(|line| line.colour);
        }
        charts
    }

    /// Returns the rows of bytes.
    pub(crate) fn amounts(&self) -> Vec<&Row> {
        let bars = self.table("bars").into_iter();
        bars.filter(|row| row.unit == "bytes").collect()
    }
}

impl Row {
    /// Returns the result of a library, if it can do the work.
    pub(crate) fn of(&self, library: &str) -> Option<f64> {
        let known = self.figures.iter().find(|(name, _)| name == library);
        known.map(|(_, figure)| *figure)
    }

    fn chart(&self) -> Chart {
        Chart {
            work: self.work.clone(),
            per: match self.each {
                true => Per::Entry,
                false => Per::Run,
            },
            lines: Vec::new(),
        }
    }
}

/// Returns the colour of a library. An unknown one gets the colour after the last.
pub(crate) fn colour(library: &str) -> usize {
    let known = LIBRARIES.iter().position(|name| *name == library);
    known.unwrap_or(LIBRARIES.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &str = r#"[
        {"table":"versus","work":"decode","size":10,"unit":"ns","each":true,"quick":true,
         "figures":[["ours",50.0],["other",90.0]],"asked":[],"missed":[],"measured":1},
        {"table":"sizes","work":"decode","size":10,"unit":"ns","each":true,"quick":false,
         "figures":[["ours",40.0],["yrs",80.0]],"asked":[],"missed":[],"measured":1},
        {"table":"bars","work":"heap","size":10,"unit":"bytes","each":false,"quick":false,
         "figures":[["ours",40.0]],"asked":["at most 30"],"missed":["40.00"],"measured":1}
    ]"#;

    #[test]
    fn a_chart_takes_each_point_from_the_table_of_sizes_before_the_others() {
        let compared = Compared::of(ROWS);
        let charts = compared.charts();
        assert_eq!(charts.len(), 1);
        let lines = charts[0].lines.iter();
        let seen: Vec<_> = lines.map(|line| (&*line.name, line.at(10))).collect();
        let expected = [
            ("ours", Some(4.0)),
            ("other", Some(9.0)),
            ("yrs", Some(8.0)),
        ];
        assert_eq!(seen, expected);
        assert_eq!(compared.amounts().len(), 1);
        assert_eq!(compared.quick(), 1);
    }

    #[test]
    fn a_file_that_is_not_there_has_no_rows() {
        let compared = Compared::read(Path::new("/no/such/file")).unwrap();
        assert!(compared.table("bars").is_empty() && compared.charts().is_empty());
    }
}
