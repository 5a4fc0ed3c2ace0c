//! The todo page and the relay that stores its list, in one program: a starting point for the
//! server of an app.
//!
//! **Anyone who can connect may read and write all documents.** Therefore it listens only on
//! 127.0.0.1. An app that others can reach must authenticate its users: use `JwtAuthorizer`, or
//! implement `Authorizer`.

mod files;
mod options;

use std::{error::Error, future::Future, io, net::Ipv4Addr, path::Path, process::ExitCode};

use axum::Router;
use clap::Parser as _;
use leptos_sync_server::{AllowAnyone, Relay, ServeOptions, SqliteLog, router, serve};
use tokio::net::TcpListener;

use self::{files::files, options::Options};

/// The default port.
const PORT: u16 = 8080;

/// The number of ports, from the default one on, that are tried until one is free.
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

#[expect(clippy::print_stdout, reason = "the user needs the address")]
async fn run(options: &Options) -> Result<(), Box<dyn Error + Send + Sync>> {
    let stop = stop()?;
    let relay = Relay::new(SqliteLog::open(&options.database)?, AllowAnyone);
    let app = app(&options.dist, &relay);
    let listener = listen(options.port, PORT).await?;
    println!("http://{}/ (stop it with Ctrl-C)", listener.local_addr()?);
    println!("Open it in two windows: each shows the edits of the other.");
    println!(
        "Anyone on this machine may edit the list. It is stored in {}",
        options.database.display()
    );

    serve(listener, app, &relay, &ServeOptions::default(), stop).await;
    Ok(())
}

/// Returns the routes: the files of the page, and the relay to which
/// `<meta name="relay" content="sync">` in the page refers.
fn app(dist: &Path, relay: &Relay) -> Router {
    let relay = Router::new().nest("/sync", router(relay.clone()));
    relay.fallback_service(files(dist))
}

/// Listens on `port`, or, if it is `None`, on the first free port from `default` on.
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
                    "cannot listen on 127.0.0.1:{port}: {error}; choose another port with `--port`"
                );
            }
        }
    }
    Err(refused)
}

/// Waits for a request to stop: Ctrl-C, or SIGTERM on Unix.
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
    async fn a_default_port_in_use_is_replaced_and_a_chosen_one_is_an_error() {
        let first = listen(Some(0), PORT).await.unwrap();
        let taken = first.local_addr().unwrap().port();
        let second = listen(None, taken).await.unwrap();
        assert!(second.local_addr().unwrap().port() > taken);
        let error = listen(Some(taken), PORT).await.unwrap_err();
        assert!(error.contains("--port"), "{error}");
    }
}
