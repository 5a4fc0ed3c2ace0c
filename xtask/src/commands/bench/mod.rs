//! `bench`: this crate's benchmarks, timed or counted, the same work on peers, what a browser takes, and a page of all
//! that.

pub(crate) mod browser;
mod report;

use anyhow::{Result, bail};

use crate::{
    args::Args, cmd::Cmd, instructions::Counts, report::compared_file, step::step,
    workspace::Workspace,
};

/// Runs one of them, with the arguments that are left.
pub(crate) fn run(mut args: Args) -> Result<()> {
    let workspace = Workspace::load()?;
    match args.peek() {
        Some("compare") => {
            args.word();
            step("comparison with peers", || {
                compare(&workspace, &args.rest())
            })
        }
        Some("browser") => {
            args.word();
            browser::run(&workspace, args)
        }
        Some("report") => {
            args.word();
            args.finish()?;
            report::run(&workspace)
        }
        Some("baseline") => {
            args.word();
            args.finish()?;
            Counts::take(&workspace)?.write(&workspace)
        }
        Some("check") => {
            args.word();
            args.finish()?;
            check(&workspace)
        }
        _ => step("benchmarks", || {
            Cmd::cargo()
                .args(["bench", "--package", "leptos-sync-benches"])
                .args(args.rest())
                .dir(&workspace.root)
                .run()
        }),
    }
}

/// Fails where a benchmark takes more instructions than its baseline allows.
#[expect(clippy::print_stdout, reason = "the changes are what was asked for")]
fn check(workspace: &Workspace) -> Result<()> {
    let baseline = Counts::read(workspace)?;
    let (changes, verdict) = Counts::take(workspace)?.against(&baseline);
    print!("{changes}");
    verdict
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
    let save = format!("--save={}", compared_file(workspace)?.display());
    cargo()
        .args(["run", "--release", "--", &save])
        .args(args)
        .run()
}
