//! `torture`: a relay that is killed repeatedly while many clients write.

use anyhow::Result;

use crate::{cmd::Cmd, workspace::Workspace};

/// The arguments of `torture`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The number of times to kill the relay.
    #[arg(long, value_name = "N", default_value_t = 100)]
    kills: u32,
    /// The number of clients that write concurrently.
    #[arg(long, value_name = "N", default_value_t = 200)]
    writers: u32,
}

/// Runs the real program, in the release profile, on a database file, and checks that no
/// acknowledged edit is missing.
pub(crate) fn run(args: &Args) -> Result<()> {
    let workspace = Workspace::load()?;
    Cmd::cargo()
        .args(["test", "--release", "--package", "leptos-sync-server"])
        .args([
            "--features",
            "relay",
            "--test",
            "torture",
            "--",
            "--nocapture",
        ])
        .env("LEPTOS_SYNC_KILLS", args.kills.to_string())
        .env("LEPTOS_SYNC_WRITERS", args.writers.to_string())
        .dir(&workspace.root)
        .run()
}
