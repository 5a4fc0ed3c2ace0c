//! The relay as a standalone program, which stores documents in an SQLite file.

mod options;
mod signals;

use std::{error::Error, process::ExitCode, time::Duration};

use axum::serve::ListenerExt as _;
use clap::Parser as _;
use leptos_sync_server::{AllowAnyone, Prometheus, Relay, RelayOptions, SqliteLog, limits, router};
use tokio::{net::TcpListener, sync::oneshot, time::timeout};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use self::options::Options;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match run(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<(), Box<dyn Error + Send + Sync>> {
    // Install the handlers first, so that a signal never interrupts a connection.
    let stop = signals::stop()?;
    let relay = relay(options)?;
    let listener = TcpListener::bind(options.listen).await.map_err(|error| {
        format!(
            "cannot listen on {}: {error}; choose another address with `--listen`",
            options.listen
        )
    })?;
    let address = listener.local_addr()?;
    tracing::info!(%address, "listening");

    let (drained, ended) = oneshot::channel::<()>();
    // Otherwise, the second of two frames would wait until the first is confirmed.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY; frames may be delayed");
        }
    });
    let served = axum::serve(listener, router(relay.clone())).with_graceful_shutdown(async {
        // An error means that the sender was dropped, which is also a signal to stop.
        let _ = ended.await;
    });
    let mut server = tokio::spawn(served.into_future());
    tokio::select! {
        () = stop => {}
        served = &mut server => return Ok(served??),
    }
    tracing::info!("shutting down");
    let drain = async {
        relay.shut_down().await;
        drop(drained);
        server.await
    };
    match timeout(Duration::from_millis(limits::SHUT_DOWN_MS), drain).await {
        Ok(served) => served??,
        Err(_) => tracing::warn!("some connections did not end in time"),
    }
    Ok(())
}

fn relay(options: &Options) -> Result<Relay, Box<dyn Error + Send + Sync>> {
    let mut relay_options = RelayOptions::default()
        .allow_origins(&options.allow_origin)?
        .trust_forwarded_headers(options.trust_forwarded_headers)
        .clock_settle(Duration::from_secs(options.clock_settle_seconds))
        .documents(options.max_documents)
        .retention(options.retention_days.time());
    if options.metrics {
        relay_options = relay_options.prometheus(Prometheus::install()?);
    }
    let authorizer = options.access.authorizer()?;
    let log = SqliteLog::open(&options.database)?;
    Ok(match authorizer {
        Some(tokens) => Relay::with_options(log, tokens, relay_options),
        None => {
            tracing::warn!("anyone who can connect may read and write all documents");
            Relay::with_options(log, AllowAnyone, relay_options)
        }
    })
}
