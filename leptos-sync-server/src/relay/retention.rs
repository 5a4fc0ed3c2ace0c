//! How long removals are remembered.
//!
//! A tombstone tells a replica that was away what was removed meanwhile. It stays as long as
//! [`RelayOptions::retention`](super::RelayOptions::retention) says, and then goes: who was away for longer gets the whole
//! state, which tells the same. A task of the relay's own looks through the documents, one after the other: so it takes one
//! reader, or the writer for a moment, and nobody waits for the whole of it.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use leptos_sync_core::{Time, limits::DRIFT_MS};
use tokio::{runtime::Handle, sync::watch, task::yield_now, time::sleep};

use super::{Inner, health};
use crate::{error::Error, limits};

/// Whether the task was started.
#[derive(Default)]
pub(super) struct Retention(AtomicBool);

impl Retention {
    /// Starts the task, once, where tombstones are to end. Outside of a runtime nothing is started yet: the first connection
    /// brings one.
    pub(super) fn start(relay: &Arc<Inner>) {
        let Some(retention) = relay.options.retention else {
            return;
        };
        let Self(started) = &relay.retention;
        if !started.load(Ordering::Relaxed)
            && let Ok(runtime) = Handle::try_current()
            && !started.swap(true, Ordering::Relaxed)
        {
            let closing = relay.closing.subscribe();
            runtime.spawn(keep(Arc::downgrade(relay), closing, retention));
        }
    }
}

/// Looks through the documents again and again, until the relay goes down or nobody has it any more.
async fn keep(relay: Weak<Inner>, mut closing: watch::Receiver<bool>, retention: Duration) {
    let rounds = async {
        sleep(Duration::from_millis(limits::FIRST_SWEEP_MS)).await;
        loop {
            sweep(&relay, retention).await;
            sleep(Duration::from_millis(limits::SWEEP_MS)).await;
        }
    };
    tokio::select! {
        biased;
        // An error says that the relay was dropped.
        _ = closing.wait_for(|closing| *closing) => {}
        () = rounds => {}
    }
}

/// Looks at every document once. What fails is told; what is damaged does not keep the others from it.
async fn sweep(relay: &Weak<Inner>, retention: Duration) {
    let mut after: Option<String> = None;
    loop {
        // Not held any longer than for one question: to have the relay is to keep its log open.
        let Some(inner) = relay.upgrade() else {
            return;
        };
        let listed = inner.log.documents(after.as_deref(), limits::LISTED).await;
        drop(inner);
        let names = match listed {
            Ok(names) => names,
            Err(error) => {
                tracing::error!(%error, "tombstones stay, for the log does not list its documents");
                return;
            }
        };
        // That of the relay's own has one cell, which is never removed.
        for document in names.iter().filter(|name| *name != health::DOCUMENT) {
            let Some(inner) = relay.upgrade() else {
                return;
            };
            if let Err(error) = inner.forget_aged(document, retention).await {
                tracing::error!(document, %error, "tombstones stay");
                inner.noted(&error);
                if error.is_unavailable() {
                    return;
                }
            }
            drop(inner);
            yield_now().await;
        }
        after = names.into_iter().last();
        if after.is_none() {
            return;
        }
    }
}

impl Inner {
    /// The latest time that may become a floor. Nobody's stamps lie before it whose clock is as wrong as the protocol bears.
    /// Zero while the relay's time source returns no milliseconds: then nothing is forgotten.
    pub(super) fn latest_floor(&self) -> Time {
        Time::try_from_ms(self.now_ms().saturating_sub(DRIFT_MS)).unwrap_or_default()
    }

    /// Forgets the tombstones of a document that are older than the retention, in steps of a day. One that was not written since
    /// the last step costs a look at its versions.
    async fn forget_aged(&self, document: &str, retention: Duration) -> Result<(), Error> {
        let state = self.log.state(document).await?;
        let retention = u64::try_from(retention.as_millis()).unwrap_or(u64::MAX);
        let aged = self.now_ms().saturating_sub(retention);
        let aged = Time::from_ms(aged - aged % limits::FLOOR_STEP_MS);
        // No further than what the document has: to forget that, it is enough, and a clock that was once set wrong does not
        // refuse what is written later.
        let all = Time::new(state.version.latest().get().saturating_add(1));
        let before = aged.min(self.latest_floor()).min(all);
        let last = Time::new(before.get().saturating_sub(1));
        let stable = state.version.iter();
        let stable = stable.map(|(replica, time)| (replica, time.min(last)));
        if state.horizon.covers(&stable.collect()) {
            return Ok(());
        }
        tracing::debug!(document, floor = before.ms(), "forgetting tombstones");
        self.log.forget_tombstones(document, before).await
    }
}
