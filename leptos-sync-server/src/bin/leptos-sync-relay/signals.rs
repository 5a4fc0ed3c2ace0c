use std::{future::Future, io};

use tokio::signal::ctrl_c;

/// Ends when the process is asked to end: by Ctrl-C, or by SIGTERM where there is one.
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
