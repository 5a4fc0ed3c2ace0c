//! The relay as a process that lacks a resource: a reader of its log lines, open files, or
//! connections.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStderr, Command},
};

use common::{Handle, Session, command, get};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};
use tokio::net::TcpStream;

/// A relay whose log lines the test may leave unread.
struct Relay {
    child: Child,
    address: SocketAddr,
    lines: BufReader<ChildStderr>,
}

impl Relay {
    fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let listening = next_line(&mut lines, "listening address=");
        let (_, address) = listening.trim().rsplit_once('=').unwrap();
        Self {
            child,
            address: address.parse().unwrap(),
            lines,
        }
    }

    /// Opens a session and writes an edit.
    async fn edit(&self, replica: u64) {
        let url = format!("ws://{}/", self.address);
        let handle = Handle::new();
        let mut session = Session::open_at(&url, b"", "board", &handle).await;
        session.insert(replica as u32, "an edit");
        session.acknowledged().await;
    }

    fn limit_files(&self, files: u64) {
        let pid = Pid::from_child(&self.child);
        let limit = Rlimit {
            current: Some(files),
            maximum: getrlimit(Resource::Nofile).maximum,
        };
        prlimit(Some(pid), Resource::Nofile, limit).unwrap();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads lines until one contains `what`.
fn next_line(lines: &mut BufReader<ChildStderr>, what: &str) -> String {
    loop {
        let mut line = String::new();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "the program ended");
        if line.contains(what) {
            return line;
        }
    }
}

fn open_relay(folder: &Path, more: &[&str]) -> Command {
    let more = [&["--allow-anyone"], more].concat();
    command(&folder.join("relay.db"), &more)
}

#[tokio::test]
async fn a_relay_whose_log_lines_nobody_receives_serves_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut relay = Relay::start(&mut open_relay(dir.path(), &[]));
    // The read end of stderr is closed.
    let unread = std::mem::replace(&mut relay.lines, {
        let mut other = Command::new("true");
        let other = other.stderr(std::process::Stdio::piped()).spawn();
        BufReader::new(other.unwrap().stderr.take().unwrap())
    });
    drop(unread);
    for replica in 1..5 {
        relay.edit(replica).await;
    }
    assert_eq!(get(relay.address, "/healthz").await.0, 200);
}

#[tokio::test]
async fn a_relay_whose_log_lines_nobody_reads_serves_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = open_relay(dir.path(), &[]);
    let mut relay = Relay::start(command.env("RUST_LOG", "info,leptos_sync_server=trace"));
    // A pipe holds 64 KiB, and each connection logs some hundred bytes.
    for replica in 1..400 {
        relay.edit(replica).await;
    }
    let mut held = vec![0; 64 * 1024];
    relay.lines.read_exact(&mut held).unwrap();
}

#[tokio::test]
async fn more_silent_connections_than_open_files_shut_nobody_out() {
    let own = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: own.maximum,
        ..own
    };
    setrlimit(Resource::Nofile, raised).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let relay = open_relay(dir.path(), &[]);
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "ulimit -Sn 256 && exec \"$0\" \"$@\""])
        .arg(relay.get_program())
        .args(relay.get_args())
        .stderr(std::process::Stdio::piped());
    let relay = Relay::start(&mut limited);
    let mut silent = Vec::new();
    for _ in 0..1_024 {
        silent.push(TcpStream::connect(relay.address).await.unwrap());
    }
    relay.edit(1).await;
    assert_eq!(get(relay.address, "/healthz").await.0, 200);
}

#[tokio::test]
async fn a_relay_without_free_files_says_so_and_accepts_again_when_one_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let mut relay = Relay::start(&mut open_relay(dir.path(), &[]));
    relay.edit(1).await;
    relay.limit_files(8);
    let waiting = TcpStream::connect(relay.address).await.unwrap();
    let said = next_line(&mut relay.lines, "cannot accept");
    assert!(said.contains("os error 24"), "{said}");
    relay.limit_files(256);
    drop(waiting);
    relay.edit(2).await;
}
