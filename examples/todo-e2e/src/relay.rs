//! The relay program, which admits users with a token, or anyone.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use serde_json::json;
use tempfile::TempDir;

use crate::backup::Backup;
use crate::fake_clock::FakeClock;
use crate::program::{Program, named_by};
use crate::site::Site;
use crate::wait::eventually;

/// The key with which the relay verifies tokens.
const SECRET: &[u8] = b"thirty-two bytes, known to nobody";

/// A key with which the relay can verify no token of these tests.
const WRONG_SECRET: &[u8] = b"thirty-two bytes of another issuer";

/// The number of seconds for which a wrong clock must be stable until the relay uses it.
const SETTLE_SECONDS: &str = "3";

/// The audience of the tokens.
const AUDIENCE: &str = "todo-e2e";

/// The lifetime of a token in tests that are not about expiry.
const HOUR: i64 = 3600;

/// The program `leptos-sync-relay` on a free port, with an empty database. Dropping it stops the
/// program.
pub struct RelayProcess {
    folder: TempDir,
    /// The folder of the key that verifies tokens. A backup of the database does not contain it.
    keys: TempDir,
    origins: String,
    access: Access,
    clock: Option<FakeClock>,
    address: SocketAddr,
    program: Option<Program>,
}

/// The users whom the relay admits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Anyone,
    WithToken,
    /// Users with a token, from which the relay reads no permissions.
    WithoutPermissions,
}

impl RelayProcess {
    /// Starts the relay for pages of the given origins. It admits users with a token.
    ///
    /// # Panics
    ///
    /// If `TODO_RELAY` names no program.
    #[track_caller]
    #[must_use]
    pub fn start(origins: &[&str]) -> Self {
        Self::start_with(origins, Access::WithToken, None)
    }

    /// Creates a site for each of two users, and starts one relay for both. It admits users with a
    /// token.
    #[track_caller]
    #[must_use]
    pub fn of_two(site: fn() -> Site) -> (Site, Site, Self) {
        let (one, other) = (site(), site());
        let relay = Self::start(&[one.origin(), other.origin()]);
        (one, other, relay)
    }

    /// Starts the relay for pages of the given origins. It admits anyone.
    ///
    /// # Panics
    ///
    /// If `TODO_RELAY` names no program.
    #[track_caller]
    #[must_use]
    pub fn start_open(origins: &[&str]) -> Self {
        Self::start_with(origins, Access::Anyone, None)
    }

    /// Starts the relay with a clock that the test sets. It admits anyone, and uses the time after
    /// a jump of the clock three seconds later.
    ///
    /// # Panics
    ///
    /// If `TODO_RELAY` names no program.
    #[track_caller]
    #[must_use]
    pub fn start_by_clock(origins: &[&str], clock: FakeClock) -> Self {
        Self::start_with(origins, Access::Anyone, Some(clock))
    }

    #[track_caller]
    fn start_with(origins: &[&str], access: Access, clock: Option<FakeClock>) -> Self {
        let folder = || {
            let folder = tempfile::Builder::new().prefix("todo-e2e-").tempdir();
            folder.unwrap_or_else(|error| panic!("no folder for the relay: {error}"))
        };
        let mut relay = Self {
            folder: folder(),
            keys: folder(),
            origins: origins.join(","),
            access,
            clock,
            address: ([127, 0, 0, 1], 0).into(),
            program: None,
        };
        relay.write_key(SECRET);
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
            .args(["--allow-origin", &self.origins])
            .args(["--clock-settle-seconds", SETTLE_SECONDS]);
        match self.access {
            Access::Anyone => command.arg("--allow-anyone"),
            _ => command
                .args(["--jwt-algorithm", "HS256", "--jwt-audience", AUDIENCE])
                .arg("--jwt-key-file")
                .arg(self.key()),
        };
        if self.access == Access::WithoutPermissions {
            command.args(["--jwt-claim", "none"]);
        }
        if let Some(clock) = &self.clock {
            clock.deceive(&mut command);
        }
        let program = Program::start(command, "listening address=");
        self.address = program.address;
        self.program = Some(program);
    }

    /// Restarts the relay. From now on, it admits only users with a token.
    #[track_caller]
    pub fn require_tokens(&mut self) {
        self.access = Access::WithToken;
        self.restart();
    }

    /// Restarts the relay with the key of another issuer, so that it refuses all tokens.
    #[track_caller]
    pub fn refuse_tokens(&mut self) {
        self.write_key(WRONG_SECRET);
        self.restart();
    }

    /// Restarts the relay with a configuration in which no token permits anything.
    #[track_caller]
    pub fn forbid_all(&mut self) {
        self.access = Access::WithoutPermissions;
        self.restart();
    }

    /// Restarts the relay with the right configuration.
    #[track_caller]
    pub fn accept_tokens(&mut self) {
        self.write_key(SECRET);
        self.require_tokens();
    }

    /// Stops the relay, removes a document with the relay's command, and restarts the relay.
    #[track_caller]
    pub fn remove(&mut self, document: &str) {
        self.kill();
        let mut command = Command::new(named_by("TODO_RELAY"));
        command
            .arg("--database")
            .arg(self.folder.path().join("relay.db"))
            .args(["--remove", document]);
        let ended = command.output();
        assert!(
            ended.as_ref().is_ok_and(|ended| ended.status.success()),
            "the document was not removed: {ended:?}"
        );
        self.restart();
    }

    /// Returns the clock that the test sets.
    ///
    /// # Panics
    ///
    /// If the relay has started without one.
    #[track_caller]
    #[must_use]
    pub fn clock(&self) -> &FakeClock {
        self.clock
            .as_ref()
            .unwrap_or_else(|| panic!("the relay has the system's clock"))
    }

    /// Expects the report of the relay's health to contain the given words.
    #[track_caller]
    pub fn expect_health(&self, words: &str) {
        let url = format!("http://{}/healthz", self.address);
        eventually("health", &words.to_owned(), || {
            let answer = ureq::get(&url).call();
            let text = answer.map(|mut answer| answer.body_mut().read_to_string());
            match text {
                Ok(Ok(text)) if text.contains(words) => words.to_owned(),
                other => format!("{other:?}"),
            }
        });
    }

    /// Stops the relay, copies its database with SQLite's write-ahead log, and restarts it.
    #[track_caller]
    #[must_use]
    pub fn back_up(&mut self) -> Backup {
        self.kill();
        let backup = Backup::of(self.folder.path());
        self.restart();
        backup
    }

    /// Stops the relay, replaces its database by a copy, and restarts it.
    #[track_caller]
    pub fn restore(&mut self, backup: &Backup) {
        self.kill();
        backup.restore_to(self.folder.path());
        self.restart();
    }

    fn key(&self) -> PathBuf {
        self.keys.path().join("key")
    }

    #[track_caller]
    fn write_key(&self, secret: &[u8]) {
        fs::write(self.key(), secret).unwrap_or_else(|error| panic!("no file for a key: {error}"));
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
        "documents": { may: ["note", "note-copy", "todos"] },
    });
    encode(
        &Header::default(),
        &claims,
        &EncodingKey::from_secret(SECRET),
    )
    .unwrap_or_else(|error| panic!("no token: {error}"))
}
