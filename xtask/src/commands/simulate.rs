//! `simulate`: the simulation of replicas, network and relay, with as many seeds as one has time for.

use anyhow::Result;

use crate::{args::Args, cmd::Cmd, workspace::Workspace};

/// Seeds, unless the command says otherwise.
const SEEDS: u64 = 10_000;

/// Runs the simulation in release. What fails tells its seed.
pub(crate) fn run(mut args: Args) -> Result<()> {
    let seeds = args.option("--seeds")?.unwrap_or(SEEDS);
    let seed: Option<u64> = args.option("--seed")?;
    args.finish()?;
    let workspace = Workspace::load()?;
    let cmd = Cmd::cargo()
        .args(["test", "--release", "--package", "leptos-sync-server"])
        .args(["--test", "simulation"])
        .dir(&workspace.root)
        .env("LEPTOS_SYNC_SEEDS", seeds.to_string());
    match seed {
        Some(seed) => cmd.env("LEPTOS_SYNC_SEED", seed.to_string()),
        None => cmd,
    }
    .run()
}
