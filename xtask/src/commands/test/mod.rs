//! `test`: every test of the workspace.

mod end_to_end;

use anyhow::Result;
use clap::ValueEnum;

use super::bench::browser::{has_npm, page};
use crate::{
    cmd::Cmd,
    step::Steps,
    tools::{Bindgen, Browser, Cache, Wasm, nginx},
    workspace::{BENCH_RUNNER, BINDGEN, E2E, Workspace},
};

/// The package whose tests run in a browser. They include the tests of the core on wasm32.
const IN_BROWSER: &str = "leptos-sync-web";

/// Enables every feature of the server, including its program, for commands on the whole workspace.
pub(crate) const RELAY: [&str; 2] = ["--features", "leptos-sync-server/relay"];

/// The arguments of `test`.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Args {
    /// The number of cases of each property test.
    #[arg(long, value_name = "N")]
    cases: Option<u64>,
    /// The number of seeds of each simulation.
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// The browsers that run the end-to-end tests.
    #[arg(long, value_enum, default_value_t)]
    browsers: Browsers,
    /// Run the heavy end-to-end tests at full size: 50 browsers that are killed, 41,000 todos that
    /// are removed.
    #[arg(long)]
    long: bool,
}

/// Browsers that can run the end-to-end tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Browsers {
    /// Chromium.
    #[default]
    Chromium,
    /// Chromium, Firefox and WebKit.
    All,
}

/// Runs all suites, and continues if one of them fails.
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut steps = Steps::default();
    run_in(&mut steps, args)?;
    steps.finish()
}

/// Runs all suites as steps of a longer command.
pub(crate) fn run_in(steps: &mut Steps, args: &Args) -> Result<()> {
    let workspace = Workspace::load()?;
    let cache = Cache::open()?;
    steps.run("native tests", || native(&workspace, &cache, args));
    steps.run("native tests of leptos-sync-core without `deflate`", || {
        alone(
            &workspace,
            args,
            &["leptos-sync-core", "--no-default-features"],
        )
    });
    if workspace
        .package("leptos-sync-web")
        .is_some_and(|web| web.has_feature("ssr"))
    {
        steps.run("native tests of leptos-sync-web with `ssr`", || {
            alone(&workspace, args, &["leptos-sync-web", "--features", "ssr"])
        });
    }
    steps.run("tests in the browser", || {
        in_browser(&workspace, &cache, args)
    });
    if workspace.package(E2E).is_some() {
        end_to_end::run_in(steps, &workspace, &cache, args);
    }
    if has_npm() {
        steps.run("benchmark page in the browser", || {
            benchmark_page(&workspace, &cache)
        });
    } else {
        eprintln!("    not tested: the benchmark page, which needs Node.js with npm");
    }
    Ok(())
}

impl Args {
    /// Passes the sizes to the tests. Each suite has its own defaults.
    fn apply(&self, mut cmd: Cmd) -> Cmd {
        if let Some(cases) = self.cases {
            cmd = cmd.env("PROPTEST_CASES", cases.to_string());
        }
        if let Some(seeds) = self.seeds {
            cmd = cmd.env("LEPTOS_SYNC_SEEDS", seeds.to_string());
        }
        if self.long {
            cmd = cmd.env("TODO_LONG", "1");
        }
        cmd
    }
}

fn native(workspace: &Workspace, cache: &Cache, args: &Args) -> Result<()> {
    let mut cmd = Cmd::cargo()
        .args(["test", "--workspace", "--no-fail-fast"])
        .args(testing(workspace))
        .args(RELAY)
        .dir(&workspace.root);
    for package in [E2E, BENCH_RUNNER, BINDGEN] {
        if workspace.package(package).is_some() {
            cmd = cmd.args(["--exclude", package]);
        }
    }
    match nginx::find(cache) {
        Ok(program) => cmd = cmd.env("NGINX", program),
        // In CI, the tests fail; elsewhere, they are skipped.
        Err(error) => eprintln!("    not tested: the relay behind nginx ({error:#})"),
    }
    args.apply(cmd).run()
}

/// Tests one package with features other than its default ones.
fn alone(workspace: &Workspace, args: &Args, package: &[&str]) -> Result<()> {
    let cmd = Cmd::cargo()
        .args(["test", "--no-fail-fast", "--package"])
        .args(package)
        .dir(&workspace.root);
    args.apply(cmd).run()
}

fn in_browser(workspace: &Workspace, cache: &Cache, args: &Args) -> Result<()> {
    let wasm = Wasm::find(cache, workspace)?;
    let bindgen = Bindgen::find(cache, workspace)?;
    let browser = Browser::find(cache)?;
    // chromedriver leaves a profile of 55 MB in TMPDIR for each test binary.
    let profiles = tempfile::tempdir()?;
    let cmd = wasm
        .cargo("test")
        .args(["--lib", "--tests", "--no-fail-fast"])
        .args(["--package", IN_BROWSER])
        .args(testing(workspace))
        .envs(bindgen.test_env(&browser, cache)?)
        .env("TMPDIR", profiles.path())
        .dir(&workspace.root);
    args.apply(cmd).run()
}

/// Checks with small sizes that the page can measure. The times do not matter.
fn benchmark_page(workspace: &Workspace, cache: &Cache) -> Result<()> {
    let browser = Browser::find(cache)?;
    Cmd::cargo()
        .args(["test", "--package", BENCH_RUNNER])
        .env("BROWSER_BENCH_DIST", page(workspace, cache)?)
        .env("CHROME", &browser.chrome)
        .env("CHROMEDRIVER", &browser.driver)
        .dir(&workspace.root)
        .run()
}

/// Enables the core's conformance suites, which the tests of other crates run too.
fn testing(workspace: &Workspace) -> &'static [&'static str] {
    let core = workspace.package("leptos-sync-core");
    if core.is_some_and(|core| core.has_feature("testing")) {
        &["--features", "leptos-sync-core/testing"]
    } else {
        &[]
    }
}
