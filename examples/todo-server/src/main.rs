//! The todo page and the relay that keeps its list, in one program: what the server of an app begins with.
//!
//! **Everybody who can connect may read and write every document.** That is why it listens on 127.0.0.1 alone. An app
//! that others can reach asks who somebody is: see `JwtAuthorizer`, or implement `Authorizer`.

mod options;

use std::{
    error::Error, future::Future, io, net::Ipv4Addr, path::Path, process::ExitCode, time::Duration,
};

use axum::{
    Router,
    http::{HeaderValue, header::CACHE_CONTROL},
    serve::ListenerExt as _,
};
use clap::Parser as _;
use leptos_sync_server::{AllowAnyone, Relay, SqliteLog, limits, router};
use tokio::{net::TcpListener, sync::oneshot, time::sleep};
use tower_http::{services::ServeDir, set_header::SetResponseHeaderLayer};

use self::options::Options;

/// Where it listens if nobody says where.
const PORT: u16 = 8080;

/// How many ports are tried from that one on.
const TRIED_PORTS: u16 = 20;

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "the address is what was asked for")]
async fn run(options: &Options) -> Result<(), Box<dyn Error + Send + Sync>> {
    let stop = stop()?;
    let relay = Relay::new(SqliteLog::open(&options.database)?, AllowAnyone);
    let app = app(&options.dist, &relay);
    let listener = listen(options.port, PORT).await?;
    println!("http://{}/ (Ctrl-C ends it)", listener.local_addr()?);
    println!("Open it in two windows: each shows what is done in the other.");
    println!(
        "Everybody on this machine may edit the list. It is kept in {}",
        options.database.display()
    );

    let (asked, going_down) = oneshot::channel::<()>();
    // Edits are small and are to be there at once.
    let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
    let served = axum::serve(listener, app).with_graceful_shutdown(async move {
        stop.await;
        drop(asked);
        // All pages are told, and each has heard it when this returns.
        relay.shut_down().await;
    });
    tokio::select! {
        served = served.into_future() => served?,
        // A browser may hold a connection open without a word.
        () = async {
            let _ = going_down.await;
            sleep(Duration::from_millis(limits::SHUT_DOWN_MS)).await;
        } => {}
    }
    Ok(())
}

/// The files of the page, and the relay that its `<meta name="relay" content="sync">` names.
fn app(dist: &Path, relay: &Relay) -> Router {
    // A page that was built again is loaded again.
    let fresh =
        SetResponseHeaderLayer::overriding(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Router::new()
        .nest("/sync", router(relay.clone()))
        .fallback_service(ServeDir::new(dist))
        .layer(fresh)
}

/// Listens on a port; where none was asked for, on the default one or on one of the next.
async fn listen(port: Option<u16>, default: u16) -> Result<TcpListener, String> {
    let ports = match port {
        Some(port) => port..=port,
        None => default..=default.saturating_add(TRIED_PORTS - 1),
    };
    let mut refused = String::new();
    for port in ports {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) => {
                refused = format!(
                    "cannot listen on 127.0.0.1:{port}: {error}; pick another port with `--port`"
                );
            }
        }
    }
    Err(refused)
}

/// Ends when the process is asked to end: by Ctrl-C, or by SIGTERM where there is one.
fn stop() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    Ok(async move {
        #[cfg(unix)]
        let terminated = terminate.recv();
        #[cfg(not(unix))]
        let terminated = std::future::pending::<Option<()>>();
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated => {}
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_default_port_gives_way_and_a_chosen_one_does_not() {
        let first = listen(Some(0), PORT).await.unwrap();
        let taken = first.local_addr().unwrap().port();
        let second = listen(None, taken).await.unwrap();
        assert!(second.local_addr().unwrap().port() > taken);
        let error = listen(Some(taken), PORT).await.unwrap_err();
        assert!(error.contains("--port"), "{error}");
    }
}
