//! `fuzz`: bytes and messages that nobody thought of.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::{
    args::Args,
    step::Steps,
    tools::{Cache, Fuzzer},
    workspace::Workspace,
};

/// Seconds a target, unless the command says otherwise.
const SECONDS: u64 = 60;

/// Runs the targets, or the one that is named, each for some time. What is found is kept in the corpus; an input that fails is
/// left in `fuzz/artifacts`, and its path is printed.
pub(crate) fn run(mut args: Args) -> Result<()> {
    let seconds = args.option("--seconds")?.unwrap_or(SECONDS);
    let only = args.word();
    args.finish()?;
    let workspace = Workspace::load()?;
    let home = workspace.root.join("fuzz");
    let fuzzer = Fuzzer::find(&Cache::open()?)?;
    let mut targets = Vec::new();
    for file in fs::read_dir(home.join("fuzz_targets")).context("the fuzz targets")? {
        let path = file?.path();
        if let Some(name) = path.file_stem().and_then(|name| name.to_str()) {
            targets.push(name.to_owned());
        }
    }
    targets.sort();
    targets.retain(|name| only.as_ref().is_none_or(|only| only == name));
    ensure!(
        !targets.is_empty(),
        "there is no such target in fuzz/fuzz_targets"
    );
    let mut steps = Steps::default();
    for target in targets {
        steps.run(&target, || {
            fuzzer
                .cmd()
                // Safe code needs no sanitizer; panics are what is looked for.
                .args(["run", "--sanitizer", "none", &target, "--"])
                .arg(format!("-max_total_time={seconds}"))
                .env("CARGO_TARGET_DIR", workspace.target.join("fuzz"))
                .dir(&home)
                .run()
        });
    }
    steps.finish()
}
