//! The commands, one file each.

mod bench;
mod ci;
mod demo;
mod dist;
mod env;
mod fuzz;
mod guide;
mod load;
mod mutants;
mod scale;
mod setup;
mod simulate;
mod size;
mod test;
mod tidy;
mod torture;

use anyhow::Result;
use clap::Subcommand;

/// A command of `cargo xtask`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Builds the todo example and its server, and serves it with a relay on 127.0.0.1.
    Demo(demo::Args),
    /// Runs every test: native, in the browser, end to end.
    Test(test::Args),
    /// Runs the checks that a change must pass before it is merged, and prints the time of each
    /// step.
    Ci(ci::Args),
    /// Checks layers, the size of files and functions, and dependencies.
    Tidy,
    /// Measures the size of a page's download, and fails if it exceeds the budget.
    Size,
    /// Runs the benchmarks of this library, or compares it with others.
    Bench(bench::Args),
    /// Simulates replicas, a network and a relay in virtual time.
    Simulate(simulate::Args),
    /// Kills the relay repeatedly under load, and looks for lost edits.
    Torture(torture::Args),
    /// Measures the relay with 10,000 connections and under a steady load.
    Load(load::Args),
    /// Measures documents of many replica ids, and one that is larger than the relay's memory.
    Scale(scale::Args),
    /// Fuzzes the decoders and both ends of a session with the nightly compiler.
    Fuzz(fuzz::Args),
    /// Plants faults in a copy of the workspace, and reports which ones the tests find.
    Mutants(mutants::Args),
    /// Builds an example for the browser and prints its folder.
    Dist(dist::Args),
    /// Follows the guide "from zero to your own app" in an empty folder, and opens the app.
    Guide(guide::Args),
    /// Prints the shell variables with which cargo builds and tests for wasm32 without xtask.
    Env,
    /// Installs every tool. The other commands install only the tools that they need.
    Setup,
}

impl Command {
    /// Returns the duration of the command on two cores, for commands that a newcomer runs first.
    pub(crate) fn duration(&self) -> Option<&'static str> {
        match self {
            Self::Demo(_) => Some(
                "first run: about 6 minutes, most of it compiling; later runs: seconds, or about a minute after a change",
            ),
            Self::Test(_) => Some(
                "first run: about 20 minutes, half of it compiling; later runs: about 10 minutes",
            ),
            Self::Ci(args) if args.long => Some(
                "first run: about 2 hours; later runs: little less, since most of it is running tests",
            ),
            Self::Ci(_) => Some(
                "first run: about 40 minutes, half of it compiling; later runs: about 20 minutes",
            ),
            _ => None,
        }
    }

    /// Runs the command.
    pub(crate) fn run(&self) -> Result<()> {
        match self {
            Self::Demo(args) => demo::run(args),
            Self::Test(args) => test::run(args),
            Self::Ci(args) => ci::run(args),
            Self::Tidy => tidy::run(),
            Self::Size => size::run(),
            Self::Bench(args) => bench::run(args),
            Self::Simulate(args) => simulate::run(args),
            Self::Torture(args) => torture::run(args),
            Self::Load(args) => load::run(args),
            Self::Scale(args) => scale::run(args),
            Self::Fuzz(args) => fuzz::run(args),
            Self::Mutants(args) => mutants::run(args),
            Self::Dist(args) => dist::run(args),
            Self::Guide(args) => guide::run(args),
            Self::Env => env::run(),
            Self::Setup => setup::run(),
        }
    }
}
