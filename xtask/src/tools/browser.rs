//! Chromium and its driver.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::{Cache, apt};
use crate::{cmd::on_path, step::step};

/// What the browser is called, the most likely first.
const NAMES: [&str; 5] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
];

/// Where macOS keeps it.
const MAC: &str = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";

/// Keeps a headless browser from talking to anyone but the test.
const FLAGS: [&str; 8] = [
    "--headless=new",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
];

/// A browser and the driver that tests steer it with.
#[derive(Debug)]
pub(crate) struct Browser {
    /// Chromium or Chrome.
    pub(crate) chrome: PathBuf,
    /// chromedriver.
    pub(crate) driver: PathBuf,
}

impl Browser {
    /// Takes `$CHROME` and `$CHROMEDRIVER`, else what `PATH` has, else installs Debian's packages.
    ///
    /// # Errors
    ///
    /// There is none and none can be installed; the message says what to install.
    pub(crate) fn find(cache: &Cache) -> Result<Self> {
        if let Some(browser) = Self::here()? {
            return Ok(browser);
        }
        if !apt::can_install() {
            bail!(
                "install Chromium and chromedriver of one version (Debian, Ubuntu: `apt-get install chromium \
                 chromium-driver`), or set CHROME and CHROMEDRIVER to their paths"
            );
        }
        let _lock = cache.lock()?;
        if Self::here()?.is_none() {
            let packages = ["chromium", "chromium-driver"];
            step("Chromium and chromedriver from apt", || {
                apt::install(&packages)
            })?;
        }
        Self::here()?
            .context("apt installed Chromium, but `chromium` and `chromedriver` are not in PATH")
    }

    fn here() -> Result<Option<Self>> {
        let mac = || Some(PathBuf::from(MAC)).filter(|path| path.is_file());
        let chrome = given("CHROME")?
            .or_else(|| NAMES.iter().find_map(|name| on_path(name)))
            .or_else(mac);
        let driver = given("CHROMEDRIVER")?.or_else(|| on_path("chromedriver"));
        Ok(chrome
            .zip(driver)
            .map(|(chrome, driver)| Self { chrome, driver }))
    }

    /// The settings with which wasm tests start the browser, as a file.
    pub(crate) fn webdriver_json(&self, cache: &Cache) -> Result<PathBuf> {
        let mut flags = FLAGS.to_vec();
        if apt::is_root() {
            // Chromium refuses to start for root with its sandbox.
            flags.push("--no-sandbox");
        }
        let options = json!({ "binary": self.chrome, "args": flags });
        let settings = json!({ "goog:chromeOptions": options });
        cache.write("webdriver.json", &format!("{settings:#}\n"))
    }
}

fn given(variable: &str) -> Result<Option<PathBuf>> {
    let Some(path) = env::var_os(variable).filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    if !Path::new(&path).is_file() {
        bail!("{variable} is set to {}, which is no file", path.display());
    }
    Ok(Some(path.into()))
}
