//! The process of a WebDriver server.

use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use crate::engine::Engine;
use crate::process::kill_tree;
use crate::wait::{PATIENCE, until};

/// The number of attempts to start the driver. ChromeDriver chooses a port that is free for IPv6,
/// and exits if another process has the same port for IPv4.
const STARTS: usize = 5;

/// A driver on a free port. When dropped, it is killed with every browser that it started.
pub(crate) struct Driver {
    child: Child,
    pub(crate) port: u16,
}

impl Driver {
    /// Starts the driver of a browser.
    #[track_caller]
    pub(crate) fn start(engine: Engine) -> Self {
        (0..STARTS)
            .find_map(|_| Self::try_start(engine))
            .unwrap_or_else(|| panic!("{} ends at once", engine.driver().display()))
    }

    /// Tries to start the driver. Returns `None` if it exits immediately.
    #[track_caller]
    fn try_start(engine: Engine) -> Option<Self> {
        let program = engine.driver();
        let port = match engine.port_marker() {
            Some(_) => 0,
            None => free_port(),
        };
        let child = Command::new(&program)
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", program.display()));
        // Dropping the driver ends the process and waits for it.
        let mut driver = Self { child, port };
        let lines = lines(driver.child.stdout.take()?);
        match engine.port_marker() {
            Some(marker) => driver.port = printed_port(&lines, marker)?,
            None => until("a connection to the driver", || {
                TcpStream::connect(("127.0.0.1", port)).ok()
            })
            .shutdown(std::net::Shutdown::Both)
            .ok()?,
        }
        Some(driver)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        kill_tree(self.child.id());
        let _ = self.child.wait();
    }
}

/// Sends the lines of an output. Reads to the end even if the receiver is dropped, because a driver
/// may fail when it cannot print.
fn lines(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    lines
}

fn printed_port(lines: &Receiver<String>, marker: &str) -> Option<u16> {
    loop {
        let line = lines.recv_timeout(PATIENCE).ok()?;
        if let Some((_, port)) = line.split_once(marker) {
            return port.trim_end_matches('.').parse().ok();
        }
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0));
    let address = listener.and_then(|listener| listener.local_addr());
    address.map_or(0, |address| address.port())
}
