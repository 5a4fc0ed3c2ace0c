//! The page's own server, with its relay.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::program::{Program, named_by};
use crate::site::Site;

/// The program `todo-server` on a free port, with a database that is new and empty. It does not
/// outlive this value.
pub struct Server {
    page: PathBuf,
    folder: TempDir,
    address: SocketAddr,
    program: Option<Program>,
}

impl Server {
    /// Starts it.
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

    /// Where the page is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Sends SIGKILL: it can write nothing more, and answer nothing more.
    pub fn kill(&mut self) {
        self.program = None;
    }

    /// Asks it to end, as Ctrl-C does, and waits until it has.
    #[track_caller]
    pub fn end(&mut self) {
        if let Some(program) = self.program.take() {
            program.end();
        }
    }

    /// Starts it again, where it was and on the same database.
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
}
