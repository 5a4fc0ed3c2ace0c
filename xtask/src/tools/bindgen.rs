//! `wasm-bindgen`, whose version must be exactly that of the crate.

use std::{
    env::consts::EXE_SUFFIX,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::{Browser, Cache};
use crate::{
    cmd::{Cmd, on_path},
    workspace::{BINDGEN, Workspace},
};

/// The program that generates the JavaScript module for a wasm file.
const PROGRAM: &str = "wasm-bindgen";

/// The program that runs the tests in a wasm file.
const RUNNER: &str = "wasm-bindgen-test-runner";

/// The time limit in seconds for all tests of one file. The limit must suffice on a small machine
/// under load.
const TEST_SECONDS: &str = "300";

/// The time limit in seconds for the start of the browser's driver.
const START_SECONDS: &str = "30";

/// `wasm-bindgen` and its test runner.
#[derive(Debug)]
pub(crate) struct Bindgen {
    /// The folder of both programs.
    pub(crate) bin: PathBuf,
}

impl Bindgen {
    /// Finds the programs in `PATH` if their version matches, otherwise in the cache. Builds them
    /// if the cache has none.
    pub(crate) fn find(cache: &Cache, workspace: &Workspace) -> Result<Self> {
        let version = workspace.locked_version("wasm-bindgen")?;
        if let Some(bin) = bin_on_path(&version) {
            return Ok(Self { bin });
        }
        let entry = cache.entry(&format!("wasm-bindgen-{version}"), |dir| {
            install(dir, workspace)
        })?;
        Ok(Self {
            bin: entry.join("bin"),
        })
    }

    /// Returns the path of `wasm-bindgen`.
    pub(crate) fn program(&self) -> PathBuf {
        self.bin.join(format!("{PROGRAM}{EXE_SUFFIX}"))
    }

    /// Returns the variables with which `cargo test` for wasm32 runs its tests in the browser.
    pub(crate) fn test_env(
        &self,
        browser: &Browser,
        cache: &Cache,
    ) -> Result<[(&'static str, OsString); 6]> {
        let runner = self.bin.join(format!("{RUNNER}{EXE_SUFFIX}"));
        Ok([
            ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner.into()),
            ("CHROMEDRIVER", browser.driver.clone().into()),
            (
                "WASM_BINDGEN_TEST_WEBDRIVER_JSON",
                browser.webdriver_json(cache)?.into(),
            ),
            // Without this variable, tests that do not state where to run would run in node.
            ("WASM_BINDGEN_USE_BROWSER", "1".into()),
            ("WASM_BINDGEN_TEST_TIMEOUT", TEST_SECONDS.into()),
            ("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", START_SECONDS.into()),
        ])
    }
}

fn bin_on_path(version: &str) -> Option<PathBuf> {
    let program = on_path(PROGRAM)?;
    let said = Cmd::new(&program).arg("--version").read().ok()?;
    let bin = program.parent()?.to_owned();
    let is_whole = bin.join(format!("{RUNNER}{EXE_SUFFIX}")).is_file();
    (said == format!("wasm-bindgen {version}") && is_whole).then_some(bin)
}

/// Builds both programs from this workspace, whose lock file names their version, and copies them.
fn install(dir: &Path, workspace: &Workspace) -> Result<()> {
    Cmd::cargo()
        .args(["build", "--package", BINDGEN])
        .dir(&workspace.root)
        .run_quietly()?;
    let built = workspace
        .target
        .join("debug")
        .join(format!("{BINDGEN}{EXE_SUFFIX}"));
    let bin = dir.join("bin");
    fs::create_dir_all(&bin)?;
    for program in [PROGRAM, RUNNER] {
        // The name of the file selects which of the two programs it is.
        fs::copy(&built, bin.join(format!("{program}{EXE_SUFFIX}")))
            .with_context(|| format!("cannot copy {}", built.display()))?;
    }
    Ok(())
}
