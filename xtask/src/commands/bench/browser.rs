//! `bench browser`: the cost of storage, measured in a browser.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::{
    cmd::{Cmd, on_path},
    dist::{self, Optimize},
    report::browser_file,
    step::step,
    tools::{Browser, Cache},
    workspace::{BENCH_PAGE, BENCH_RUNNER, Workspace},
};

/// The npm packages with which the page is compared, and their bundler. The versions are pinned, so
/// that results are comparable.
const PACKAGES: [&str; 4] = [
    "yjs@13.6.33",
    "lib0@0.2.120",
    "y-indexeddb@9.0.12",
    "esbuild@0.28.2",
];

/// The name of the packages' entry in the cache. It changes with the versions.
const ENTRY: &str = "browser-peers-yjs-13.6.33-esbuild-0.28.2";

/// The end of the page's address for the full size.
const FULL: &str = "";
const QUICK: &str = "?records=1000&entries=20000&rounds=3";

/// Builds the page, opens it and prints its results.
pub(super) fn run(workspace: &Workspace, quick: bool) -> Result<()> {
    let cache = Cache::open()?;
    let browser = Browser::find(&cache)?;
    let dist = page(workspace, &cache)?;
    let query = if quick { QUICK } else { FULL };
    step("benchmarks in Chromium", || {
        Cmd::cargo()
            .args(["run", "--quiet", "--package", BENCH_RUNNER, "--"])
            .arg(&dist)
            .arg(query)
            .arg(browser_file(workspace)?)
            .env("CHROME", &browser.chrome)
            .env("CHROMEDRIVER", &browser.driver)
            .dir(&workspace.root)
            .run()
    })
}

/// Builds the page and returns its folder.
///
/// # Errors
///
/// If there is no npm, or it cannot download the packages. The message says what to do.
pub(crate) fn page(workspace: &Workspace, cache: &Cache) -> Result<PathBuf> {
    let dist = dist::build(workspace, cache, BENCH_PAGE, Optimize::IfPossible)?;
    bundle(workspace, cache, &dist)?;
    Ok(dist)
}

/// Returns whether npm, which the page needs, is installed.
pub(crate) fn has_npm() -> bool {
    on_path("npm").is_some()
}

/// Bundles the page's scripts and the npm packages that they import into `peers.js`.
fn bundle(workspace: &Workspace, cache: &Cache, dist: &Path) -> Result<()> {
    let (Some(node), Some(npm)) = (on_path("node"), on_path("npm")) else {
        bail!(
            "install Node.js with npm: it fetches yjs and y-indexeddb, which the page is compared with"
        );
    };
    let modules = cache
        .entry(ENTRY, |dir| install(&npm, dir))?
        .join("node_modules");
    let page = workspace
        .package(BENCH_PAGE)
        .context("the page is no member")?;
    step("bundling yjs and y-indexeddb", || {
        Cmd::new(node)
            .arg(modules.join("esbuild/bin/esbuild"))
            .arg(page.dir.join("js/main.js"))
            .args([
                "--bundle",
                "--format=esm",
                "--minify",
                "--log-level=warning",
            ])
            .arg(format!("--outfile={}", dist.join("peers.js").display()))
            // The packages are not next to the scripts that import them.
            .env("NODE_PATH", &modules)
            .run_quietly()
    })
}

fn install(npm: &Path, dir: &Path) -> Result<()> {
    Cmd::new(npm)
        .args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--prefix",
        ])
        .arg(dir)
        .args(PACKAGES)
        .dir(dir)
        .run_quietly()
        .context("npm has to fetch yjs and y-indexeddb, which the page is compared with")
}
