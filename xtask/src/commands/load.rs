//! `load`: the relay under a steady load, compared with its targets.

use anyhow::Result;

use crate::{cmd::Cmd, programs, workspace::Workspace};

/// The arguments of `load`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The load shares the machine with the relay, so nothing else should run. It opens 10,200 files \
                  (`ulimit -Hn`)."
)]
pub(crate) struct Args {
    /// The number of seconds that each measurement lasts.
    #[arg(long, value_name = "N", default_value_t = 20)]
    seconds: u32,
}

/// Builds the relay as a user does, then the program that generates the load, and runs both.
pub(crate) fn run(args: &Args) -> Result<()> {
    let workspace = Workspace::load()?;
    let [relay, load] = programs::relay_and_example(&workspace, "load")?;
    Cmd::new(load)
        .arg(relay)
        .arg(args.seconds.to_string())
        .run()
}
