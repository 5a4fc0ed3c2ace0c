//! A static server for one folder, on this machine only.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::{Component, Path, PathBuf},
};

use anyhow::{Result, anyhow};
use tiny_http::{Header, Method, Request, Response, Server, StatusCode};

/// How many ports are tried from the default one on.
const TRIED_PORTS: u16 = 20;

/// Requests that are answered at once: about as many as a browser sends.
const WORKERS: usize = 4;

/// A server that listens already.
pub(crate) struct Site {
    server: Server,
    root: PathBuf,
}

impl Site {
    /// Listens on a port; when it is taken, and only the default was asked for, on one of the next.
    pub(crate) fn open(root: &Path, port: Option<u16>, default: u16) -> Result<Self> {
        let ports = match port {
            Some(port) => port..=port,
            None => default..=default.saturating_add(TRIED_PORTS - 1),
        };
        let mut last = None;
        for port in ports {
            match Server::http((Ipv4Addr::LOCALHOST, port)) {
                Ok(server) => {
                    return Ok(Self {
                        server,
                        root: root.to_owned(),
                    });
                }
                Err(error) => last = Some((port, error)),
            }
        }
        let (port, error) = last.ok_or_else(|| anyhow!("no port was tried"))?;
        Err(anyhow!(
            "cannot listen on 127.0.0.1:{port}: {error}; pick another port with `--port`"
        ))
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.server.server_addr().to_ip()
    }

    /// Answers requests until the program is stopped.
    pub(crate) fn serve(&self) {
        std::thread::scope(|scope| {
            for _ in 0..WORKERS {
                scope.spawn(|| {
                    for request in self.server.incoming_requests() {
                        // A browser that hung up does not concern the others.
                        let _ = self.answer(request);
                    }
                });
            }
        });
    }

    fn answer(&self, request: Request) -> io::Result<()> {
        if !matches!(request.method(), Method::Get | Method::Head) {
            return request.respond(Response::empty(405));
        }
        let file = file_of(request.url()).unwrap_or_default();
        let Ok(bytes) = fs::read(self.root.join(&file)) else {
            return request
                .respond(Response::from_string("not found\n").with_status_code(StatusCode(404)));
        };
        let mut response = Response::from_data(bytes);
        // What is built again must be loaded again.
        for (name, value) in [
            ("Content-Type", mime_type(&file)),
            ("Cache-Control", "no-store"),
        ] {
            response.add_header(
                Header::from_bytes(name, value).map_err(|()| io::Error::other("not a header"))?,
            );
        }
        request.respond(response)
    }
}

/// The file that a URL's path names, relative to the root; `None` when it leads anywhere else.
fn file_of(url: &str) -> Option<PathBuf> {
    let name = url.split(['?', '#']).next()?.strip_prefix('/')?;
    let path = Path::new(if name.is_empty() { "index.html" } else { name });
    let is_inside = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    // No file here has a name that a URL has to escape; a backslash or colon is a separator on Windows.
    let is_plain = !name.contains(['%', '\\', ':', '\0']);
    (is_inside && is_plain).then(|| path.to_owned())
}

fn mime_type(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_lead_out_of_the_folder() {
        for url in [
            "/../Cargo.toml",
            "/a/../../b",
            "//etc/passwd",
            "/%2e%2e/x",
            "/..\\x",
            "/c:/x",
            "x",
            "",
        ] {
            assert_eq!(file_of(url), None, "{url}");
        }
    }

    #[test]
    fn a_folder_is_its_page_and_a_query_is_no_part_of_the_name() {
        assert_eq!(file_of("/").unwrap(), Path::new("index.html"));
        assert_eq!(
            file_of("/todo.js?v=1:2%20#x").unwrap(),
            Path::new("todo.js")
        );
        assert_eq!(
            file_of("/snippets/a/b.js").unwrap(),
            Path::new("snippets/a/b.js")
        );
    }

    #[test]
    fn wasm_has_the_type_that_streaming_compilation_needs() {
        assert_eq!(mime_type(Path::new("a/todo_bg.wasm")), "application/wasm");
        assert_eq!(mime_type(Path::new("todo")), "application/octet-stream");
    }

    #[test]
    fn a_taken_default_port_gives_way_and_a_chosen_one_does_not() {
        let first = Site::open(Path::new("."), Some(0), 0).unwrap();
        let taken = first.address().unwrap().port();
        let second = Site::open(Path::new("."), None, taken).unwrap();
        assert!(second.address().unwrap().port() > taken);
        let Err(error) = Site::open(Path::new("."), Some(taken), 0) else {
            panic!("the port is taken");
        };
        assert!(error.to_string().contains("--port"), "{error}");
    }
}
