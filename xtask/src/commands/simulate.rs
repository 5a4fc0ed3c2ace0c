//! `simulate`: the simulation of replicas, network and relay, with as many seeds as one has time for.

use anyhow::Result;

use crate::{args::Args, cmd::Cmd, workspace::Workspace};

/// Seeds, unless the command says otherwise.
const SEEDS: u64 = 10_000;

/// The same with hosts, each of which takes many times as long: every message is bytes on a simulated network.
const SEEDS_OF_HOSTS: u64 = 2_000;

/// Runs the simulation in release, or with `--hosts` the one of the real router on hosts that crash. What fails tells its seed.
pub(crate) fn run(mut args: Args) -> Result<()> {
    let (test, usual) = match args.flag("--hosts") {
        true => ("turmoil", SEEDS_OF_HOSTS),
        false => ("simulation", SEEDS),
    };
    let seeds = args.option("--seeds")?.unwrap_or(usual);
    let seed: Option<u64> = args.option("--seed")?;
    args.finish()?;
    let workspace = Workspace::load()?;
    let cmd = Cmd::cargo()
        .args(["test", "--release", "--package", "leptos-sync-server"])
        .args(["--test", test])
        .dir(&workspace.root)
        .env("LEPTOS_SYNC_SEEDS", seeds.to_string());
    match seed {
        Some(seed) => cmd.env("LEPTOS_SYNC_SEED", seed.to_string()),
        None => cmd,
    }
    .run()
}
