use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

/// The relay's program, running. It does not outlive this.
pub(crate) struct Program {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
}

/// The kernel's ticks in a second, as every Linux shows them to programs.
const TICKS: u32 = 100;

/// How to start it.
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
    /// Starts it and waits until it listens.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
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
        thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self { child, address }
    }

    /// A figure of the kernel's about its memory, in bytes: `VmRSS` is what is resident, `VmHWM` the most that ever was.
    pub(crate) fn memory(&self, figure: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(figure));
        let kib = line.unwrap().split_whitespace().nth(1).unwrap();
        kib.parse::<u64>().unwrap() * 1024
    }

    /// The time of a processor that it has taken, its own and the kernel's for it.
    pub(crate) fn processor_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // Behind the name, which may have anything in it: the 14th and the 15th field of all.
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u32 = ticks.map(|ticks| ticks.parse::<u32>().unwrap()).sum();
        Duration::from_secs(1) * ticks / TICKS
    }
}

impl Drop for Program {
    /// Kills it, as a power cut would.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
