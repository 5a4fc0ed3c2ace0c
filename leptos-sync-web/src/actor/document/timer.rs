use std::{rc::Rc, time::Duration};

use leptos_sync_core::{Root, limits};

use super::DocumentActor;
use crate::task::after;

/// A kind of work that runs after a delay.
#[derive(Clone, Copy)]
pub(super) enum Timer {
    /// Writes what the relay and other tabs have sent.
    Save,
    /// Retries a failed write.
    Retry,
    /// Reads the stored document again. Until that succeeds, the document is in memory only.
    Recover,
    /// Sends the page's presence.
    Presence,
    /// Requests missing entries from the other tabs again.
    Ask,
    /// Sends the entries of other pages.
    Others,
    /// Forgets the tombstones of a document without a relay, unless another tab has answered.
    Forget,
}

impl Timer {
    fn delay(self) -> Duration {
        match self {
            Self::Save => Duration::from_millis(limits::SAVE_DELAY_MS.into()),
            Self::Retry | Self::Ask => RETRY,
            Self::Recover => RECOVER,
            Self::Presence => INTERVAL,
            Self::Others | Self::Forget => OTHERS,
        }
    }
}

/// The delay before a failed write is retried if no edit arrives. It doubles with each failure.
/// Also the delay between requests to other tabs for missing entries, which those tabs may not
/// have.
const RETRY: Duration = Duration::from_secs(5);

/// How often the delay doubles: to 80 seconds.
const MOST_DOUBLINGS: u32 = 4;

/// The delay before the storage of a document in memory is retried.
const RECOVER: Duration = Duration::from_secs(30);

/// The minimum time between two presence messages of a page. Twenty a second look smooth.
const INTERVAL: Duration = Duration::from_millis(50);

/// The time that another page has to send its own entries, or to answer. A page that does neither
/// is dead, frozen or offline.
const OTHERS: Duration = Duration::from_millis(500);

impl<S: Root> DocumentActor<S> {
    pub(super) fn is_set(&self, timer: Timer) -> bool {
        self.timers.get() & (1 << timer as u8) != 0
    }

    /// Sets a timer, unless it is already set.
    pub(super) fn after(self: &Rc<Self>, timer: Timer) {
        if self.is_set(timer) || self.page.is_closed.get() {
            return;
        }
        let bit = 1 << timer as u8;
        self.timers.set(self.timers.get() | bit);
        // Only what has to be stored is worth the memory of a document that is no longer open.
        let kept = matches!(timer, Timer::Save | Timer::Retry).then(|| Rc::clone(self));
        let this = Rc::downgrade(self);
        let failures = self.disk.as_ref().map_or(0, |disk| disk.failures.get());
        let delay = match timer {
            // A storage that is full stays full for a while.
            Timer::Retry => RETRY * (1 << failures.saturating_sub(1).min(MOST_DOUBLINGS)),
            _ => timer.delay(),
        };
        after(delay, move || {
            let _kept = kept;
            let Some(this) = this.upgrade() else {
                return;
            };
            this.timers.set(this.timers.get() & !bit);
            match timer {
                Timer::Save | Timer::Retry => this.save(),
                Timer::Recover => this.recover(),
                Timer::Presence => this.send_presence(),
                Timer::Ask => this.ask_others_again(),
                Timer::Others => this.send_others(),
                Timer::Forget => this.forget(),
            }
        });
    }
}
