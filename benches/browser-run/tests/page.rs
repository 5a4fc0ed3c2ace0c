//! Checks that the page works, with sizes too small to be meaningful.
//!
//! `BROWSER_BENCH_DIST` names its folder; `cargo xtask test` sets it.

use std::path::PathBuf;

use browser_bench_run::measured;
use serde_json::Value;

#[test]
fn every_side_of_every_work_is_measured() {
    let dist = std::env::var_os("BROWSER_BENCH_DIST").expect("run `cargo xtask test`");
    let figures = measured(&PathBuf::from(dist), "?records=20&entries=200&rounds=2").unwrap();
    let rows: Vec<Value> = serde_json::from_str(&figures.rows).unwrap();
    let seen: Vec<_> = rows
        .iter()
        .map(|row| (row["work"].as_str().unwrap(), row["size"].as_u64().unwrap()))
        .collect();
    let expected = [
        ("insert records in one batch", 20),
        ("insert into a collection in one batch", 20),
        ("open a document", 200),
    ];
    assert_eq!(seen, expected);
    for row in &rows {
        let sides = row["figures"].as_array().unwrap();
        assert_eq!(sides[0][0], "ours");
        assert!(sides.len() > row["asked"].as_array().unwrap().len());
        for side in sides {
            assert!(side[1].as_f64().unwrap() > 0.0, "{row}");
        }
    }
    assert!(
        figures
            .markdown
            .contains("| open a document | 200 | ours |")
    );
}
