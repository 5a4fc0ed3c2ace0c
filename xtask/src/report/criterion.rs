//! The results of `cargo xtask bench`: criterion's estimates, a file per benchmark and size.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::chart::{Chart, Per};

/// The groups whose runs do the same work at every size.
const ALIKE: [&str; 1] = ["deltas"];

/// `benchmark.json`.
#[derive(Deserialize)]
struct Benchmark {
    group_id: String,
    function_id: Option<String>,
    value_str: Option<String>,
}

/// `estimates.json`, in nanoseconds of a run.
#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
}

/// Returns a chart per group, with a line per function. A missing folder contains no charts.
///
/// # Errors
///
/// If a file of criterion cannot be read. The message names it.
pub(crate) fn charts(dir: &Path) -> Result<Vec<Chart>> {
    let mut latest = Vec::new();
    find(dir, &mut latest)?;
    let mut measured = Vec::new();
    for dir in latest {
        let benchmark: Benchmark = json(&dir.join("benchmark.json"))?;
        let estimates: Estimates = json(&dir.join("estimates.json"))?;
        let size = benchmark.value_str.as_deref().map(str::parse);
        // A benchmark without a size has no place on the axis.
        if let (Some(function), Some(Ok(size))) = (benchmark.function_id, size) {
            measured.push((benchmark.group_id, function, size, estimates.median));
        }
    }
    measured.sort_by(|a, b| (&a.0, &a.1, a.2).cmp(&(&b.0, &b.1, b.2)));
    let mut charts: Vec<Chart> = Vec::new();
    for (group, function, size, median) in measured {
        if charts.last().is_none_or(|chart| chart.work != group) {
            let per = match ALIKE.contains(&group.as_str()) {
                true => Per::Run,
                false => Per::Entry,
            };
            charts.push(Chart {
                work: group,
                per,
                lines: Vec::new(),
            });
        }
        if let Some(chart) = charts.last_mut() {
            let known = chart.lines.iter().position(|line| line.name == function);
            let colour = known.unwrap_or(chart.lines.len());
            let ns = chart.per.of_run(median.point_estimate, size);
            chart.add(&function, colour, size, ns);
        }
    }
    Ok(charts)
}

/// Finds the folders of the latest estimates below `dir`.
fn find(dir: &Path, found: &mut Vec<std::path::PathBuf>) -> Result<()> {
    if !dir.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        // criterion writes this file last. If it is missing, the run was stopped or has not ended.
        if path.ends_with("new") && path.join("benchmark.json").is_file() {
            found.push(path);
        } else if path.is_dir() {
            find(&path, found)?;
        }
    }
    Ok(())
}

fn json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T> {
    let named = || format!("{}: run `cargo xtask bench` again", path.display());
    let bytes = fs::read(path).with_context(named)?;
    serde_json::from_slice(&bytes).with_context(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(dir: &Path, group: &str, function: &str, size: &str, median: f64) {
        let dir = dir.join(group).join(function).join(size).join("new");
        fs::create_dir_all(&dir).unwrap();
        let benchmark = format!(
            r#"{{"group_id":"{group}","function_id":"{function}","value_str":"{size}","throughput":null}}"#
        );
        fs::write(dir.join("benchmark.json"), benchmark).unwrap();
        let estimates = format!(r#"{{"median":{{"point_estimate":{median}}}}}"#);
        fs::write(dir.join("estimates.json"), estimates).unwrap();
    }

    #[test]
    fn a_group_is_a_chart_and_its_times_are_of_an_entry_unless_its_runs_are_alike() {
        let dir = std::env::temp_dir().join(format!("leptos-sync-report-{}", std::process::id()));
        write(&dir, "maps", "get", "1", 8.0);
        write(&dir, "maps", "get", "100", 400.0);
        write(&dir, "maps", "insert", "100", 900.0);
        write(&dir, "deltas", "make", "100", 3_000.0);
        let charts = charts(&dir).unwrap();
        fs::remove_dir_all(&dir).unwrap();
        let seen: Vec<_> = charts
            .iter()
            .flat_map(|chart| chart.lines.iter().map(|line| (&*chart.work, line)))
            .map(|(work, line)| (work, &*line.name, line.colour, line.points.clone()))
            .collect();
        let expected = [
            ("deltas", "make", 0, vec![(100, 3_000.0)]),
            ("maps", "get", 0, vec![(1, 8.0), (100, 4.0)]),
            ("maps", "insert", 1, vec![(100, 9.0)]),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_benchmark_that_was_stopped_half_way_is_passed_over() {
        let dir = std::env::temp_dir().join(format!("leptos-sync-half-{}", std::process::id()));
        write(&dir, "maps", "get", "1", 8.0);
        write(&dir, "maps", "get", "10", 8.0);
        fs::remove_file(dir.join("maps/get/10/new/benchmark.json")).unwrap();
        let charts = charts(&dir).unwrap();
        fs::remove_dir_all(&dir).unwrap();
        assert_eq!(charts[0].sizes(), [1]);
    }

    #[test]
    fn where_nothing_was_measured_there_is_no_chart() {
        assert_eq!(charts(Path::new("/no/such/folder")).unwrap(), []);
    }
}
