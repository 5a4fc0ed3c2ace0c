//! The built page on a loopback port.

use std::env;
use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tiny_http::{Header, Request, Response, Server};

/// Serves a folder until it is dropped.
pub(crate) struct Site {
    server: Arc<Server>,
    thread: Option<JoinHandle<()>>,
    pub(crate) url: String,
}

impl Site {
    /// The folder that an environment variable names.
    #[track_caller]
    pub(crate) fn named_by(variable: &str) -> PathBuf {
        let root = env::var_os(variable).map(PathBuf::from);
        root.unwrap_or_else(|| panic!("{variable} names no folder: run `cargo xtask test`"))
    }

    /// Serves a folder.
    #[track_caller]
    pub(crate) fn start(root: &Path) -> Self {
        let root = root.to_owned();
        assert!(
            root.join("index.html").is_file(),
            "{} is no folder with a built page",
            root.display()
        );
        let server = Server::http("127.0.0.1:0")
            .unwrap_or_else(|error| panic!("no port to serve on: {error}"));
        let server = Arc::new(server);
        let url = format!("http://{}/", server.server_addr());
        let worker = Arc::clone(&server);
        let thread = thread::spawn(move || {
            for request in worker.incoming_requests() {
                // A browser that went away needs no answer.
                let _ = answer(&root, request);
            }
        });
        Self {
            server,
            thread: Some(thread),
            url,
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.unblock();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer(root: &Path, request: Request) -> io::Result<()> {
    match file(root, request.url()) {
        Some((file, kind)) => {
            let kind = Header::from_bytes("Content-Type", kind)
                .map_err(|()| io::ErrorKind::InvalidInput)?;
            request.respond(Response::from_file(file).with_header(kind))
        }
        None => request.respond(Response::empty(404)),
    }
}

/// The file that a URL names, with its type. Only files below `root` have names.
fn file(root: &Path, url: &str) -> Option<(File, &'static str)> {
    let path = url.split(['?', '#']).next()?.trim_start_matches('/');
    let path = Path::new(if path.is_empty() { "index.html" } else { path });
    let inside = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let kind = match path.extension()?.to_str()? {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    };
    let file = inside.then(|| File::open(root.join(path)).ok())??;
    Some((file, kind))
}
