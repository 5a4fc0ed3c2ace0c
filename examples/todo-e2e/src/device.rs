//! A browser profile that outlives browsers, and the site that it visits.

use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, thread};

use tempfile::TempDir;

use crate::backup::Backup;
use crate::browser::Browser;
use crate::engine;
use crate::site::Site;

/// The time for which processes of a killed browser may keep writing to its profile.
const LAST_WRITES: Duration = Duration::from_secs(10);

/// A machine of one user: a browser profile, initially empty, and the page's server.
///
/// A test launches a browser on it, closes or kills it, and launches the next. Only one may run at
/// a time.
pub struct Device {
    url: String,
    profile: TempDir,
    /// The server of the page, if the device has its own.
    site: Option<Site>,
}

impl Device {
    /// Creates a device with an empty profile. The page gets no relay.
    ///
    /// # Panics
    ///
    /// If `TODO_DIST` names no built page.
    #[track_caller]
    #[must_use]
    pub fn new() -> Self {
        Self::visiting(&Site::named_by("TODO_DIST"))
    }

    /// Creates a device that visits `todo-plain`, the same page without leptos-sync.
    ///
    /// # Panics
    ///
    /// If `TODO_PLAIN_DIST` names no built page.
    #[track_caller]
    #[must_use]
    pub fn with_baseline() -> Self {
        Self::visiting(&Site::named_by("TODO_PLAIN_DIST"))
    }

    /// Creates a device that visits `counter`, the smallest example.
    ///
    /// # Panics
    ///
    /// If `COUNTER_DIST` names no built page.
    #[track_caller]
    #[must_use]
    pub fn with_counter() -> Self {
        Self::visiting(&Site::named_by("COUNTER_DIST"))
    }

    /// Creates a device that visits another page, built into a folder.
    ///
    /// # Panics
    ///
    /// If the folder has no page.
    #[track_caller]
    #[must_use]
    pub fn visiting(dist: &Path) -> Self {
        let site = Site::start(dist);
        let mut device = Self::at(site.url());
        device.site = Some(site);
        device
    }

    /// Creates a device that visits a page of another server.
    ///
    /// # Panics
    ///
    /// If no folder can be created for the profile.
    #[track_caller]
    #[must_use]
    pub fn at(url: &str) -> Self {
        let profile = tempfile::Builder::new().prefix("todo-e2e-").tempdir();
        Self {
            url: url.to_owned(),
            profile: profile.unwrap_or_else(|error| panic!("no folder for a profile: {error}")),
            site: None,
        }
    }

    /// Creates a device that visits a page of this machine under another name, so that the browser
    /// does not trust it more than a page from the network. Only Chromium supports this.
    ///
    /// # Panics
    ///
    /// If no folder can be created for the profile.
    #[track_caller]
    #[must_use]
    pub fn untrusting(url: &str) -> Self {
        Self::at(&url.replace("127.0.0.1", engine::OTHER_NAME))
    }

    /// Launches a browser on the profile. Its window is empty until [`Browser::open`] is called.
    #[track_caller]
    #[must_use]
    pub fn launch(&self) -> Browser<'_> {
        Browser::launch(self)
    }

    /// Copies the profile. No browser may be running on it.
    #[track_caller]
    #[must_use]
    pub fn back_up(&self) -> Backup {
        Backup::of(self.profile.path())
    }

    /// Replaces the profile by a copy. No browser may be running on it.
    #[track_caller]
    pub fn restore(&self, backup: &Backup) {
        backup.restore_to(self.profile.path());
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn profile(&self) -> &Path {
        self.profile.path()
    }
}

impl Default for Device {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Device {
    /// Removes the profile, and retries if a dying process of the browser recreates a file.
    fn drop(&mut self) {
        let deadline = Instant::now() + LAST_WRITES;
        while fs::remove_dir_all(self.profile.path()).is_err()
            && self.profile.path().exists()
            && Instant::now() < deadline
        {
            thread::yield_now();
        }
    }
}
