//! A running browser.

use std::env;

use serde_json::json;

use crate::device::Device;
use crate::driver::Driver;
use crate::page::Page;
use crate::session::Session;

/// What headless Chromium needs as root, without a screen and without the network, and asks nobody for.
const FLAGS: [&str; 11] = [
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
    // So high that the footer of a short list, which stays in sight, covers none of its rows.
    "--window-size=1280,1000",
];

/// A browser on the profile of a [`Device`]. Dropping it kills it.
pub struct Browser<'a> {
    session: Session,
    url: &'a str,
    // Last: the driver ends after the session.
    _driver: Driver,
}

impl<'a> Browser<'a> {
    #[track_caller]
    pub(crate) fn launch(device: &'a Device) -> Self {
        let driver = Driver::start();
        let profile = format!("--user-data-dir={}", device.profile().display());
        let flags: Vec<&str> = FLAGS.into_iter().chain([profile.as_str()]).collect();
        let mut options = json!({ "args": flags });
        if let (Some(options), Ok(chrome)) = (options.as_object_mut(), env::var("CHROME")) {
            options.insert("binary".to_owned(), chrome.into());
        }
        // The driver itself waits this long (in ms) for an element that a command names.
        let timeouts = json!({ "implicit": 10_000, "script": 120_000 });
        let session = Session::start(
            driver.port,
            &json!({ "goog:chromeOptions": options, "timeouts": timeouts }),
        );
        Self {
            session,
            url: device.url(),
            _driver: driver,
        }
    }

    /// The window's commands, for what [`Page`] has no words for.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Opens the page in the current tab, whatever it is; its address ends in `query`.
    #[track_caller]
    pub fn visit(&self, query: &str) {
        self.session.go_to(&format!("{}{query}", self.url));
    }

    /// Opens the page in the current tab and waits until it can be typed into.
    #[track_caller]
    #[must_use]
    pub fn open(&self) -> Page<'_> {
        self.session.go_to(self.url);
        Page::of_current_tab(&self.session)
    }

    /// Opens an empty tab and makes it the current one; [`Browser::open`] works there.
    #[track_caller]
    pub fn show_empty_tab(&self) {
        let tab = self.session.new_tab();
        self.session.switch_to(&tab);
    }

    /// Cuts the current tab off from the network, or connects it again.
    #[track_caller]
    pub fn set_offline(&self, offline: bool) {
        // Without it, the network only says that it is not there.
        self.session.devtools("Network.enable", &json!({}));
        self.session.devtools(
            "Network.emulateNetworkConditions",
            &json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 }),
        );
    }

    /// Runs a script at the start of every page that is opened from now on, before the page's own.
    #[track_caller]
    pub fn before_every_page(&self, script: &str) {
        self.session.devtools(
            "Page.addScriptToEvaluateOnNewDocument",
            &json!({ "source": script }),
        );
    }

    /// Closes the browser as a user does.
    #[track_caller]
    pub fn quit(self) {
        self.session.quit();
    }

    /// Sends SIGKILL to all of the browser's processes: nothing can be written any more.
    pub fn kill(self) {
        drop(self);
    }
}
