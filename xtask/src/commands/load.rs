//! `load`: whether a relay bears what it is to bear.

use anyhow::Result;

use crate::{args::Args, cmd::Cmd, workspace::Workspace};

/// Seconds of each measurement, unless the command says otherwise.
const SECONDS: u32 = 20;

/// Builds the real program as a user does, and then what puts the load on it.
pub(crate) fn run(mut args: Args) -> Result<()> {
    let seconds = args.option("--seconds")?.unwrap_or(SECONDS);
    args.finish()?;
    let workspace = Workspace::load()?;
    // One after the other: in one build the program would have what tests alone need of its dependencies.
    for part in [["--bin", "leptos-sync-relay"], ["--example", "load"]] {
        Cmd::cargo()
            .args(["build", "--release", "--package", "leptos-sync-server"])
            .args(["--features", "relay"])
            .args(part)
            .dir(&workspace.root)
            .run()?;
    }
    let built = workspace.target.join("release");
    Cmd::new(built.join("examples/load"))
        .arg(built.join("leptos-sync-relay"))
        .arg(seconds.to_string())
        .run()
}
