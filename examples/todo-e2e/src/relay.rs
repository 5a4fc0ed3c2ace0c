//! The relay program, which admits users with a token.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use serde_json::json;
use tempfile::TempDir;

use crate::program::{Program, named_by};

/// The key with which the relay verifies tokens.
const SECRET: &[u8] = b"thirty-two bytes, known to nobody";

/// The audience of the tokens.
const AUDIENCE: &str = "todo-e2e";

/// The lifetime of a token in tests that are not about expiry.
const HOUR: i64 = 3600;

/// The program `leptos-sync-relay` on a free port, with an empty database. Dropping it stops the
/// program.
pub struct RelayProcess {
    folder: TempDir,
    origins: String,
    address: SocketAddr,
    program: Option<Program>,
}

impl RelayProcess {
    /// Starts the relay for pages of the given origins.
    ///
    /// # Panics
    ///
    /// If `TODO_RELAY` names no program.
    #[track_caller]
    #[must_use]
    pub fn start(origins: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("todo-e2e-").tempdir();
        let folder = folder.unwrap_or_else(|error| panic!("no folder for a database: {error}"));
        fs::write(folder.path().join("key"), SECRET)
            .unwrap_or_else(|error| panic!("no file for a key: {error}"));
        let mut relay = Self {
            folder,
            origins: origins.join(","),
            address: ([127, 0, 0, 1], 0).into(),
            program: None,
        };
        relay.restart();
        relay
    }

    /// Returns the relay's WebSocket address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("ws://{}/", self.address)
    }

    /// Sends SIGKILL, so that the relay neither writes nor answers anything more.
    pub fn kill(&mut self) {
        self.program = None;
    }

    /// Restarts the relay at the same address on the same database.
    #[track_caller]
    pub fn restart(&mut self) {
        self.kill();
        let mut command = Command::new(named_by("TODO_RELAY"));
        command
            .args(["--listen", &self.address.to_string(), "--database"])
            .arg(self.folder.path().join("relay.db"))
            .args(["--jwt-algorithm", "HS256", "--jwt-audience", AUDIENCE])
            .arg("--jwt-key-file")
            .arg(self.folder.path().join("key"))
            .args(["--allow-origin", &self.origins]);
        let program = Program::start(command, "listening address=");
        self.address = program.address;
        self.program = Some(program);
    }
}

/// Returns a token of a user who may edit.
#[must_use]
pub fn writer(user: &str) -> String {
    token(user, "write", HOUR)
}

/// Returns a token of a user who may only read.
#[must_use]
pub fn reader(user: &str) -> String {
    token(user, "read", HOUR)
}

/// Returns a token of a user who may edit. It expires in `seconds`; a negative number means that it
/// has expired already.
#[must_use]
pub fn expiring(user: &str, seconds: i64) -> String {
    token(user, "write", seconds)
}

fn token(user: &str, may: &str, seconds: i64) -> String {
    let claims = json!({
        "sub": user, "aud": AUDIENCE, "exp": get_current_timestamp().saturating_add_signed(seconds),
        "documents": { may: ["note", "todos"] },
    });
    encode(
        &Header::default(),
        &claims,
        &EncodingKey::from_secret(SECRET),
    )
    .unwrap_or_else(|error| panic!("no token: {error}"))
}
