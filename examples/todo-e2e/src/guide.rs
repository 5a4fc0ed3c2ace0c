//! The app that the guide builds, with its own server.

use std::net::SocketAddr;
use std::process::Command;

use crate::program::{Program, named_by};

/// The server of the app in `GUIDE_APP`. Dropping it stops the server.
pub struct GuideServer {
    address: SocketAddr,
    program: Option<Program>,
}

impl GuideServer {
    /// Starts the server in the folder of the app.
    ///
    /// # Panics
    ///
    /// If `GUIDE_SERVER` names no program, or `GUIDE_APP` no folder.
    #[track_caller]
    #[must_use]
    pub fn start() -> Self {
        let mut server = Self {
            address: ([127, 0, 0, 1], 0).into(),
            program: None,
        };
        server.restart();
        server
    }

    /// Returns the page's address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Sends SIGKILL.
    pub fn kill(&mut self) {
        self.program = None;
    }

    /// Restarts the server on the same database.
    #[track_caller]
    pub fn restart(&mut self) {
        self.kill();
        let mut command = Command::new(named_by("GUIDE_SERVER"));
        command.current_dir(named_by("GUIDE_APP"));
        let program = Program::start(command, "http://");
        self.address = program.address;
        self.program = Some(program);
    }
}
