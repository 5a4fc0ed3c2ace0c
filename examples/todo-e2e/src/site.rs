//! A server for the built page on a loopback port, without a relay.

use std::env;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use tiny_http::{Request, Server};

use crate::relay::writer;
use crate::wait::until;

/// The content type of the page.
const HTML: &str = "text/html; charset=utf-8";

/// The address at which the page requests a token.
const TOKEN: &str = "/token";

/// The caching of "not found". Some servers set it for every answer.
const STORED: &str = "max-age=3600";

/// The element in which the page names its own server as the relay.
const OWN_RELAY: &str = r#"<meta name="relay" content="sync">"#;

/// A server of a folder, which stops when it is dropped.
///
/// The page gets no relay until [`Site::exchange_with`] names one.
pub struct Site {
    server: Arc<Server>,
    thread: Option<JoinHandle<()>>,
    url: String,
    state: Arc<Mutex<State>>,
}

/// The part of the answers that is not in the folder.
#[derive(Default)]
struct State {
    /// The elements that name the page's relay, and the user's token.
    metas: String,
    /// The answer to every request, in place of the folder's files.
    portal: Option<String>,
    /// Answers a request for a token.
    issue: Option<Box<Issue>>,
    /// The number of requests for a token so far.
    asked: usize,
}

/// Returns a token, or `None` while there is none.
type Issue = dyn FnMut() -> Option<String> + Send;

impl Site {
    /// Serves the folder that an environment variable names.
    #[track_caller]
    pub(crate) fn named_by(variable: &str) -> PathBuf {
        let root = env::var_os(variable).map(PathBuf::from);
        root.unwrap_or_else(|| panic!("{variable} names no folder: run `cargo xtask test`"))
    }

    /// Serves the todo page.
    ///
    /// # Panics
    ///
    /// If `TODO_DIST` names no built page.
    #[track_caller]
    #[must_use]
    pub fn of_todo() -> Self {
        Self::start(&Self::named_by("TODO_DIST"))
    }

    /// Serves the example `sign-in`.
    ///
    /// # Panics
    ///
    /// If `SIGN_IN_DIST` names no built page.
    #[track_caller]
    #[must_use]
    pub fn of_sign_in() -> Self {
        Self::start(&Self::named_by("SIGN_IN_DIST"))
    }

    /// Returns the page's address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the page's origin, in the form that a relay expects.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.url.trim_end_matches('/')
    }

    /// Passes a relay and the user's token to every page that loads later.
    pub fn exchange_with(&self, relay: &str, token: &str) {
        let metas = format!(
            r#"<meta name="relay" content="{relay}"><meta name="token" content="{token}">"#
        );
        lock(&self.state).metas = metas;
    }

    /// Passes a relay and a user's name to every page that loads later. The page requests a token.
    pub fn sign_in(&self, relay: &str, user: &str) {
        let metas =
            format!(r#"<meta name="relay" content="{relay}"><meta name="user" content="{user}">"#);
        lock(&self.state).metas = metas;
        let user = user.to_owned();
        self.issue(move || Some(writer(&user)));
    }

    /// Answers every request with this page from now on, as the network of a hotel does before the
    /// user signs in.
    pub fn hide_behind(&self, portal: &str) {
        lock(&self.state).portal = Some(portal.to_owned());
    }

    /// Sets what the server answers from now on when the page requests a token: a token, or an
    /// error for `None`.
    pub fn issue(&self, issue: impl FnMut() -> Option<String> + Send + 'static) {
        lock(&self.state).issue = Some(Box::new(issue));
    }

    /// Waits until the page has requested a token this many times since the server's start.
    #[track_caller]
    pub fn expect_asked(&self, times: usize) {
        until("requests for a token", || {
            (lock(&self.state).asked >= times).then_some(())
        });
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
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        let thread = thread::spawn(move || {
            for request in worker.incoming_requests() {
                // An error means that the browser has disconnected.
                let path = request.url().split('?').next();
                let _ = match path {
                    Some(TOKEN) => answer_token(request, lock(&shared).issue()),
                    _ => answer(&root, request, &lock(&shared)),
                };
            }
        });
        Self {
            server,
            thread: Some(thread),
            url,
            state,
        }
    }
}

impl State {
    fn issue(&mut self) -> Option<String> {
        self.asked += 1;
        self.issue.as_mut()?()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.unblock();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer(root: &Path, request: Request, state: &State) -> io::Result<()> {
    if let Some(portal) = &state.portal {
        return respond(
            request,
            "200 OK",
            &[("Content-Type", HTML)],
            portal.as_bytes(),
        );
    }
    let Some((mut file, kind)) = file(root, request.url()) else {
        return respond(request, "404 Not Found", &[("Cache-Control", STORED)], &[]);
    };
    let mut body = Vec::new();
    file.read_to_end(&mut body)?;
    if kind == HTML {
        let page = String::from_utf8_lossy(&body);
        body = page.replace(OWN_RELAY, &state.metas).into_bytes();
    }
    respond(request, "200 OK", &[("Content-Type", kind)], &body)
}

fn answer_token(request: Request, token: Option<String>) -> io::Result<()> {
    match token {
        Some(token) => respond(request, "200 OK", &[], token.as_bytes()),
        None => respond(request, "503 Service Unavailable", &[], &[]),
    }
}

/// Answers a request, and asks the browser to end the connection.
///
/// `tiny_http` has a thread for each connection. Sometimes it lets a new connection wait until
/// another one ends, which would block the page.
fn respond(
    request: Request,
    status: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<()> {
    let mut out = request.into_writer();
    write!(out, "HTTP/1.1 {status}\r\nConnection: close\r\n")?;
    for (name, value) in headers {
        write!(out, "{name}: {value}\r\n")?;
    }
    write!(out, "Content-Length: {}\r\n\r\n", body.len())?;
    out.write_all(body)?;
    out.flush()
}

/// Returns the file that a URL names, with its content type. Only files below `root` are served.
fn file(root: &Path, url: &str) -> Option<(File, &'static str)> {
    let path = url.split(['?', '#']).next()?.trim_start_matches('/');
    let path = Path::new(if path.is_empty() { "index.html" } else { path });
    let inside = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let kind = match path.extension()?.to_str()? {
        "html" => HTML,
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    };
    let file = inside.then(|| File::open(root.join(path)).ok())??;
    Some((file, kind))
}
