//! The page's own server, with its relay.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::backup::Backup;
use crate::program::{Program, named_by};
use crate::site::Site;

/// The program `todo-server` on a free port, with an empty database. Dropping it stops the program.
pub struct Server {
    page: PathBuf,
    folder: TempDir,
    address: SocketAddr,
    program: Option<Program>,
}

impl Server {
    /// Starts the server.
    ///
    /// # Panics
    ///
    /// If `TODO_SERVER` names no program, or `TODO_DIST` no built page.
    #[track_caller]
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("todo-e2e-").tempdir();
        let mut server = Self {
            page: Site::named_by("TODO_DIST"),
            folder: folder.unwrap_or_else(|error| panic!("no folder for a database: {error}")),
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

    /// Sends SIGKILL, so that the server neither writes nor answers anything more.
    pub fn kill(&mut self) {
        self.program = None;
    }

    /// Asks the server to exit, like Ctrl-C, and waits for the exit.
    #[track_caller]
    pub fn end(&mut self) {
        if let Some(program) = self.program.take() {
            program.end();
        }
    }

    /// Restarts the server at the same address on the same database.
    #[track_caller]
    pub fn restart(&mut self) {
        self.kill();
        let mut command = Command::new(named_by("TODO_SERVER"));
        command
            .args(["--port", &self.address.port().to_string(), "--dist"])
            .arg(&self.page)
            .arg("--database")
            .arg(self.folder.path().join("todo.db"));
        let program = Program::start(command, "http://");
        self.address = program.address;
        self.program = Some(program);
    }

    /// Stops the server, copies its database with SQLite's write-ahead log, and restarts it.
    #[track_caller]
    #[must_use]
    pub fn back_up(&mut self) -> Backup {
        self.kill();
        let backup = Backup::of(self.folder.path());
        self.restart();
        backup
    }

    /// Stops the server, replaces its database by a copy, and restarts it.
    #[track_caller]
    pub fn restore(&mut self, backup: &Backup) {
        self.kill();
        backup.restore_to(self.folder.path());
        self.restart();
    }
}
