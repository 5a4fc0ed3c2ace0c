use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{Handle, Session};

/// A relay that was started. It does not outlive the test.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
}

pub(crate) fn command(database: &Path, more: &[&str]) -> Command {
    command_at("127.0.0.1:0", database, more)
}

fn command_at(listen: &str, database: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leptos-sync-relay"));
    command
        .args(["--listen", listen, "--database"])
        .arg(database)
        .args(more)
        .env_remove("RUST_LOG")
        .stderr(Stdio::piped());
    command
}

impl Process {
    pub(crate) fn start(database: &Path, more: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", database, more)
    }

    pub(crate) fn start_at(listen: &str, database: &Path, more: &[&str]) -> Self {
        let mut child = command_at(listen, database, more).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        let address = loop {
            line.clear();
            assert_ne!(said.read_line(&mut line).unwrap(), 0, "it has ended");
            if let Some((_, address)) = line.trim().split_once("listening address=") {
                break address.parse().unwrap();
            }
        };
        // What nobody reads would stop it in the end.
        thread::spawn(move || said.read_to_end(&mut Vec::new()));
        Self { child, address }
    }

    pub(crate) async fn open(&self, credentials: &str, handle: &Handle) -> Session {
        let url = format!("ws://{}/", self.address);
        Session::open_at(&url, credentials.as_bytes(), "board", handle).await
    }

    pub(crate) fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < Duration::from_secs(8), "it does not end");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
