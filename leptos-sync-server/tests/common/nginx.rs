use std::{
    env,
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

/// The configuration that the guide prints.
const GUIDE: &str = include_str!("../../../docs/guide/nginx.conf");

/// A running nginx with the guide's configuration, in front of a relay.
pub(crate) struct Nginx {
    pub(crate) address: SocketAddr,
    child: Child,
    _dir: TempDir,
}

impl Nginx {
    /// Starts nginx in front of `relay`, with each text of `changes` replaced in the guide's
    /// configuration. On a machine that has no nginx and is not CI, prints a note and returns
    /// `None`.
    pub(crate) fn start(relay: SocketAddr, changes: &[(&str, &str)]) -> Option<Self> {
        let Some(program) = program() else {
            assert!(env::var_os("CI").is_none(), "CI has to test with nginx");
            eprintln!("skipped: there is no nginx; run `cargo xtask test` or install it");
            return None;
        };
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let (listen, upstream) = (format!("listen {address};"), relay.to_string());
        let mut server = GUIDE.to_owned();
        let ports = [("listen 80;", &*listen), ("127.0.0.1:8080", &*upstream)];
        for (old, new) in ports.iter().chain(changes) {
            assert!(
                server.contains(old),
                "the guide's configuration has no {old:?}"
            );
            // Do not change the comments.
            let (head, rest) = server.split_at(server.find("map $").unwrap());
            server = format!("{head}{}", rest.replace(old, new));
        }
        let dir = tempfile::tempdir().unwrap();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {name};"));
        let config = format!(
            "daemon off; master_process off; pid nginx.pid; error_log stderr notice; events {{}}\n\
             http {{ access_log off; {}\n{server} }}",
            temporary.concat()
        );
        std::fs::write(dir.path().join("nginx.conf"), config).unwrap();
        let mut child = Command::new(program)
            .arg("-p")
            .arg(dir.path())
            .args(["-c", "nginx.conf", "-e", "stderr"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        // nginx writes a line when it listens.
        let listens = |line: &String| line.contains("using the");
        while !said.last().is_some_and(listens) {
            let line = lines
                .next()
                .unwrap_or_else(|| panic!("nginx ended: {said:#?}"));
            said.push(line.unwrap());
        }
        // Drain the later output, or nginx would block.
        std::thread::spawn(move || lines.count());
        Some(Self {
            address,
            child,
            _dir: dir,
        })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the program that `cargo xtask test` has found or installed, or that of the machine.
fn program() -> Option<PathBuf> {
    if let Some(program) = env::var_os("NGINX") {
        return Some(program.into());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let mut programs = folders.map(|folder| folder.join("nginx"));
    programs.find(|program| program.is_file())
}
