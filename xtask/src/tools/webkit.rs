//! WebKitGTK's browser and driver, and the virtual screen that they need.

use std::{
    ffi::OsString,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail};

use super::{Cache, apt};
use crate::{
    cmd::{Cmd, on_path},
    step::step,
};

/// The Debian packages.
const PACKAGES: [&str; 2] = ["webkit2gtk-driver", "xvfb"];

/// The path of the browser that Debian's driver starts, below `/usr/lib` and a folder per
/// architecture.
const BROWSER: &str = "webkit2gtk-4.1/MiniBrowser";

/// WebKitGTK's MiniBrowser and WebKitWebDriver.
#[derive(Debug)]
pub(crate) struct WebKit {
    browser: PathBuf,
    driver: PathBuf,
    screen: PathBuf,
}

impl WebKit {
    /// Finds the programs, or installs Debian's packages.
    ///
    /// # Errors
    ///
    /// If they are missing and cannot be installed. The message says what to install.
    pub(crate) fn find(cache: &Cache) -> Result<Self> {
        if let Some(webkit) = Self::here() {
            return Ok(webkit);
        }
        if !apt::can_install() {
            bail!(
                "install WebKitGTK's driver and a virtual screen (Debian: `apt-get install {}`)",
                PACKAGES.join(" ")
            );
        }
        let _lock = cache.lock()?;
        step("WebKitGTK from apt", || apt::install(&PACKAGES))?;
        Self::here().context("apt installed WebKitGTK's driver, but its programs are not there")
    }

    fn here() -> Option<Self> {
        let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
        let mut browsers = folders.map(|folder| folder.path().join(BROWSER));
        Some(Self {
            browser: browsers.find(|path| path.is_file())?,
            driver: on_path("WebKitWebDriver")?,
            screen: on_path("Xvfb")?,
        })
    }

    /// Returns the variables with which the end-to-end tests use the browser on a screen.
    pub(crate) fn env(&self, screen: &Screen) -> Vec<(&'static str, OsString)> {
        let mut env = vec![
            ("WEBKIT", self.browser.clone().into()),
            ("WEBKITDRIVER", self.driver.clone().into()),
            ("DISPLAY", screen.display.clone().into()),
        ];
        if apt::is_root() {
            // WebKit's sandbox does not start for root.
            env.push(("WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS", "1".into()));
        }
        env
    }

    /// Returns the browser's name and version.
    pub(crate) fn version(&self) -> Result<String> {
        let version = Cmd::new("dpkg-query")
            .args(["--show", "--showformat", "${Version}", "webkit2gtk-driver"])
            .read()?;
        let upstream = version.split('-').next().unwrap_or_default();
        Ok(format!("WebKitGTK {upstream}"))
    }

    /// Starts a virtual screen.
    pub(crate) fn screen(&self) -> Result<Screen> {
        Screen::start(&self.screen)
    }
}

/// A virtual screen, which ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Screen {
    server: Child,
    display: String,
}

impl Screen {
    fn start(program: &Path) -> Result<Self> {
        let mut server = Command::new(program)
            // Xvfb chooses a free display and prints its number.
            .args(["-displayfd", "1", "-screen", "0", "1600x1200x24"])
            .args(["-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start Xvfb")?;
        let mut number = String::new();
        if let Some(output) = server.stdout.take() {
            BufReader::new(output).read_line(&mut number)?;
        }
        let display = format!(":{}", number.trim());
        let screen = Self { server, display };
        anyhow::ensure!(
            screen.display.len() > 1,
            "Xvfb ended before it named its display"
        );
        Ok(screen)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
