//! `ci`: the checks that a change must pass before it is merged.

mod long;

use anyhow::Result;

use super::{bench, guide, size, test, tidy};
use crate::{
    cmd::Cmd,
    step::Steps,
    tools::{Cache, Wasm},
    workspace::{Package, Workspace},
};

/// The packages that must build with no feature, and with each feature alone.
const PERMUTED: [&str; 3] = ["leptos-sync-core", "leptos-sync-web", "leptos-sync-server"];

/// The arguments of `ci`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Also runs the checks that take too long for every change: more seeds, more cases, fuzzing,
    /// torture, planted faults.
    #[arg(long)]
    pub(super) long: bool,
}

/// Runs all checks, the fastest first, and continues if one of them fails.
pub(crate) fn run(args: &Args) -> Result<()> {
    let workspace = Workspace::load()?;
    let cache = Cache::open()?;
    let mut steps = Steps::default();
    steps.run("formatting", || {
        cargo(&workspace, &["fmt", "--all", "--check"]).run()
    });
    steps.run("tidy", tidy::run);
    steps.run("clippy", || {
        cargo(&workspace, &["clippy", "--workspace", "--all-targets"])
            .args(test::RELAY)
            .args(["--", "-D", "warnings"])
            .run()
    });
    steps.run("clippy for wasm32", || clippy_wasm(&workspace, &cache));
    // They are a workspace of their own, which no other step compiles.
    steps.run("fuzz targets", || {
        Cmd::cargo()
            .arg("check")
            .env("CARGO_TARGET_DIR", workspace.target.join("fuzz"))
            .dir(workspace.root.join("fuzz"))
            .run()
    });
    steps.run("documentation", || {
        cargo(&workspace, &["doc", "--workspace", "--no-deps"])
            .args(test::RELAY)
            .env("RUSTDOCFLAGS", "-D warnings")
            .run()
    });
    for package in PERMUTED.iter().filter_map(|name| workspace.package(name)) {
        steps.run(&format!("features of {}", package.name), || {
            features(&workspace, &cache, package)
        });
    }
    steps.run("size", size::run);
    steps.run("instructions", || bench::check(&workspace));
    test::run_in(&mut steps, &test::Args::default())?;
    steps.run("guide", || guide::run(&guide::Args::default()));
    if args.long {
        long::run_in(&mut steps);
    }
    steps.finish()
}

fn cargo(workspace: &Workspace, args: &[&str]) -> Cmd {
    Cmd::cargo().args(args).dir(&workspace.root)
}

fn clippy_wasm(workspace: &Workspace, cache: &Cache) -> Result<()> {
    let wasm = Wasm::find(cache, workspace)?;
    // The core's own tests are native. Its tests in the browser are part of leptos-sync-web.
    let (core, others): (Vec<_>, Vec<_>) = workspace
        .browser_packages()
        .into_iter()
        .partition(|package| package.name == "leptos-sync-core");
    for (packages, targets) in [(core, "--lib"), (others, "--all-targets")] {
        wasm.clippy()
            .arg(targets)
            .args(
                packages
                    .into_iter()
                    .flat_map(|package| ["--package", &package.name]),
            )
            .args(wasm.deny_warnings())
            .dir(&workspace.root)
            .run()?;
    }
    Ok(())
}

fn features(workspace: &Workspace, cache: &Cache, package: &Package) -> Result<()> {
    let wasm = Wasm::find(cache, workspace)?;
    let mut browser = workspace.browser_packages().into_iter();
    let in_browser = browser.any(|other| other.name == package.name);
    let alone = package.features.iter().map(Some);
    for feature in std::iter::once(None).chain(alone) {
        let check = |cmd: Cmd| {
            let cmd = cmd
                .args(["--no-default-features", "--package", &package.name])
                .dir(&workspace.root);
            let cmd = match feature {
                Some(feature) => cmd.args(["--features", feature]),
                None => cmd,
            };
            cmd.run()
        };
        eprintln!("    {}", feature.map_or("no feature", String::as_str));
        check(Cmd::cargo().arg("check"))?;
        // No browser build includes server rendering.
        if in_browser && feature.is_none_or(|feature| feature != "ssr") {
            check(wasm.cargo("check"))?;
        }
    }
    Ok(())
}
