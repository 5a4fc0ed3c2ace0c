//! The ChromeDriver process.

use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::process::kill_tree;

/// How often it is started before that is a failure. It takes a port that is free for IPv6, and ends if somebody has the same
/// one for IPv4.
const STARTS: usize = 5;

/// A ChromeDriver on a free port. It dies with this value, and so does each browser that it started.
pub(crate) struct Driver {
    child: Child,
    pub(crate) port: u16,
}

impl Driver {
    /// Starts `CHROMEDRIVER`, or the `chromedriver` in the path.
    pub(crate) fn start() -> Self {
        let program = env::var_os("CHROMEDRIVER").unwrap_or_else(|| "chromedriver".into());
        (0..STARTS)
            .find_map(|_| Self::try_start(&program))
            .unwrap_or_else(|| panic!("{} ends before it names its port", program.display()))
    }

    /// `None` if it ends at once.
    fn try_start(program: &OsStr) -> Option<Self> {
        let mut child = Command::new(program)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "cannot start {}: {error}; set CHROMEDRIVER",
                    program.display()
                )
            });
        let output = child.stdout.take();
        let mut driver = Self { child, port: 0 };
        let lines = output
            .map(BufReader::new)
            .into_iter()
            .flat_map(BufReader::lines)
            .map_while(Result::ok);
        driver.port = lines
            .filter(|line| line.contains("started successfully"))
            .find_map(|line| line.trim_end_matches('.').rsplit(' ').next()?.parse().ok())?;
        Some(driver)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        kill_tree(self.child.id());
        let _ = self.child.wait();
    }
}
