//! A program that listens on a port, in a separate process.

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use crate::wait::PATIENCE;

/// Returns the path of a program, from an environment variable.
#[track_caller]
pub(crate) fn named_by(variable: &str) -> PathBuf {
    let program = env::var_os(variable).map(PathBuf::from);
    program.unwrap_or_else(|| panic!("{variable} names no program: run `cargo xtask test`"))
}

/// The number of attempts to start a program. Another process may briefly hold its former port.
const STARTS: usize = 5;

/// A running program. Dropping it kills the program.
pub(crate) struct Program {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Program {
    /// Starts the program, and waits until it prints its address after `marker`.
    #[track_caller]
    pub(crate) fn start(mut command: Command, marker: &str) -> Self {
        let mut said = String::new();
        (0..STARTS)
            .find_map(|_| Self::try_start(&mut command, marker, &mut said))
            .unwrap_or_else(|| panic!("{command:?} does not say where it listens, but:\n{said}"))
    }

    /// Tries to start the program, and collects its output in `all`. Returns `None` if the program
    /// exits immediately.
    #[track_caller]
    fn try_start(command: &mut Command, marker: &str, all: &mut String) -> Option<Self> {
        let child = command
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let (said, lines) = channel();
        read(child.stdout.take(), said.clone());
        read(child.stderr.take(), said);
        // Dropping this kills the program, even if it prints no address.
        let mut program = Self {
            child,
            address: ([0, 0, 0, 0], 0).into(),
        };
        program.address = loop {
            let line = lines.recv_timeout(PATIENCE).ok()?;
            if let Some(address) = address(&line, marker) {
                break address;
            }
            all.push_str(&line);
            all.push('\n');
        };
        Some(program)
    }

    /// Asks the program to exit, and waits for the exit.
    #[track_caller]
    pub(crate) fn end(mut self) {
        use rustix::process::{Pid, Signal, kill_process};
        kill_process(Pid::from_child(&self.child), Signal::TERM)
            .unwrap_or_else(|error| panic!("cannot ask it to end: {error}"));
        let ended = self.child.wait();
        assert!(
            ended.as_ref().is_ok_and(|status| status.success()),
            "it ended with {ended:?}"
        );
    }
}

impl Drop for Program {
    /// Sends SIGKILL, and waits for the exit.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads an output to the end, even if it is not used, because a full pipe would block the program.
fn read(output: Option<impl Read + Send + 'static>, lines: Sender<String>) {
    let Some(output) = output else { return };
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = lines.send(line);
        }
    });
}

fn address(line: &str, marker: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once(marker)?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | ':'));
    rest.get(..end.unwrap_or(rest.len()))?.parse().ok()
}
