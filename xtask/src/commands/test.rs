//! `test`: every test there is.

use anyhow::Result;

use super::bench::browser::{has_npm, page};
use crate::{
    args::Args,
    cmd::Cmd,
    dist::{self, Optimize},
    programs,
    step::{Steps, step},
    tools::{Bindgen, Browser, Cache, Wasm},
    workspace::{BENCH_RUNNER, E2E, Workspace},
};

/// The package whose tests run in a browser; those of the core on wasm32 are among them.
const IN_BROWSER: &str = "leptos-sync-web";

/// All that the server can be, its program included, for whatever is checked of the whole workspace.
pub(crate) const RELAY: [&str; 2] = ["--features", "leptos-sync-server/relay"];

/// Runs all suites, also behind one that failed.
pub(crate) fn run(mut args: Args) -> Result<()> {
    let effort = Effort {
        cases: args.option("--cases")?,
        seeds: args.option("--seeds")?,
    };
    args.finish()?;
    let workspace = Workspace::load()?;
    let cache = Cache::open()?;
    let mut steps = Steps::default();
    steps.run("native tests", || native(&workspace, effort));
    steps.run("native tests of leptos-sync-core without `deflate`", || {
        alone(
            &workspace,
            effort,
            &["leptos-sync-core", "--no-default-features"],
        )
    });
    if workspace
        .package("leptos-sync-web")
        .is_some_and(|web| web.has_feature("ssr"))
    {
        steps.run("native tests of leptos-sync-web with `ssr`", || {
            alone(
                &workspace,
                effort,
                &["leptos-sync-web", "--features", "ssr"],
            )
        });
    }
    steps.run("tests in the browser", || {
        in_browser(&workspace, &cache, effort)
    });
    if workspace.package(E2E).is_some() {
        steps.run("end-to-end tests", || {
            end_to_end(&workspace, &cache, effort)
        });
    }
    if has_npm() {
        steps.run("benchmark page in the browser", || {
            benchmark_page(&workspace, &cache)
        });
    } else {
        eprintln!("    not tested: the benchmark page, which needs Node.js with npm");
    }
    steps.finish()
}

/// How much the random tests try; what is not set is theirs to choose.
#[derive(Debug, Clone, Copy)]
struct Effort {
    /// Cases a property.
    cases: Option<u64>,
    /// Seeds a simulation.
    seeds: Option<u64>,
}

impl Effort {
    fn apply(self, mut cmd: Cmd) -> Cmd {
        if let Some(cases) = self.cases {
            cmd = cmd.env("PROPTEST_CASES", cases.to_string());
        }
        if let Some(seeds) = self.seeds {
            cmd = cmd.env("LEPTOS_SYNC_SEEDS", seeds.to_string());
        }
        cmd
    }
}

fn native(workspace: &Workspace, effort: Effort) -> Result<()> {
    let mut cmd = Cmd::cargo()
        .args(["test", "--workspace", "--no-fail-fast"])
        .args(testing(workspace))
        .args(RELAY)
        .dir(&workspace.root);
    for package in [E2E, BENCH_RUNNER] {
        if workspace.package(package).is_some() {
            cmd = cmd.args(["--exclude", package]);
        }
    }
    effort.apply(cmd).run()
}

/// One package, with the features that are not its usual ones.
fn alone(workspace: &Workspace, effort: Effort, package: &[&str]) -> Result<()> {
    let cmd = Cmd::cargo()
        .args(["test", "--no-fail-fast", "--package"])
        .args(package)
        .dir(&workspace.root);
    effort.apply(cmd).run()
}

fn in_browser(workspace: &Workspace, cache: &Cache, effort: Effort) -> Result<()> {
    let wasm = Wasm::find(cache, workspace)?;
    let bindgen = Bindgen::find(cache, workspace)?;
    let browser = Browser::find(cache)?;
    // chromedriver leaves a profile of 55 MB there for each test binary.
    let profiles = tempfile::tempdir()?;
    let cmd = wasm
        .cargo("test")
        .args(["--lib", "--tests", "--no-fail-fast"])
        .args(["--package", IN_BROWSER])
        .args(testing(workspace))
        .envs(bindgen.test_env(&browser, cache)?)
        .env("TMPDIR", profiles.path())
        .dir(&workspace.root);
    effort.apply(cmd).run()
}

fn end_to_end(workspace: &Workspace, cache: &Cache, effort: Effort) -> Result<()> {
    let browser = Browser::find(cache)?;
    let todo = dist::build(workspace, cache, "todo", Optimize::IfPossible)?;
    let plain = dist::build(workspace, cache, "todo-plain", Optimize::IfPossible)?;
    let (server, relay) = programs::servers(workspace)?;
    let cmd = Cmd::cargo()
        .args(["test", "--no-fail-fast", "--package", E2E])
        .env("TODO_DIST", todo)
        .env("TODO_PLAIN_DIST", plain)
        .env("TODO_SERVER", server)
        .env("TODO_RELAY", relay)
        .env("CHROME", &browser.chrome)
        .env("CHROMEDRIVER", &browser.driver)
        .dir(&workspace.root);
    step("todo in Chromium", || effort.apply(cmd).run())
}

/// That it measures, with small numbers; what it finds is not judged.
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

/// The core's conformance suites, which its own tests run too.
fn testing(workspace: &Workspace) -> &'static [&'static str] {
    let core = workspace.package("leptos-sync-core");
    if core.is_some_and(|core| core.has_feature("testing")) {
        &["--features", "leptos-sync-core/testing"]
    } else {
        &[]
    }
}
