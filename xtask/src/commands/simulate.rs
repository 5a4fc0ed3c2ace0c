//! `simulate`: replicas, a network and a relay in virtual time, with many seeds.

use anyhow::Result;

use crate::{cmd::Cmd, workspace::Workspace};

/// The number of seeds of the simulation of state machines.
const SEEDS: u64 = 10_000;

/// The number of seeds of the simulation with the relay's connections. Each takes longer.
const SEEDS_OF_RELAYS: u64 = 2_000;

/// The arguments of `simulate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Simulates the real relay with all its connections, instead of its log only.
    #[arg(long)]
    relay: bool,
    /// The number of seeds to run [default: 10000, with --relay 2000].
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// Repeats a single seed.
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
}

/// Runs the simulation in the release profile. A run that fails prints its seed.
pub(crate) fn run(args: &Args) -> Result<()> {
    let (test, usual) = match args.relay {
        true => ("relay_simulation", SEEDS_OF_RELAYS),
        false => ("protocol_simulation", SEEDS),
    };
    let seeds = args.seeds.unwrap_or(usual);
    let workspace = Workspace::load()?;
    let cmd = Cmd::cargo()
        .args(["test", "--release", "--package", "leptos-sync-server"])
        .args(["--test", test])
        .dir(&workspace.root)
        .env("LEPTOS_SYNC_SEEDS", seeds.to_string());
    match args.seed {
        Some(seed) => cmd.env("LEPTOS_SYNC_SEED", seed.to_string()),
        None => cmd,
    }
    .run()
}
