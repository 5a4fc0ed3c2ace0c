//! Renewal of credentials before they expire and when the relay rejects them.

use std::{
    cell::Cell,
    future::poll_fn,
    rc::{Rc, Weak},
    task::Poll,
    time::Duration,
};

use js_sys::JSON;
use leptos::prelude::{TimeoutHandle, set_timeout_with_handle, window};
use leptos_sync_core::clock::TimeSource as _;

use crate::{
    cell::RefCell,
    js,
    live::Cause,
    persistence::navigator,
    session::{CredentialsEvent, Session},
    sync_options::Fetch,
    task::{after, spawn},
    time::PageTime,
};

/// A function that starts the renewal of a session's credentials.
pub(crate) type Start = fn(&Rc<Session>, Fetch, PageTime);

/// The time in milliseconds before the expiry at which new credentials are fetched. It suffices for
/// a slow server. Credentials that are valid for less than twice this time are renewed halfway
/// through.
const MARGIN_MS: u64 = 30_000;

/// The delay in milliseconds after the first failure. It doubles with each further failure.
const FIRST_MS: u64 = 1_000;

/// The longest delay in milliseconds.
const MOST_MS: u64 = 300_000;

/// The time limit of a fetch. Credentials that arrive later are still used.
const FETCH: Duration = Duration::from_secs(30);

/// The longest timer in milliseconds. Browsers measure timers in 32 bits.
const TIMER_MS: u64 = 24 * 60 * 60 * 1_000;

struct Renewal {
    this: Weak<Self>,
    session: Weak<Session>,
    fetch: Fetch,
    time: PageTime,
    timer: RefCell<Option<TimeoutHandle>>,
    /// The number of fetches so far.
    fetches: Cell<u32>,
    /// The number of the fetch in progress, if there is one.
    fetching: Cell<Option<u32>>,
    /// Whether the timer is for another attempt, and not for an expiry.
    is_retrying: Cell<bool>,
    /// The number of attempts since credentials were last usable.
    failures: Cell<u32>,
}

pub(crate) fn start(session: &Rc<Session>, fetch: Fetch, time: PageTime) {
    let renewal = Rc::new_cyclic(|this| Renewal {
        this: Weak::clone(this),
        session: Rc::downgrade(session),
        fetch,
        time,
        timer: RefCell::default(),
        fetches: Cell::default(),
        fetching: Cell::default(),
        is_retrying: Cell::default(),
        failures: Cell::default(),
    });
    session.observe_credentials(Box::new(move |event| renewal.observe(event)));
}

impl Drop for Renewal {
    fn drop(&mut self) {
        if let Some(timer) = self.timer.take() {
            timer.clear();
        }
    }
}

impl Renewal {
    fn observe(&self, event: CredentialsEvent<'_>) {
        match event {
            CredentialsEvent::Set([]) => self.fetch_soon(),
            CredentialsEvent::Set(credentials) => self.fetch_before_expiry(credentials),
            // The rejection concerns the credentials that are being replaced.
            CredentialsEvent::Refused
                if self.fetching.get().is_some() || self.is_retrying.get() => {}
            CredentialsEvent::Refused => self.fetch_soon(),
            CredentialsEvent::Accepted => self.failures.set(0),
            CredentialsEvent::Hurry => {
                // A fetch in progress may have started without a network.
                self.failures.set(0);
                if self.is_retrying.get() {
                    self.fetch_soon();
                }
            }
        }
    }

    fn fetch_before_expiry(&self, credentials: &[u8]) {
        let Some(expiry_ms) = expiry_ms(credentials) else {
            return;
        };
        match expiry_ms.saturating_sub(self.time.now_ms()) {
            // The clock of this device or of the token's server may be wrong. Then all credentials
            // seem to have expired, or to expire at once.
            ..FIRST_MS => self.fetch_soon(),
            left_ms => self.fetch_after(left_ms - MARGIN_MS.min(left_ms / 2), Some(expiry_ms)),
        }
    }

    /// Fetches credentials. Waits first if earlier attempts failed.
    fn fetch_soon(&self) {
        let failures = self.failures.get();
        self.failures.set(failures.saturating_add(1));
        let wait_ms = match failures {
            0 => 0,
            _ => MOST_MS.min(FIRST_MS << (failures - 1).min(16)),
        };
        self.fetch_after(wait_ms, None);
    }

    /// Sets the timer, of which there is only one. `expiry_ms` is the time of expiry, if the timer
    /// is for one.
    fn fetch_after(&self, wait_ms: u64, expiry_ms: Option<u64>) {
        self.is_retrying.set(expiry_ms.is_none());
        let this = self.this.clone();
        let due = wait_ms <= TIMER_MS;
        let work = move || {
            let Some(this) = this.upgrade() else {
                return;
            };
            match expiry_ms {
                Some(expiry_ms) if !due => {
                    let left_ms = expiry_ms.saturating_sub(this.time.now_ms());
                    this.fetch_after(left_ms.saturating_sub(MARGIN_MS), Some(expiry_ms));
                }
                expiry => {
                    if expiry.is_some() {
                        // The relay has not rejected them until now.
                        this.failures.set(0);
                    }
                    this.fetch();
                }
            }
        };
        let wait = Duration::from_millis(wait_ms.min(TIMER_MS));
        let timer = set_timeout_with_handle(work, wait).ok();
        if let Some(before) = self.timer.replace(timer) {
            before.clear();
        }
    }

    fn fetch(&self) {
        self.is_retrying.set(false);
        if self.fetching.get().is_some() {
            return;
        }
        let number = self.fetches.get().wrapping_add(1);
        self.fetches.set(number);
        self.fetching.set(Some(number));
        let this = self.this.clone();
        after(FETCH, move || {
            if let Some(this) = this.upgrade() {
                this.fetched(number, None);
            }
        });
        let this = self.this.clone();
        let mut fetch = (self.fetch)();
        spawn(async move {
            // The app's code may read signals that were disposed with the session.
            let credentials = poll_fn(|task| match this.strong_count() {
                0 => Poll::Ready(None),
                _ => fetch.as_mut().poll(task),
            });
            let credentials = credentials.await;
            if let Some(this) = this.upgrade() {
                this.fetched(number, credentials);
            }
        });
    }

    /// Handles the end of a fetch, or of its time limit.
    fn fetched(&self, number: u32, credentials: Option<String>) {
        let is_current = self.fetching.get() == Some(number);
        if is_current {
            self.fetching.set(None);
        }
        let Some(session) = self.session.upgrade() else {
            return;
        };
        match credentials {
            Some(credentials) => session.set_credentials(credentials.into_bytes()),
            None if is_current => {
                // Without a network, the app cannot tell whether the user's session has ended.
                session.lacks_credentials(match navigator("onLine") {
                    Some(_) => Cause::NoCredentials,
                    None => Cause::Unreachable,
                });
                self.fetch_soon();
            }
            None => {}
        }
    }
}

/// Returns the time at which a JSON Web Token expires, in milliseconds since the Unix epoch.
/// Returns `None` if the credentials are not a token, or do not expire. Only the relay verifies the
/// token.
fn expiry_ms(credentials: &[u8]) -> Option<u64> {
    let token = std::str::from_utf8(credentials).ok()?;
    let claims = token.split('.').nth(1)?;
    let claims = claims.replace('-', "+").replace('_', "/");
    let claims = JSON::parse(&window().atob(&claims).ok()?).ok()?;
    let seconds = js::get(&claims, "exp").ok()?.as_f64()?;
    Some((seconds * 1_000.0) as u64)
}
