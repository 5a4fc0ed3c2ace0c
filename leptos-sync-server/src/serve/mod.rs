//! An HTTP/1.1 server for an app with a relay, with the bounds that a public address needs.

mod body;
mod connection;
mod files;
mod stall;
mod stream;

use std::{
    collections::VecDeque,
    convert::Infallible,
    future::Future,
    io::{Error as IoError, ErrorKind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::{AbortHandle, JoinSet},
    time::{Instant, sleep, timeout},
};

use self::stream::Stream;
use crate::{limits, relay::Relay};

/// The options of [`serve`].
#[derive(Clone, Debug)]
pub struct ServeOptions {
    connections: usize,
}

impl Default for ServeOptions {
    /// Returns options with at most [`limits::CONNECTIONS`] connections.
    fn default() -> Self {
        Self {
            connections: limits::CONNECTIONS,
        }
    }
}

impl ServeOptions {
    /// Sets the number of TCP connections that may be open at a time, at least one.
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }
}

/// Serves an app that contains a relay's [`router`](crate::router), until `stop` completes. Then it
/// shuts the relay down, and returns when all connections have ended, at most
/// [`limits::SHUT_DOWN_MS`] later.
///
/// It works like `axum::serve` over HTTP/1.1, but sets `TCP_NODELAY` and has these bounds:
///
/// - At most [`ServeOptions::connections`] are open at a time. The next one replaces the oldest
///   connection that has not sent a request; if all have sent one, it is answered with 503.
/// - A connection must send its first request within [`limits::HEADER_MS`], and later ones within
///   [`limits::IDLE_MS`].
/// - A client must accept some bytes of an answer, and send some of a request's body, within
///   [`limits::STALL_MS`].
/// - A client may send [`limits::GREETING_BYTES`] on a WebSocket before the relay has admitted it.
/// - The process's limit of open files is raised for that many connections, as far as the system
///   permits. If the limit does not suffice, fewer connections are accepted.
/// - If a connection cannot be accepted, the error is logged, and accepting continues after a
///   pause.
///
/// Each request contains the client's address as an [`axum::extract::ConnectInfo`].
///
/// ```no_run
/// use axum::Router;
/// use leptos_sync_server::{AllowAnyone, MemoryLog, Relay, ServeOptions, router, serve};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let relay = Relay::new(MemoryLog::new()?, AllowAnyone);
/// let app = Router::new().nest("/sync", router(relay.clone()));
/// let listener = tokio::net::TcpListener::bind(("127.0.0.1", 8080)).await?;
/// let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
/// serve(listener, app, &relay, &ServeOptions::default(), stop).await;
/// # Ok(())
/// # }
/// ```
pub async fn serve(
    listener: TcpListener,
    app: Router,
    relay: &Relay,
    options: &ServeOptions,
    stop: impl Future<Output = ()>,
) {
    let mut server = Server::new(listener, app, options);
    tokio::select! {
        () = stop => {}
        never = server.accept_all() => match never {},
    }
    tracing::info!("shutting down");
    let drain = async {
        // Keep serving, since load balancers still request `/healthz`.
        tokio::select! {
            () = relay.shut_down() => {}
            never = server.accept_all() => match never {},
        }
        server.close().await;
    };
    if timeout(Duration::from_millis(limits::SHUT_DOWN_MS), drain)
        .await
        .is_err()
    {
        tracing::warn!("some connections did not end in time");
    }
}

struct Server {
    listener: TcpListener,
    app: Router,
    /// The permits for further connections. A stream holds its permit even after an upgrade.
    permits: Arc<Semaphore>,
    connections: usize,
    /// The HTTP connections, without those that were upgraded.
    tasks: JoinSet<()>,
    /// The connections that may not have sent a request yet, the oldest first.
    silent: VecDeque<Silent>,
    closing: watch::Sender<bool>,
    /// The time of the last warning about rejected connections.
    warned: Option<Instant>,
}

/// A connection that may not have sent a request yet.
struct Silent {
    has_asked: Arc<AtomicBool>,
    task: AbortHandle,
}

impl Silent {
    fn is_silent(&self) -> bool {
        !self.has_asked.load(Ordering::Relaxed) && !self.task.is_finished()
    }
}

impl Server {
    fn new(listener: TcpListener, app: Router, options: &ServeOptions) -> Self {
        let connections = files::room_for(options.connections);
        Self {
            listener,
            app,
            permits: Arc::new(Semaphore::new(connections)),
            connections,
            tasks: JoinSet::new(),
            silent: VecDeque::new(),
            closing: watch::Sender::new(false),
            warned: None,
        }
    }

    async fn accept_all(&mut self) -> Infallible {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    pause = FIRST_PAUSE;
                    self.admit(stream).await;
                }
                Err(error) if is_of_peer(&error) => {}
                Err(error) => {
                    // Usually there is no free file. A connection that ends frees one.
                    tracing::error!(%error, "cannot accept a connection; trying again");
                    sleep(pause).await;
                    pause = (2 * pause).min(LAST_PAUSE);
                }
            }
        }
    }

    /// Serves a connection if there is room for it.
    async fn admit(&mut self, stream: TcpStream) {
        while self.tasks.try_join_next().is_some() {}
        while self.silent.front().is_some_and(|first| !first.is_silent()) {
            self.silent.pop_front();
        }
        if self.permits.available_permits() == 0 && !self.evict_silent() {
            return self.refuse(&stream);
        }
        let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else {
            return;
        };
        let Ok(stream) = Stream::new(stream, permit) else {
            return;
        };
        let has_asked = Arc::new(AtomicBool::new(false));
        let (app, closing) = (self.app.clone(), self.closing.subscribe());
        let served = connection::serve(stream, app, Arc::clone(&has_asked), closing);
        let task = self.tasks.spawn(served);
        self.silent.push_back(Silent { has_asked, task });
    }

    /// Ends the oldest connection without a request. Returns whether there was one.
    fn evict_silent(&mut self) -> bool {
        let oldest = self.silent.pop_front();
        oldest.inspect(|oldest| oldest.task.abort()).is_some()
    }

    fn refuse(&mut self, stream: &TcpStream) {
        // The answer may be lost: the client gets a reset if its request was not read.
        let _ = stream.try_write(REFUSAL);
        if self.warned.is_none_or(|last| last.elapsed() >= WARNINGS) {
            self.warned = Some(Instant::now());
            let limit = self.connections;
            tracing::warn!(
                limit,
                "refused a connection, because as many are open as allowed"
            );
        }
    }

    async fn close(&mut self) {
        self.closing.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

/// The answer to a connection for which there is no room.
const REFUSAL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\nRetry-After: 5\r\n\r\n";

/// The first pause after a failed accept. Each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// The longest pause after a failed accept.
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// The minimum time between two warnings about rejected connections.
const WARNINGS: Duration = Duration::from_secs(60);

/// Returns whether the client ended the connection before it was accepted.
fn is_of_peer(error: &IoError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset
    )
}
