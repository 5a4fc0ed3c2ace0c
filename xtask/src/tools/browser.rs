//! Chromium and its driver.

use std::{ffi::OsString, path::PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::{Cache, apt, cache::given};
use crate::{
    cmd::{Cmd, on_path},
    step::step,
};

/// The names of the browser, the most likely first.
const NAMES: [&str; 5] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
];

/// The path of Chrome on macOS.
const MAC: &str = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";

/// The flags that keep a headless browser from connecting to any server but the test's.
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

/// Chromium and its driver, with which tests control it.
#[derive(Debug)]
pub(crate) struct Browser {
    /// Chromium or Chrome.
    pub(crate) chrome: PathBuf,
    /// chromedriver.
    pub(crate) driver: PathBuf,
}

impl Browser {
    /// Finds `$CHROME` and `$CHROMEDRIVER`, otherwise the programs in `PATH`. Installs Debian's
    /// packages if needed.
    ///
    /// # Errors
    ///
    /// If one of them is missing and cannot be installed. The message says what to install.
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

    /// Returns the browser's name and version.
    pub(crate) fn version(&self) -> Result<String> {
        Cmd::new(&self.chrome).arg("--version").read()
    }

    /// Returns the variables that name both programs to the end-to-end tests.
    pub(crate) fn env(&self) -> Vec<(&'static str, OsString)> {
        vec![
            ("CHROME", self.chrome.clone().into()),
            ("CHROMEDRIVER", self.driver.clone().into()),
        ]
    }

    /// Returns the settings with which wasm tests start the browser, as a file.
    pub(crate) fn webdriver_json(&self, cache: &Cache) -> Result<PathBuf> {
        let mut flags = FLAGS.to_vec();
        if apt::is_root() {
            // Chromium does not start its sandbox for root.
            flags.push("--no-sandbox");
        }
        let options = json!({ "binary": self.chrome, "args": flags });
        let settings = json!({ "goog:chromeOptions": options });
        cache.write("webdriver.json", &format!("{settings:#}\n"))
    }
}
