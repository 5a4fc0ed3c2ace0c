//! `bench`: this library's benchmarks, timed or counted, comparisons with other libraries, and a
//! report of all of them.

pub(crate) mod browser;
mod report;

use anyhow::{Result, bail};
use clap::Subcommand;

use crate::{
    cmd::Cmd, instructions::Counts, report::compared_file, step::step, workspace::Workspace,
};

/// The arguments of `bench`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    kind: Option<Kind>,
    /// Arguments for `cargo bench`, for example the name of a benchmark.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// The measurements other than this library's own benchmarks.
#[derive(Debug, Subcommand)]
enum Kind {
    /// Does the same work with other libraries, side by side. Fails when a target is missed.
    Compare(Compare),
    /// Measures storage in Chromium against alternatives. Fails when a target is missed. Needs
    /// Node.js with npm.
    Browser {
        /// Measures with small sizes and few samples.
        #[arg(long)]
        quick: bool,
    },
    /// Writes a page of charts and tables of all measurements, and prints its path.
    Report,
    /// Writes the instruction counts of all benchmarks to benches/instructions.txt.
    Baseline,
    /// Counts instructions, and fails when a benchmark needs over 5 % more than in
    /// benches/instructions.txt.
    Check,
}

/// The arguments of `bench compare`.
#[derive(Debug, clap::Args)]
struct Compare {
    /// Measures with small sizes and few samples.
    #[arg(long)]
    quick: bool,
    /// Prints only the table of rows with a target.
    #[arg(long, conflicts_with = "sizes")]
    bars: bool,
    /// Measures every library at every size, for `bench report`.
    #[arg(long)]
    sizes: bool,
    /// Measures only rows whose name contains this text.
    filter: Option<String>,
}

/// Runs the benchmarks that the arguments name.
pub(crate) fn run(args: &Args) -> Result<()> {
    let workspace = Workspace::load()?;
    match &args.kind {
        Some(Kind::Compare(args)) => step("comparison with peers", || compare(&workspace, args)),
        Some(Kind::Browser { quick }) => browser::run(&workspace, *quick),
        Some(Kind::Report) => report::run(&workspace),
        Some(Kind::Baseline) => Counts::take(&workspace)?.write(&workspace),
        Some(Kind::Check) => check(&workspace),
        None => step("benchmarks", || {
            Cmd::cargo()
                .args(["bench", "--package", "leptos-sync-benches"])
                .args(&args.rest)
                .dir(&workspace.root)
                .run()
        }),
    }
}

/// Compares the instruction counts with the baseline.
///
/// # Errors
///
/// If a benchmark needs more instructions than tolerated.
#[expect(clippy::print_stdout, reason = "the changes are the result")]
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let baseline = Counts::read(workspace)?;
    let (changes, verdict) = Counts::take(workspace)?.against(&baseline);
    print!("{changes}");
    verdict
}

fn compare(workspace: &Workspace, args: &Compare) -> Result<()> {
    let dir = workspace.root.join("benches/compare");
    if !dir.join("Cargo.toml").is_file() {
        bail!("there is no benches/compare in this checkout");
    }
    // The comparison is a workspace with its own lock file, so it has its own target folder. The
    // folder is inside this workspace's, so `cargo clean` removes it too.
    let cargo = || {
        Cmd::cargo()
            .dir(&dir)
            .env("CARGO_TARGET_DIR", workspace.target.join("compare"))
    };
    // `compare` starts a second program, which measures the memory of maps.
    cargo().args(["build", "--release", "--bins"]).run()?;
    let save = format!("--save={}", compared_file(workspace)?.display());
    let flags = [
        (args.quick, "--quick"),
        (args.bars, "--bars"),
        (args.sizes, "--sizes"),
    ];
    let flags = flags.iter().filter(|(set, _)| *set).map(|(_, flag)| *flag);
    cargo()
        .args(["run", "--release", "--", &save])
        .args(flags)
        .args(&args.filter)
        .run()
}
