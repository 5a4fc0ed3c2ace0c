//! Firefox and its driver.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::{
    Cache, apt,
    cache::{given, remove},
};
use crate::{
    cmd::{Cmd, on_path},
    step::step,
};

/// The version of geckodriver that is installed if there is none.
const VERSION: &str = "0.37.1";

/// The names of the browser, the most likely first.
const NAMES: [&str; 2] = ["firefox", "firefox-esr"];

/// Firefox and geckodriver.
#[derive(Debug)]
pub(crate) struct Firefox {
    /// The browser.
    pub(crate) program: PathBuf,
    /// geckodriver.
    pub(crate) driver: PathBuf,
}

impl Firefox {
    /// Finds `$FIREFOX` and `$GECKODRIVER`, otherwise the programs in `PATH`. Installs Debian's
    /// Firefox if needed, and builds geckodriver into the cache.
    ///
    /// # Errors
    ///
    /// If one of them is missing and cannot be installed. The message says what to install.
    pub(crate) fn find(cache: &Cache) -> Result<Self> {
        let program = match program()? {
            Some(program) => program,
            None => install(cache)?,
        };
        let driver = given("GECKODRIVER")?.or_else(|| on_path("geckodriver"));
        let driver = match driver {
            Some(driver) => driver,
            None => build_driver(cache)?,
        };
        Ok(Self { program, driver })
    }

    /// Returns the browser's name and version.
    pub(crate) fn version(&self) -> Result<String> {
        Cmd::new(&self.program).arg("--version").read()
    }
}

fn program() -> Result<Option<PathBuf>> {
    let in_path = || NAMES.iter().find_map(|name| on_path(name));
    Ok(given("FIREFOX")?.or_else(in_path))
}

fn install(cache: &Cache) -> Result<PathBuf> {
    if !apt::can_install() {
        bail!(
            "install Firefox (Debian: `apt-get install firefox-esr`), or set FIREFOX to its path"
        );
    }
    let _lock = cache.lock()?;
    step("Firefox from apt", || apt::install(&["firefox-esr"]))?;
    program()?.context("apt installed Firefox, but `firefox-esr` is not in PATH")
}

fn build_driver(cache: &Cache) -> Result<PathBuf> {
    let entry = cache.entry(&format!("geckodriver-{VERSION}"), |dir| {
        let build = dir.join("build");
        Cmd::cargo()
            .args(["install", "geckodriver", "--locked", "--version", VERSION])
            .arg("--root")
            .arg(dir)
            // Build outside the workspace, whose settings do not apply.
            .dir(dir)
            .env("CARGO_TARGET_DIR", &build)
            .run_quietly()
            .context("get it with `cargo install geckodriver`")?;
        remove(&build)
    })?;
    Ok(entry.join("bin/geckodriver"))
}
