//! `wasm-bindgen`, which has to be of exactly the version of the crate.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::{Browser, Cache, cache::remove};
use crate::{
    cmd::{Cmd, on_path},
    workspace::Workspace,
};

/// How long all tests of one file may take: a small machine under load must not fail them.
const TEST_SECONDS: &str = "300";

/// How long the browser's driver may take to start.
const START_SECONDS: &str = "30";

/// `wasm-bindgen` and its test runner.
#[derive(Debug)]
pub(crate) struct Bindgen {
    /// The folder of both programs.
    pub(crate) bin: PathBuf,
}

impl Bindgen {
    /// Takes it from `PATH` when the version is right, else builds it once into the cache.
    pub(crate) fn find(cache: &Cache, workspace: &Workspace) -> Result<Self> {
        let version = workspace.locked_version("wasm-bindgen")?;
        if let Some(bin) = bin_on_path(&version) {
            return Ok(Self { bin });
        }
        let entry = cache.entry(&format!("wasm-bindgen-{version}"), |dir| {
            install(dir, &version)
        })?;
        Ok(Self {
            bin: entry.join("bin"),
        })
    }

    /// The program that makes a wasm file fit for a browser.
    pub(crate) fn program(&self) -> PathBuf {
        self.bin.join("wasm-bindgen")
    }

    /// The variables with which `cargo test` for wasm32 runs its tests in that browser.
    pub(crate) fn test_env(
        &self,
        browser: &Browser,
        cache: &Cache,
    ) -> Result<[(&'static str, OsString); 6]> {
        let runner = self.bin.join("wasm-bindgen-test-runner");
        Ok([
            ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner.into()),
            ("CHROMEDRIVER", browser.driver.clone().into()),
            (
                "WASM_BINDGEN_TEST_WEBDRIVER_JSON",
                browser.webdriver_json(cache)?.into(),
            ),
            // Tests that do not say where they run would run in node.
            ("WASM_BINDGEN_USE_BROWSER", "1".into()),
            ("WASM_BINDGEN_TEST_TIMEOUT", TEST_SECONDS.into()),
            ("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", START_SECONDS.into()),
        ])
    }
}

fn bin_on_path(version: &str) -> Option<PathBuf> {
    let program = on_path("wasm-bindgen")?;
    let said = Cmd::new(&program).arg("--version").read().ok()?;
    let bin = program.parent()?.to_owned();
    let is_whole = bin.join("wasm-bindgen-test-runner").is_file();
    (said == format!("wasm-bindgen {version}") && is_whole).then_some(bin)
}

fn install(dir: &Path, version: &str) -> Result<()> {
    let build = dir.join("build");
    let cargo = || {
        Cmd::cargo()
            .args([
                "install",
                "wasm-bindgen-cli",
                "--version",
                version,
                "--root",
            ])
            .arg(dir)
            // Away from the workspace, whose settings are not meant for it.
            .dir(dir)
            .env("CARGO_TARGET_DIR", &build)
    };
    // Its lock file can name versions that a registry's mirror does not have yet.
    cargo()
        .arg("--locked")
        .run_quietly()
        .or_else(|_| cargo().run_quietly())
        .with_context(|| {
            format!("get it with `cargo install wasm-bindgen-cli --version {version}`")
        })?;
    remove(&build)
}
