//! The browsers that the tests can drive, and their differences.

use std::env;
use std::ffi::OsString;
use std::path::Path;

use serde_json::{Value, json};

/// Another name of this machine, which the browser does not trust as it trusts 127.0.0.1.
pub(crate) const OTHER_NAME: &str = "relay.test";

/// The flags with which headless Chromium runs as root, without a screen and without a network.
const CHROMIUM_FLAGS: [&str; 11] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-breakpad",
    "--no-first-run",
    "--host-resolver-rules=MAP relay.test 127.0.0.1",
];

/// A browser that `TODO_BROWSER` can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    /// Chromium, through ChromeDriver.
    Chromium,
    /// Firefox, through geckodriver.
    Firefox,
    /// WebKitGTK's MiniBrowser, through WebKitWebDriver. It stores nothing after the end of a
    /// session.
    WebKit,
}

impl Engine {
    /// Returns the browser that `TODO_BROWSER` names, by default Chromium.
    ///
    /// # Panics
    ///
    /// If the variable names no browser.
    #[track_caller]
    pub(crate) fn chosen() -> Self {
        match env::var("TODO_BROWSER").as_deref() {
            Err(_) | Ok("" | "chromium") => Self::Chromium,
            Ok("firefox") => Self::Firefox,
            Ok("webkit") => Self::WebKit,
            Ok(other) => panic!("TODO_BROWSER is {other}; use chromium, firefox or webkit"),
        }
    }

    /// Returns the driver's program.
    pub(crate) fn driver(self) -> OsString {
        let (variable, name) = match self {
            Self::Chromium => ("CHROMEDRIVER", "chromedriver"),
            Self::Firefox => ("GECKODRIVER", "geckodriver"),
            Self::WebKit => ("WEBKITDRIVER", "WebKitWebDriver"),
        };
        env::var_os(variable).unwrap_or_else(|| name.into())
    }

    /// Returns the text that the driver prints before the port that it has chosen, or `None` if it
    /// cannot choose a port.
    pub(crate) fn port_marker(self) -> Option<&'static str> {
        match self {
            Self::Chromium => Some("started successfully on port "),
            Self::Firefox => Some("Listening on 127.0.0.1:"),
            Self::WebKit => None,
        }
    }

    /// Returns the capabilities that start the browser on a profile.
    pub(crate) fn capabilities(self, profile: &Path) -> Value {
        let profile = profile.display();
        // The time in milliseconds that the driver waits for an element to appear.
        let timeouts = json!({ "implicit": 10_000, "script": 120_000 });
        let (name, mut options) = match self {
            Self::Chromium => {
                let profile = format!("--user-data-dir={profile}");
                let flags: Vec<_> = CHROMIUM_FLAGS.into_iter().chain([&*profile]).collect();
                ("goog:chromeOptions", json!({ "args": flags }))
            }
            Self::Firefox => {
                let args = ["-headless", "-profile", &profile.to_string()];
                ("moz:firefoxOptions", json!({ "args": args }))
            }
            Self::WebKit => {
                let args = ["--automation"];
                ("webkitgtk:browserOptions", json!({ "args": args }))
            }
        };
        if let (Some(options), Some(binary)) = (options.as_object_mut(), self.binary()) {
            options.insert("binary".to_owned(), binary.into());
        }
        json!({ name: options, "timeouts": timeouts })
    }

    /// Returns the browser's program, or `None` if the driver must find it.
    fn binary(self) -> Option<String> {
        let variable = match self {
            Self::Chromium => "CHROME",
            Self::Firefox => "FIREFOX",
            Self::WebKit => "WEBKIT",
        };
        env::var(variable).ok()
    }
}
