//! What outlives a browser: its profile, and the site that it visits.

use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, thread};

use tempfile::TempDir;

use crate::browser::Browser;
use crate::site::Site;

/// How long the processes of a killed browser may go on writing into its profile.
const LAST_WRITES: Duration = Duration::from_secs(10);

/// A machine that one person uses: a browser profile, new and empty at first, and the page in
/// reach.
///
/// Launch a browser on it, close or kill it, and launch the next; one at a time.
pub struct Device {
    url: String,
    profile: TempDir,
    /// What serves the page, where that is the device's own.
    site: Option<Site>,
}

impl Device {
    /// A device with an empty profile, on which the page is told of no relay.
    ///
    /// # Panics
    ///
    /// If `TODO_DIST` names no built page.
    #[track_caller]
    #[must_use]
    pub fn new() -> Self {
        Self::visiting(&Site::named_by("TODO_DIST"))
    }

    /// A device with an empty profile that visits `todo-plain`, the same page without leptos-sync.
    ///
    /// # Panics
    ///
    /// If `TODO_PLAIN_DIST` names no built page.
    #[track_caller]
    #[must_use]
    pub fn with_baseline() -> Self {
        Self::visiting(&Site::named_by("TODO_PLAIN_DIST"))
    }

    /// A device with an empty profile that visits `counter`, the smallest example.
    ///
    /// # Panics
    ///
    /// If `COUNTER_DIST` names no built page.
    #[track_caller]
    #[must_use]
    pub fn with_counter() -> Self {
        Self::visiting(&Site::named_by("COUNTER_DIST"))
    }

    /// A device with an empty profile that visits another page, built into a folder.
    ///
    /// # Panics
    ///
    /// If there is no page.
    #[track_caller]
    #[must_use]
    pub fn visiting(dist: &Path) -> Self {
        let site = Site::start(dist);
        let mut device = Self::at(site.url());
        device.site = Some(site);
        device
    }

    /// A device with an empty profile that visits a page which somebody else serves.
    ///
    /// # Panics
    ///
    /// If there is no place for a profile.
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

    /// Launches a browser on the profile. Its window is empty: see [`Browser::open`].
    #[track_caller]
    #[must_use]
    pub fn launch(&self) -> Browser<'_> {
        Browser::launch(self)
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
    /// Removes the profile, again if a dying process of the browser put a file back.
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
