use std::{future::Future, io};

use tokio::signal::ctrl_c;

/// Waits for a request to stop: Ctrl-C, or SIGTERM on Unix.
pub(crate) fn stop() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    Ok(async move {
        #[cfg(unix)]
        let terminated = terminate.recv();
        #[cfg(not(unix))]
        let terminated = std::future::pending::<Option<()>>();
        tokio::select! {
            _ = ctrl_c() => {}
            _ = terminated => {}
        }
    })
}
