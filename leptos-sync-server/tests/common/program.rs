use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

/// A running relay program, which is killed when this is dropped.
pub(crate) struct Program {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
}

/// The number of kernel ticks per second, as Linux reports them to programs.
const TICKS: u32 = 100;

/// Returns the command that starts the program.
pub(crate) fn command(
    program: &Path,
    listen: &str,
    database: &Path,
    more: &[impl AsRef<str>],
) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--listen", listen, "--database"])
        .arg(database)
        .args(more.iter().map(AsRef::as_ref))
        .env_remove("RUST_LOG")
        .stderr(Stdio::piped());
    command
}

impl Program {
    /// Starts the program and waits until it listens.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        let address = loop {
            line.clear();
            assert_ne!(said.read_line(&mut line).unwrap(), 0, "the program ended");
            if let Some((_, address)) = line.trim().split_once("listening address=") {
                break address.parse().unwrap();
            }
        };
        // Drain the output. Otherwise, the program would block.
        thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self { child, address }
    }

    /// Returns a memory statistic of the kernel in bytes: `VmRSS` is the resident memory, `VmHWM`
    /// its peak.
    pub(crate) fn memory(&self, figure: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(figure));
        let kib = line.unwrap().split_whitespace().nth(1).unwrap();
        kib.parse::<u64>().unwrap() * 1024
    }

    /// Returns the processor time that the program has taken in user and kernel mode.
    pub(crate) fn processor_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // Skip the name, which may contain anything. The times are fields 14 and 15.
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u32 = ticks.map(|ticks| ticks.parse::<u32>().unwrap()).sum();
        Duration::from_secs(1) * ticks / TICKS
    }
}

impl Drop for Program {
    /// Kills the program without a chance to clean up, like a power cut.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
