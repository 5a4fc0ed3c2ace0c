use std::{
    net::SocketAddr,
    path::Path,
    process::{Command, ExitStatus},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{
    Handle, Session,
    program::{self, Program},
};

/// A running relay process. It ends with the test.
pub(crate) struct Process {
    program: Program,
    pub(crate) address: SocketAddr,
}

pub(crate) fn command(database: &Path, more: &[impl AsRef<str>]) -> Command {
    command_at("127.0.0.1:0", database, more)
}

fn command_at(listen: &str, database: &Path, more: &[impl AsRef<str>]) -> Command {
    let relay = Path::new(env!("CARGO_BIN_EXE_leptos-sync-relay"));
    program::command(relay, listen, database, more)
}

impl Process {
    pub(crate) fn start(database: &Path, more: &[impl AsRef<str>]) -> Self {
        Self::start_at("127.0.0.1:0", database, more)
    }

    pub(crate) fn start_at(listen: &str, database: &Path, more: &[impl AsRef<str>]) -> Self {
        let program = Program::start(&mut command_at(listen, database, more));
        let address = program.address;
        Self { program, address }
    }

    pub(crate) async fn open(&self, credentials: &str, handle: &Handle) -> Session {
        let url = format!("ws://{}/", self.address);
        Session::open_at(&url, credentials.as_bytes(), "board", handle).await
    }

    /// Returns the peak memory of the process in bytes.
    pub(crate) fn most_memory(&self) -> u64 {
        self.program.memory("VmHWM")
    }

    pub(crate) fn terminate(&self) {
        kill_process(Pid::from_child(&self.program.child), Signal::TERM).unwrap();
    }

    /// Waits for the process to end.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.program.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                start.elapsed() < Duration::from_secs(8),
                "the relay does not end"
            );
            thread::sleep(Duration::from_millis(10));
        }
    }
}
