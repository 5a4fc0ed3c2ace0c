use std::time::Duration;

use leptos_sync_core::{
    ReplicaId, Stamp, Time,
    cells::{CellRef, Path},
    history::Patch,
};
use tokio::time::timeout;

use super::Inner;
use crate::{error::Error, limits};

/// The document that the health check writes. Clients cannot name it.
pub(super) const DOCUMENT: &str = "";

/// The relay serves clients with the old time, so a load balancer must not stop routing to it.
const CLOCK_JUMPED: &str = "ok, but degraded: the machine's clock has jumped; the relay continues with the time before the jump until the clock has been stable";

/// The replica id of the health check.
const WRITER: ReplicaId = ReplicaId::new(1);

impl Inner {
    /// Checks within [`limits::HEALTH_MS`] that the log can be read and that no edit waits for it
    /// too long. If a write has failed before, also checks that one of the same size succeeds. The
    /// read does not wait for other work; the write waits in the queue of the log like any edit.
    ///
    /// Returns a text for the operator, which names what needs attention.
    ///
    /// # Errors
    ///
    /// If the relay cannot serve clients, with the reason.
    pub(super) async fn health(&self) -> Result<&'static str, &'static str> {
        if *self.closing.borrow() {
            return Err("the relay is shutting down");
        }
        if self.writes.is_stalled() {
            return Err("the log does not finish writes");
        }
        let checked = async {
            self.log.probe().await?;
            match self.writes.failed() {
                Some(bytes) => self.write(bytes).await,
                None => Ok(()),
            }
        };
        match timeout(Duration::from_millis(limits::HEALTH_MS), checked).await {
            // An error of this document is not an error of the log.
            Ok(Err(error)) if error.is_unavailable() => Err("the log is unavailable"),
            Ok(_) if !self.options.clock.is_trusted() => Ok(CLOCK_JUMPED),
            Ok(_) => Ok("ok"),
            Err(_) => Err("the log is unavailable"),
        }
    }

    /// Remembers an error of the log for the next health check.
    pub(super) fn note_failure(&self, error: &Error) {
        if error.is_unavailable() {
            self.writes.fail(0);
        }
    }

    /// Writes a cell of about `bytes`, at most the largest value, and then replaces it by an empty
    /// one. A small write would not detect a full disk, since it may fit where a larger edit does
    /// not.
    async fn write(&self, bytes: usize) -> Result<(), Error> {
        let writing = self.writes.begin(bytes);
        let value = vec![0; bytes.min(leptos_sync_core::limits::VALUE_BYTES)];
        let done = self.write_cell(&value).await;
        writing.end(&done);
        done?;
        match value.is_empty() {
            true => Ok(()),
            false => self.write_cell(&[]).await,
        }
    }

    async fn write_cell(&self, value: &[u8]) -> Result<(), Error> {
        // The stamp must be later than the last one, which may have the same millisecond.
        let history = self.log.open(DOCUMENT, Vec::new()).await?;
        let next = history.state.witness.latest.next();
        let now_ms = self.now_ms();
        let time = Time::from_ms(now_ms).max(next);
        let cell = Patch::collect(time, |out| {
            out.group(Path::ROOT);
            out.copy(CellRef {
                key: b"written",
                stamp: Stamp::new(time, WRITER),
                value: Some(value),
            });
        })?;
        self.log
            .join_cells(DOCUMENT, None, cell, now_ms, time)
            .await?;
        Ok(())
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use leptos_sync_core::clock::{ManualTime, TimeSource as _};

    use super::*;
    use crate::{AllowAnyone, Relay, RelayOptions, SqliteLog};

    #[tokio::test]
    async fn repeated_health_checks_store_one_cell() {
        let dir = tempfile::tempdir().unwrap();
        let time = ManualTime::at(1_000_000);
        let log = SqliteLog::open(dir.path().join("log")).unwrap();
        let options = RelayOptions::default().time(time.clone());
        let relay = Relay::with_options(log, AllowAnyone, options).0;
        for _ in 0..3 {
            time.advance(1_000);
            relay.note_failure(&Error::unavailable("no room"));
            assert_eq!(relay.health().await, Ok("ok"));
        }
        let range = relay.log.range(DOCUMENT, None, 1_000).await.unwrap();
        assert_eq!(range.cells.len(), 1);
        let history = relay.log.open(DOCUMENT, Vec::new()).await.unwrap();
        let written = Time::from_ms(time.now_ms());
        assert_eq!(history.state.witness.latest, written);
    }

    #[tokio::test(start_paused = true)]
    async fn a_relay_whose_log_does_not_finish_writes_is_unhealthy() {
        let relay = Relay::new(crate::MemoryLog::new().unwrap(), AllowAnyone).0;
        let first = relay.writes.begin(10);
        tokio::time::advance(Duration::from_millis(limits::STALLED_MS / 2)).await;
        let second = relay.writes.begin(10);
        assert!(relay.health().await.is_ok());
        tokio::time::advance(Duration::from_millis(limits::STALLED_MS / 2)).await;
        assert!(relay.health().await.is_err());
        drop(first);
        assert!(relay.health().await.is_ok());
        drop(second);
    }

    /// A full disk must not count as healthy whenever a small edit replaces another.
    #[tokio::test]
    async fn a_small_write_does_not_hide_that_a_large_one_failed() {
        let writes = super::super::writes::Writes::default();
        let failed = Err::<(), _>(Error::full("no room"));
        writes.begin(1_000).end(&failed);
        writes.begin(10).end(&Ok(()));
        assert_eq!(writes.failed(), Some(1_000));
        writes.begin(1_000).end(&Ok(()));
        assert_eq!(writes.failed(), None);
    }
}
