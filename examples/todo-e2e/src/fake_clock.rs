//! A wall clock that a test sets, for a program in a separate process.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::process::Command;

use tempfile::TempDir;

/// The wall clock of programs that libfaketime deceives. Their other clocks stay right, as on a
/// machine whose wall clock is wrong.
pub struct FakeClock {
    library: OsString,
    folder: TempDir,
}

impl FakeClock {
    /// Creates a clock that is right. On a machine that has no libfaketime and is not CI, prints a
    /// note and returns `None`.
    ///
    /// # Panics
    ///
    /// In CI, if `LIBFAKETIME` names no library.
    #[track_caller]
    #[must_use]
    pub fn new() -> Option<Self> {
        let Some(library) = env::var_os("LIBFAKETIME") else {
            assert!(
                env::var_os("CI").is_none(),
                "CI has to test with libfaketime"
            );
            eprintln!("skipped: there is no libfaketime; run `cargo xtask test`");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("todo-e2e-").tempdir();
        let folder = folder.unwrap_or_else(|error| panic!("no folder for a clock: {error}"));
        let clock = Self { library, folder };
        clock.set_ahead(0);
        Some(clock)
    }

    /// Sets the clock this many seconds ahead of the right time, or behind if `seconds` is
    /// negative.
    #[track_caller]
    pub fn set_ahead(&self, seconds: i64) {
        // The program reads the file at any moment, so replace it at once.
        let (file, next) = (self.file(), self.folder.path().join("next"));
        let set = fs::write(&next, format!("{seconds:+}")).and_then(|()| fs::rename(next, file));
        set.unwrap_or_else(|error| panic!("cannot set the clock: {error}"));
    }

    /// Lets a program that has not started yet use this clock.
    pub(crate) fn deceive(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", &self.library)
            .env("FAKETIME_TIMESTAMP_FILE", self.file())
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("time")
    }
}
