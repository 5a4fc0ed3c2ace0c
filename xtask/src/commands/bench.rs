//! `bench`: this crate's benchmarks, and the same work on peers.

use anyhow::{Result, bail};

use crate::{args::Args, cmd::Cmd, step::step, workspace::Workspace};

/// Runs either, with the arguments that are left.
pub(crate) fn run(args: Args) -> Result<()> {
    let workspace = Workspace::load()?;
    let args = args.rest();
    match args.split_first() {
        Some((first, rest)) if first == "compare" => {
            step("comparison with peers", || compare(&workspace, rest))
        }
        _ => step("benchmarks", || {
            Cmd::cargo()
                .args(["bench", "--package", "leptos-sync-benches"])
                .args(&args)
                .dir(&workspace.root)
                .run()
        }),
    }
}

fn compare(workspace: &Workspace, args: &[String]) -> Result<()> {
    let dir = workspace.root.join("benches/compare");
    if !dir.join("Cargo.toml").is_file() {
        bail!("there is no benches/compare in this checkout");
    }
    // Its lock file is its own, so its builds must not mix with the workspace's; `cargo clean` still finds them.
    let cargo = || {
        Cmd::cargo()
            .dir(&dir)
            .env("CARGO_TARGET_DIR", workspace.target.join("compare"))
    };
    // It starts a second program, which counts what maps hold in memory.
    cargo().args(["build", "--release", "--bins"]).run()?;
    cargo().args(["run", "--release", "--"]).args(args).run()
}
