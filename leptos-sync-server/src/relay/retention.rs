//! The retention of tombstones.
//!
//! A tombstone informs a client that was offline of a removal. The relay keeps it for the time of
//! [`RelayOptions::retention`](super::RelayOptions::retention). Clients that were offline longer
//! compare all their cells with the relay's instead. A background task visits one document at a
//! time, so that it never occupies more than one reader or, briefly, the writer.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use leptos_sync_core::{Time, limits::DRIFT_MS};
use tokio::{runtime::Handle, sync::watch, task::yield_now, time::sleep};

use super::{Inner, health};
use crate::limits;

/// The state of the task.
#[derive(Default)]
pub(super) struct Retention {
    /// Whether the task has been started.
    started: AtomicBool,
    /// The time up to which the tombstones of all documents were last removed.
    swept: AtomicU64,
}

impl Retention {
    /// Starts the task once, unless tombstones are kept forever. Does nothing outside a runtime;
    /// the first connection calls it again.
    pub(super) fn start(relay: &Arc<Inner>) {
        let Some(retention) = relay.options.retention else {
            return;
        };
        let started = &relay.retention.started;
        if !started.load(Ordering::Relaxed)
            && let Ok(runtime) = Handle::try_current()
            && !started.swap(true, Ordering::Relaxed)
        {
            let closing = relay.closing.subscribe();
            runtime.spawn(sweep_repeatedly(Arc::downgrade(relay), closing, retention));
        }
    }
}

/// Sweeps all documents repeatedly, until the relay shuts down or is dropped.
async fn sweep_repeatedly(
    relay: Weak<Inner>,
    mut closing: watch::Receiver<bool>,
    retention: Duration,
) {
    let rounds = async {
        sleep(Duration::from_millis(limits::FIRST_SWEEP_MS)).await;
        loop {
            sweep(&relay, retention).await;
            sleep(Duration::from_millis(limits::SWEEP_MS)).await;
        }
    };
    tokio::select! {
        biased;
        // An error means that the relay was dropped.
        _ = closing.wait_for(|closing| *closing) => {}
        () = rounds => {}
    }
}

/// Visits every document once, unless that would remove nothing. Errors are logged; a damaged
/// document does not stop the sweep.
async fn sweep(relay: &Weak<Inner>, retention: Duration) {
    let Some(before) = relay.upgrade().and_then(|relay| relay.aged(retention)) else {
        return;
    };
    let mut after: Option<String> = None;
    loop {
        // Hold a strong reference only during one call, because it keeps the log open.
        let Some(inner) = relay.upgrade() else {
            return;
        };
        let listed = inner.log.documents(after.as_deref(), limits::LISTED).await;
        drop(inner);
        let names = match listed {
            Ok(names) => names,
            Err(error) => {
                tracing::error!(%error, "cannot list the documents to remove old tombstones; trying again later");
                return;
            }
        };
        // The document of the health check has one cell, which is never removed.
        for document in names.iter().filter(|name| *name != health::DOCUMENT) {
            let Some(inner) = relay.upgrade() else {
                return;
            };
            if let Err(error) = inner.log.forget(document, before, before.ms()).await {
                tracing::error!(document, %error, "cannot remove old tombstones; trying again later");
                inner.note_failure(&error);
                if error.is_unavailable() {
                    return;
                }
            }
            drop(inner);
            yield_now().await;
        }
        after = names.into_iter().last();
        if after.is_none() {
            if let Some(inner) = relay.upgrade() {
                inner.retention.swept.store(before.get(), Ordering::Relaxed);
            }
            return;
        }
    }
}

impl Inner {
    /// Returns the latest time that may become a floor. Clients whose clocks are within the drift
    /// that the protocol permits never create earlier stamps. Returns zero while the relay
    /// distrusts its clock, or its time source does not return milliseconds; then nothing is
    /// forgotten.
    pub(super) fn latest_floor(&self) -> Time {
        if !self.options.clock.is_trusted() {
            return Time::ZERO;
        }
        Time::try_from_ms(self.now_ms().saturating_sub(DRIFT_MS)).unwrap_or_default()
    }

    /// Returns the time before which tombstones are older than the retention, in steps of a day.
    /// Returns `None` if they were already removed.
    fn aged(&self, retention: Duration) -> Option<Time> {
        let retention = u64::try_from(retention.as_millis()).unwrap_or(u64::MAX);
        let aged_ms = self.now_ms().saturating_sub(retention);
        let aged_ms = aged_ms - aged_ms % limits::FLOOR_STEP_MS;
        let before = Time::from_ms(aged_ms).min(self.latest_floor());
        (before.get() > self.retention.swept.load(Ordering::Relaxed)).then_some(before)
    }
}
