//! The relay as a standalone program, which stores documents in an SQLite file.

mod log_lines;
mod options;
mod signals;

use std::{error::Error, process::ExitCode, time::Duration};

use clap::Parser as _;
use leptos_sync_server::{
    AllowAnyone, DurableLog as _, Prometheus, Relay, RelayOptions, ServeOptions, SqliteLog,
    SqliteOptions, router, serve,
};
use tokio::net::TcpListener;
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use self::{log_lines::LogLines, options::Options};

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    let Ok(lines) = LogLines::start() else {
        // No thread can be started.
        return ExitCode::FAILURE;
    };
    let writer = lines.clone();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || writer.clone())
        // Internal errors would be written to stderr directly, which panics if it is closed.
        .log_internal_errors(false)
        .init();
    let code = match run(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    };
    lines.finish();
    code
}

async fn run(options: &Options) -> Result<(), Box<dyn Error + Send + Sync>> {
    if !options.remove.is_empty() {
        return remove(options).await;
    }
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
    let bounds = ServeOptions::default().connections(options.max_connections);
    serve(listener, router(relay.clone()), &relay, &bounds, stop).await;
    Ok(())
}

/// Removes documents from the database.
async fn remove(options: &Options) -> Result<(), Box<dyn Error + Send + Sync>> {
    let log = log(options)?;
    for document in &options.remove {
        log.remove(document).await?;
        tracing::info!(document, "removed");
    }
    Ok(())
}

fn log(options: &Options) -> Result<SqliteLog, Box<dyn Error + Send + Sync>> {
    let mut log_options = SqliteOptions::new();
    if let Some(path) = &options.seal_key_file {
        log_options = log_options.key_file(path);
    }
    Ok(SqliteLog::open_with(&options.database, &log_options)?)
}

fn relay(options: &Options) -> Result<Relay, Box<dyn Error + Send + Sync>> {
    let mut relay_options = RelayOptions::default()
        .allow_origins(&options.allow_origin)?
        .trust_forwarded_headers(options.trust_forwarded_headers)
        .clock_settle(Duration::from_secs(options.clock_settle_seconds))
        .documents(options.max_documents)
        .retention(options.retention_days.time())
        .accept_unproven(options.accept_unproven);
    if options.metrics {
        relay_options = relay_options.prometheus(Prometheus::install()?);
    }
    let authorizer = options.access.authorizer()?;
    let log = log(options)?;
    Ok(match authorizer {
        Some(tokens) => Relay::with_options(log, tokens, relay_options),
        None => {
            tracing::warn!("anyone who can connect may read and write all documents");
            Relay::with_options(log, AllowAnyone, relay_options)
        }
    })
}
