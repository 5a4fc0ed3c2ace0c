//! `torture`: a relay that is killed again and again while many write.

use anyhow::Result;

use crate::{args::Args, cmd::Cmd, workspace::Workspace};

/// Kills, unless the command says otherwise.
const KILLS: u32 = 100;

/// Writers, unless the command says otherwise.
const WRITERS: u32 = 200;

/// Runs the real program in release, on a file, and checks that nothing acknowledged is ever missing.
pub(crate) fn run(mut args: Args) -> Result<()> {
    let kills = args.option("--kills")?.unwrap_or(KILLS);
    let writers = args.option("--writers")?.unwrap_or(WRITERS);
    args.finish()?;
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
        .env("LEPTOS_SYNC_KILLS", kills.to_string())
        .env("LEPTOS_SYNC_WRITERS", writers.to_string())
        .dir(&workspace.root)
        .run()
}
